"use strict";

// What a reader does with the page, done by a script; the test reads what it writes at the end.
(async () => {
  const results = [];
  const check = (name, holds, detail = "") => results.push((holds ? "ok " : "FAILED ") + name + (holds ? "" : ": " + detail));
  const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const press = (element, key) =>
    element.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  const isSeen = (element, pane) => {
    const [box, frame] = [element.getBoundingClientRect(), pane.getBoundingClientRect()];
    return box.bottom > frame.top && box.top < frame.bottom;
  };
  const [source, graph, code] = ["source", "graph", "code"].map((id) => document.getElementById(id));
  const lit = (pane) => all(".option.lit", pane);

  await wait(100);
  const overflow = () => document.documentElement.scrollWidth - innerWidth;
  check("no horizontal overflow", overflow() <= 0, overflow() + " px");
  const ids = all("[id]").map((element) => element.id);
  check("ids are unique", new Set(ids).size === ids.length);

  // Every line of the model that became something lights it, and what can be seen moves there.
  const lines = all(".linked", source);
  check("the model has lines with counterparts", lines.length > 5, lines.length);
  for (const line of lines) {
    line.click();
    const inGraph = lit(graph).length;
    const inCode = lit(code);
    check(`${line.id} lights the graph`, inGraph > 0);
    check(`${line.id} lights the C`, inCode.length > 0 || !graph.querySelector(".node.lit"));
    check(`${line.id} is seen in the graph`, lit(graph).some((element) => isSeen(element, graph)));
    check(`${line.id} is seen in the C`, !inCode.length || inCode.some((element) => isSeen(element, code)));
    line.click();
    check(`${line.id} lets go`, all(".lit").length === 0);
  }
  for (const node of all(".node", graph).filter((node) => node.offsetParent)) {
    node.click();
    check(`${node.id} lights the model and the C`, lit(source).length > 0 && lit(code).length > 0);
    check(`${node.id} is explained`, document.querySelector("#details h3") !== null);
    node.click();
  }
  for (const line of all(".option[data-kind=span]", code)) {
    line.click();
    check(`${line.id} lights the model`, lit(source).length > 0);
    line.click();
  }

  // Of a layer that is used often: what one use costs, and what all of them.
  facts.layers.forEach((layer, index) => {
    const head = document.getElementById("layer-" + index).textContent;
    const count = layer.uses.length;
    check(`${layer.name} says whose its costs are`,
      count > 1 ? head.includes("each ") && head.includes("of all " + count) : !head.includes("each "), head);
  });

  // The keyboard.
  source.focus();
  press(source, "Home");
  const first = document.querySelector(".current");
  press(source, "ArrowDown");
  const second = document.querySelector(".current");
  check("arrows move", first && second && first !== second && source.contains(second));
  check("the current line is announced", source.getAttribute("aria-activedescendant") === second.id);
  press(source, "ArrowRight");
  check("right goes to the graph", document.activeElement === graph && graph.querySelector(".current.lit"));
  press(graph, "ArrowRight");
  check("right goes to the C", document.activeElement === code && code.querySelector(".current.lit"));
  const before = document.getElementById("file").value;
  press(code, "Enter");
  const file = document.getElementById("file");
  check("enter opens the kernel", file.value !== before && file.selectedOptions[0].textContent.startsWith("kernels/"));
  press(code, "Backspace");
  check("backspace goes back", file.value === before);
  press(code, "Escape");
  check("escape lets go", all(".lit, .current").length === 0);

  // Pointing shows, unless something is held.
  const over = (element) => element.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }));
  over(lines[0]);
  await wait(120);
  check("pointing lights", lit(graph).length > 0 && lines[0].classList.contains("lit"));
  lines[2].click();
  over(lines[0]);
  await wait(120);
  check("what is held stays", lines[2].classList.contains("lit") && !lines[0].classList.contains("current"));
  press(source, "Escape");

  // The map.
  const map = document.getElementById("memory");
  check("the map is drawn", all(".buffers rect", map).length > 20);
  press(map, "ArrowDown");
  press(map, "ArrowRight");
  const readout = document.getElementById("memory-readout").textContent;
  check("a buffer is read out", /\[.*\].*B at [\d,]+/.test(readout), readout);
  check("a buffer lights its calls", lit(code).length > 0 && map.querySelector("rect.chosen"));
  document.getElementById("to-scale").click();
  check("the map is drawn to scale", all(".buffers rect", map).length > 20);
  press(map, "Escape");

  // Names: every region has its own, and they keep apart; layers are named as far as there is room.
  const boxes = (selector) => all(selector, map).map((text) => text.getBoundingClientRect());
  const clash = (found) => found.some((a, i) => found.slice(i + 1).some((b) =>
    a.left < b.right - 0.5 && b.left < a.right - 0.5 && a.top < b.bottom - 3 && b.top < a.bottom - 3));
  if (map.clientWidth >= 320) {
    const named = all(".band-name", map).map((text) => text.textContent);
    for (const region of facts.regions) check(`${region.name} is named`, named.includes(region.name), named.join());
    check("names of regions keep apart", !clash(boxes(".band-name, .band-size")));
  }
  check("layers are named", all(".runs text", map).length > 3);
  check("names of layers keep apart", !clash(boxes(".runs text")));
  const many = strided([...Array(48).keys()].map(String), 280);
  check("of 48 layers some are named", many.length > 3 && many.length * 20 <= 280 && many[0] === 0, many.join());
  check("of 3 all are", strided(["0", "1", "2"], 280).length === 3);

  // The search.
  const input = document.getElementById("find");
  const found = document.getElementById("found");
  const search = (text) => { input.value = text; input.dispatchEvent(new Event("input")); };
  const hash = async () => { await wait(300); return decodeURIComponent(location.hash); };
  press(document.body, "/");
  check("slash goes to the search", document.activeElement === input);
  search("softmax");
  check("an op is found", all(".hit", found).length > 1 && !found.hidden, found.textContent);
  press(input, "ArrowDown");
  check("arrows choose", found.querySelector("#hit-1").getAttribute("aria-selected") === "true");
  press(input, "ArrowUp");
  press(input, "Enter");
  check("the list closes", found.hidden && document.activeElement !== input);
  check("what was found is selected", graph.querySelector(".current.lit") && lit(code).length > 0);
  check("and stands in the address", /^#node-\d+$/.test(await hash()), location.hash);
  search("layer-block");
  check("places are found", found.textContent.includes("go there"));
  search("#include \"model.h\"");
  found.querySelector(".hit").click();
  check("text of files is found", /^#\w+\.[ch]:\d+$/.test(await hash()), location.hash);
  search("zzqqzz");
  check("nothing is found", !found.querySelector(".hit") && found.textContent.includes("Nothing"));
  press(input, "Escape");
  check("escape closes the search", found.hidden && input.value === "");
  const parameter = facts.buffers.find((buffer) => buffer.name.startsWith("block.1."));
  if (parameter) {
    search(parameter.name);
    found.querySelector(".hit").click();
    const address = await hash();
    check("a buffer is found", map.querySelector("rect.chosen") && address.startsWith("#buffer-"), address);
  }

  // Places in the address.
  const span = facts.spans.find((span) => span.call !== undefined && facts.files[span.file].isLayer);
  const place = `${facts.files[span.file].path}:${span.first}`;
  const visit = async (place) => { location.hash = "#" + place; await wait(300); };
  await visit(place);
  const target = document.getElementById(`c-${span.file}-${span.first}`);
  check("an address selects", target.classList.contains("current") && lit(source).length > 0, place);
  check("and shows it", isSeen(target, code), place);
  press(code, "Escape");
  check("nothing selected, no address", await hash() === "", location.hash);
  const kernel = facts.files.findIndex((file) => file.path.startsWith("kernels/"));
  const below = Math.min(20, linesOfFile[kernel].length);
  await visit(`${facts.files[kernel].path}:${below}`);
  check("an address opens a file", file.value === String(kernel));
  check("at its line", isSeen(document.getElementById(`c-${kernel}-${below}`), code));
  await visit(lines[1].id.replace("source-", facts.sourceName + ":"));
  check("an address is a line of the model", lines[1].classList.contains("current"));
  for (const wrong of ["nothing.c:3", place.replace(/\d+$/, "999999"), "node-999999", "%", "layer-"]) {
    await visit(wrong);
    check(`${wrong} leads nowhere`, lines[1].classList.contains("current"));
  }
  press(source, "Escape");
  const node = all(".node", graph).find((node) => node.offsetParent);
  node.click();
  const link = await hash();
  node.click();
  check("let go, it leaves the address", await hash() === "", location.hash);
  await visit(link.slice(1));
  check("a node's address selects it", node.classList.contains("current"), link);
  press(graph, "Escape");
  lines[1].querySelector(".no").click();
  const clicked = "#" + lines[1].id.replace("source-", facts.sourceName + ":");
  check("a click on a line sets the address", await hash() === clicked, location.hash);
  press(source, "Escape");

  // Lines between panes.
  const widths = () => [source, graph, code].map((pane) => pane.closest(".pane").offsetWidth);
  const line = document.querySelector(".splitter");
  if (line.offsetParent) {
    const start = widths();
    press(line, "ArrowRight");
    press(line, "ArrowRight");
    const wider = widths();
    check("a line moves by keys", wider[0] > start[0] && wider[1] < start[1] && wider[2] === start[2], wider.join());
    check("what it is at is announced", Number(line.getAttribute("aria-valuenow")) > 54);
    let kept = null;
    try { kept = localStorage.getItem("moec-panes"); } catch { /* Not in this browser. */ }
    check("it is remembered", kept === null || JSON.parse(kept).upper[0] === 33, kept);
    const drag = (kind, x) => line.dispatchEvent(new PointerEvent(kind,
      { button: 0, pointerId: 1, clientX: x, bubbles: true, cancelable: true }));
    line.setPointerCapture = () => {};
    const at = line.getBoundingClientRect().left;
    drag("pointerdown", at);
    drag("pointermove", at - 150);
    drag("pointerup", at - 150);
    check("a line can be dragged", Math.abs(widths()[0] - (wider[0] - 150)) < 4, widths().join());
    drag("pointermove", at);
    check("and let go", Math.abs(widths()[0] - (wider[0] - 150)) < 4, widths().join());
    press(line, "Home");
    check("no pane vanishes", widths().every((width) => width > 60), widths().join());
    press(line, "Enter");
    check("enter puts it back", widths().join() === start.join(), widths().join());
  }

  // What an op says of itself.
  all(".node", graph).find((node) => node.textContent.includes("linear")).click();
  const details = document.getElementById("details").textContent;
  for (const part of ["w x[r, :]", "dw = dyᵀ x", "FLOP", "[B, T, C]", " × "]) {
    check(`details say ${part}`, details.includes(part), details);
  }
  if (facts.bench) check("details say the time", /of a step, [\d.]+%/.test(details), details);
  press(graph, "Escape");

  // Every file.
  for (const option of [...file.options]) {
    file.value = option.value;
    file.dispatchEvent(new Event("change"));
    const expected = option.value === "layers"
      ? facts.files.filter((f) => f.isLayer).reduce((sum, f) => sum + f.text.trimEnd().split("\n").length, 0)
      : facts.files[option.value].text.replace(/\n$/, "").split("\n").length;
    check(`${option.textContent} is shown`, all(".line", code).length === expected);
  }
  check("still no horizontal overflow", overflow() <= 0, overflow() + " px");

  // The theme.
  const button = document.getElementById("theme-button");
  const colours = new Set();
  for (let turn = 0; turn < 3; turn++) {
    button.click();
    colours.add(getComputedStyle(document.body).backgroundColor);
  }
  check("the theme changes", colours.size === 2, [...colours].join());

  check("no errors", window.seenErrors.length === 0, window.seenErrors.join("; "));
  const text = results.join("\n");
  if (parent !== window) parent.postMessage(text, "*");
  const output = document.createElement("pre");
  output.id = "results";
  output.textContent = text;
  document.body.append(output);
})();
