"use strict";

// The three panes: what is drawn in them, and lighting what belongs together.

const byId = (id) => document.getElementById(id);
const sourcePane = byId("source");
const graphPane = byId("graph");
const codePane = byId("code");

// An option of a pane that stands for something: `kind` and `id` as related() takes them.
function optionHTML(id, kind, key, classes, hue, content, label) {
  const name = label ? ` aria-label="${escapeText(label)}"` : "";
  return `<div class="option ${classes}" role="option" aria-selected="false" id="${id}"`
    + ` data-kind="${kind}" data-key="${key}" style="--hue:${hue}"${name}>${content}</div>`;
}

const codeLineHTML = (number, html) => `<span class="no">${number}</span><span class="code">${html || " "}</span>`;

// The model

function drawSource() {
  const file = facts.files.findIndex((file) => file.path === "model.swift");
  byId("source-name").textContent = facts.sourceName;
  if (file < 0) {
    sourcePane.innerHTML = '<p class="empty">The library does not carry the model\'s source.</p>';
    return;
  }
  sourcePane.innerHTML = highlighted(facts.files[file].text.replace(/\n$/, ""), languages.swift)
    .map((html, index) => {
      const line = index + 1;
      return hueOfLine.has(line)
        ? optionHTML("source-" + line, "line", line, "line linked", hueOf(line), codeLineHTML(line, html))
        : `<div class="line" id="source-${line}">${codeLineHTML(line, html)}</div>`;
    }).join("");
}

// The graph

const metrics = {
  time: { name: "time", of: (call) => call.time && call.time.milliseconds, text: timeText },
  flops: { name: "FLOPs", of: (call) => call.flops * usesOf(call), text: flopText },
  bytes: { name: "bytes", of: (call) => call.bytes * usesOf(call), text: bytesText },
};

const usesOf = (call) => Math.max(1, facts.layers[call.layer].uses.length);

function drawGraph(metric) {
  const most = Math.max(1e-9, ...facts.calls.map((call) => metric.of(call) || 0));
  graphPane.innerHTML = facts.layers.map((layer, index) => layerHTML(layer, index, metric, most)).join("");
}

function layerHTML(layer, index, metric, most) {
  const isMany = layer.uses.length > 1;
  const uses = isMany ? ` <span class="uses">× ${layer.uses.length}</span>` : "";
  const cost = layer.flops.length
    ? `${isMany ? "each " : ""}${scaled(layer.parameters).trim()} parameters · ${layer.flops.map(flopText).join(" + ")}`
      + (layer.savedBytes ? ` · saves ${bytesText(layer.savedBytes)}` : "")
      // The calls below are compared with those of other layers, and so are those of all uses.
      + (isMany ? `<br>below: costs of all ${layer.uses.length}` : "")
    : "";
  const head = optionHTML("layer-" + index, "layer", index, "layer-head", hueOf(layer.line),
    `<h3>${escapeText(layer.name)}${uses}</h3><p class="meta">${cost}</p>`, "layer " + layer.name);
  const parameters = layer.parameterNodes.length
    ? `<details class="parameters"><summary>${layer.parameterNodes.length} parameters</summary>`
      + layer.parameterNodes.map((node) => nodeHTML(node, `p${node}`)).join("") + "</details>"
    : "";
  const loose = (phase) => {
    const nodes = layer.looseNodes.filter((node) => facts.nodes[node].phase === phase);
    return (nodes.length ? `<h4 class="phase">${phase}</h4>` : "")
      + nodes.map((node) => {
        const hue = hueOf(facts.nodes[node].line);
        return `<div class="call" style="--hue:${hue}">${nodeHTML(node, `n${node}`)}</div>`;
      }).join("");
  };
  return `<section class="layer">${head}${parameters}`
    + phaseHTML("forward", layer.forward, metric, most)
    + phaseHTML("backward", layer.backward, metric, most)
    + loose("forward") + loose("backward") + "</section>";
}

function phaseHTML(name, calls, metric, most) {
  if (!calls.length) return "";
  return `<h4 class="phase">${name}</h4>` + calls.map((call) => callHTML(call, metric, most)).join("");
}

// A call is a frame around the nodes that it carries out, its cost beside the first.
function callHTML(index, metric, most) {
  const call = facts.calls[index];
  const value = metric.of(call) || 0;
  const part = (100 * value / most).toFixed(1);
  const cost = `<span class="cost" style="--part:${part}%">${value ? metric.text(value) : ""}</span>`;
  const rows = call.nodes.length
    ? call.nodes.map((node, place) => nodeHTML(node, `c${index}-${node}`, place ? "" : cost)).join("")
    : optionHTML(`g-c${index}`, "call", index, "node", hueOf(call.line),
      `<span></span><span class="op">${escapeText(call.title)}</span>${cost}`);
  return `<div class="call" data-call="${index}" style="--hue:${hueOf(call.line)}">${rows}</div>`;
}

function nodeHTML(index, id, cost = "") {
  const node = facts.nodes[index];
  const type = facts.types[node.types[0]];
  const name = node.detail && node.op === "pointwise" ? node.detail : node.scope;
  const shown = node.op === "pointwise" ? `<span class="expression">${formulaHTML(name)}</span>` : escapeText(name);
  return optionHTML("g-" + id, "node", index, "node", hueOf(node.line),
    `<span class="number">%${node.number}</span>`
    + `<span><span class="op">${escapeText(node.op)}</span> <span class="scope">${shown}</span></span>${cost}`
    + `<span class="type" title="${type.sizes}">${escapeText(type.text)}</span>`,
    `${node.op} ${node.scope}, ${type.text}`);
}

// The generated C: the layers' files one after the other, or one file.

const view = { shown: null, spans: new Map(), functions: new Map(), history: [] };

function drawFileChoice() {
  const option = (value, text) => `<option value="${value}">${escapeText(text)}</option>`;
  const layers = fewOf(facts.files.filter((file) => file.isLayer).map((file) => file.path));
  const others = facts.files.map((file, index) => option(index, file.path));
  const isKernel = (index) => facts.files[index].path.startsWith("kernels/");
  byId("file").innerHTML = option("layers", "layers: " + layers)
    + `<optgroup label="files">${others.filter((_, index) => !isKernel(index)).join("")}</optgroup>`
    + `<optgroup label="kernels">${others.filter((_, index) => isKernel(index)).join("")}</optgroup>`;
}

const filesShown = (shown) =>
  shown === "layers" ? facts.files.flatMap((file, index) => (file.isLayer ? [index] : [])) : [Number(shown)];

function drawCode(shown) {
  view.shown = shown;
  view.spans.clear();
  view.functions.clear();
  byId("file").value = String(shown);
  const files = filesShown(shown);
  codePane.innerHTML = files.map((file) => fileHTML(file, files.length > 1)).join("");
  codePane.scrollTop = 0;
  codePane.scrollLeft = 0;
}

function fileHTML(file, isOneOfMany) {
  const { path, text } = facts.files[file];
  const owner = ownersOfLines(file);
  const link = (match) => functionNamed(match[0], file, ...around(match));
  const lines = highlighted(text.replace(/\n$/, ""), languageOf(path), link).map((html, index) => {
    const line = index + 1;
    const id = `c-${file}-${line}`;
    const found = owner[line];
    if (!found) return `<div class="line" id="${id}">${codeLineHTML(line, html)}</div>`;
    const places = found.kind === "span" ? view.spans : view.functions;
    if (!places.has(found.key)) places.set(found.key, []);
    places.get(found.key).push(id);
    return optionHTML(id, found.kind, found.key, "line linked", found.hue, codeLineHTML(line, html));
  }).join("");
  return (isOneOfMany ? `<h3 class="file-head">${escapeText(path)}</h3>` : "") + `<div class="file">${lines}</div>`;
}

// For each line of a file the stretch, or else the function, that it belongs to.
function ownersOfLines(file) {
  const owner = [];
  const fill = (first, last, value) => { for (let line = first; line <= last; line++) owner[line] = value; };
  facts.functions.forEach((f, key) => {
    if (f.file === file && callsOfFunction.has(key)) {
      fill(f.first, f.last, { kind: "function", key, hue: hueOf(facts.calls[callsOfFunction.get(key)[0]].line) });
    }
  });
  facts.spans.forEach((span, key) => {
    if (span.file !== file) return;
    const line = span.call === undefined ? span.source : facts.calls[span.call].line;
    fill(span.first, span.last, { kind: "span", key, hue: hueOf(line) });
  });
  return owner;
}

// Shows a file or all layers, and keeps the way back.
function openFile(shown, line) {
  if (String(shown) !== String(view.shown)) {
    view.history.push({ shown: view.shown, top: codePane.scrollTop });
    drawCode(shown);
  }
  byId("back").disabled = !view.history.length;
  if (line !== undefined) bringIntoView(codePane, [byId(`c-${shown}-${line}`)]);
}

function openFunction(number) {
  const f = facts.functions[number];
  const isHere = filesShown(view.shown).includes(f.file);
  if (isHere) {
    view.history.push({ shown: view.shown, top: codePane.scrollTop });
    byId("back").disabled = false;
    bringIntoView(codePane, [byId(`c-${f.file}-${f.first}`)], true);
  } else openFile(f.file, f.first);
  flash(f);
}

function flash(f) {
  for (let line = f.first; line <= f.last; line++) {
    const row = byId(`c-${f.file}-${line}`);
    if (row) row.classList.add("flash");
  }
  setTimeout(() => {
    for (const row of codePane.querySelectorAll(".flash")) row.classList.remove("flash");
  }, 1200);
}

function goBack() {
  const last = view.history.pop();
  byId("back").disabled = !view.history.length;
  if (!last) return;
  if (String(last.shown) !== String(view.shown)) drawCode(last.shown);
  codePane.scrollTop = last.top;
}

// Lighting

function light(subject) {
  for (const pane of [sourcePane, graphPane, codePane]) {
    for (const lit of pane.querySelectorAll(".lit, .kin")) lit.classList.remove("lit", "kin");
  }
  if (!subject) return;
  for (const line of subject.lines) mark(byId("source-" + line), "lit");
  for (const row of graphPane.querySelectorAll(".node, .layer-head")) {
    const { kind, key } = row.dataset;
    const group = kind === "node" ? subject.nodes : kind === "layer" ? subject.layers : subject.calls;
    if (group.has(Number(key))) mark(row, "lit");
  }
  for (const frame of graphPane.querySelectorAll(".call")) {
    if (frame.dataset.call && subject.calls.has(Number(frame.dataset.call))) mark(frame, "kin");
  }
  for (const span of subject.spans) for (const id of view.spans.get(span) || []) mark(byId(id), "lit");
  for (const f of subject.functions) {
    for (const id of view.functions.get(f) || []) mark(byId(id), subject.kind === "function" ? "lit" : "kin");
  }
}

function mark(element, name) {
  if (element) element.classList.add(name);
}

// Scrolls a pane only if none of the elements can be seen, or if it must.
function bringIntoView(pane, elements, must = false) {
  const shown = elements.filter((element) => element && element.offsetParent);
  if (!shown.length) return;
  const frame = pane.getBoundingClientRect();
  const isSeen = (element) => {
    const box = element.getBoundingClientRect();
    return box.top >= frame.top && box.bottom <= frame.bottom;
  };
  if (!must && shown.some(isSeen)) return;
  const top = shown[0].getBoundingClientRect().top - frame.top + pane.scrollTop;
  pane.scrollTop = top - frame.height / 4;
}
