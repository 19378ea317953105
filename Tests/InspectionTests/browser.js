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
