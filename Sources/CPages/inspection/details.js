"use strict";

// What is known of the selected op: formulas, shapes, costs, and the C function behind it.

const detailsPane = byId("details");

function showDetails(subject) {
  const calls = subject ? [...subject.calls].sort((a, b) => a - b) : [];
  if (subject && subject.kind === "node") detailsPane.innerHTML = nodeDetails(subject.id, calls);
  else if (calls.length === 1) detailsPane.innerHTML = callDetails(calls[0]);
  else if (calls.length > 1) detailsPane.innerHTML = callList(subject, calls);
  else if (subject && subject.kind === "layer") detailsPane.innerHTML = layerDetails(subject.id);
  else if (subject && subject.nodes.size) detailsPane.innerHTML = nodeList(subject);
  else detailsPane.innerHTML = welcome();
  detailsPane.scrollTop = 0;
}

const heading = (title, note) => `<h3>${escapeText(title)} <span class="meta">${escapeText(note)}</span></h3>`;

function formulas(nodes) {
  const rows = nodes.map((index) => {
    const node = facts.nodes[index];
    const gradients = node.gradients.map((text) => `<p class="formula gradient">${formulaHTML(text)}</p>`).join("");
    return `<p class="formula">${formulaHTML(node.formula)}</p>${gradients}`;
  });
  return rows.join("");
}

// One that is read several times, as one tensor of queries, keys and values is, stands there once.
function operands(title, list) {
  const isFirst = (operand, index) =>
    list.findIndex((other) => other.name === operand.name && other.place === operand.place) === index;
  return list.filter(isFirst).map((operand, index) => {
    const type = facts.types[operand.type];
    return `<tr><th scope="row">${index ? "" : title}</th><td>${escapeText(operand.name)}</td>`
      + `<td>${escapeText(type.text)}<span class="sizes">${type.sizes}</span></td>`
      + `<td>${bytesText(type.bytes)}</td><td class="meta">${operand.place}${operand.panels ? ", in panels" : ""}</td></tr>`;
  }).join("");
}

function costs(call, whose = "") {
  const uses = usesOf(call);
  const times = uses > 1 ? ` × ${uses}` : "";
  const items = [
    ["FLOPs", flopText(call.flops) + times],
    ["bytes", bytesText(call.bytes) + times],
    ["FLOP per byte", call.bytes ? decimal(call.flops / call.bytes) : "0"],
  ];
  const { time } = call;
  if (time) {
    items.push(["measured", `${timeText(time.milliseconds)} of a step, ${percent(time.share)}`]);
    const speed = `${decimal(time.gflopsPerSecond)} GFLOP/s, ${percent(time.peakShare)} of the peak`;
    if (call.flops) items.push(["speed", speed]);
    items.push(["bandwidth", `${decimal(time.gigabytesPerSecond)} GB/s`]);
  }
  const rows = items.map(([term, text]) => `<div><dt>${term}</dt><dd>${text}</dd></div>`).join("");
  return `<dl class="costs">${whose ? `<div class="meta">${whose}</div>` : ""}${rows}</dl>`;
}

function functionButtons(index) {
  const buttons = functionsOfCall[index].map((number) => {
    const f = facts.functions[number];
    return `<button type="button" class="go" data-go="${number}">${escapeText(f.name)}()`
      + ` <span class="meta">${escapeText(facts.files[f.file].path)}:${f.first}</span></button>`;
  });
  return buttons.length ? `<p class="functions">${buttons.join(" ")}</p>` : "";
}

function callDetails(index) {
  const call = facts.calls[index];
  const layer = facts.layers[call.layer];
  const place = [layer.name, call.scope.replace(/_/g, "."), call.phase].filter(Boolean).join(" · ");
  return heading(call.title, place)
    + (call.nodes.length > 1 ? `<p class="note">${call.nodes.length} nodes in one call:</p>` : "")
    + beside(call.nodes.length ? formulas(call.nodes) : `<p class="formula">${formulaHTML(call.formula)}</p>`, costs(call))
    + callFacts(index);
}

// Formulas to the left, numbers to the right where there is room.
const beside = (left, right) => `<div class="beside"><div>${left}</div>${right}</div>`;

function callFacts(index) {
  const call = facts.calls[index];
  return functionButtons(index)
    + `<table class="operands"><tbody>${operands("writes", call.results)}${operands("reads", call.inputs)}</tbody></table>`;
}

function nodeDetails(index, calls) {
  const node = facts.nodes[index];
  const text = `<p class="graph-text">${escapeText(node.text)}</p>`;
  const isWholeCall = calls.length === 1 && facts.calls[calls[0]].nodes.length === 1;
  if (isWholeCall && node.op !== "parameter") return callDetails(calls[0]) + text;
  const shapes = node.types.map((type) => {
    const { text, sizes, bytes } = facts.types[type];
    return `<tr><td>${escapeText(text)}<span class="sizes">${sizes}</span></td><td>${bytesText(bytes)}</td></tr>`;
  }).join("");
  const title = heading(node.op, [node.scope, node.phase].filter(Boolean).join(" · "));
  const table = `<table class="operands"><tbody>${shapes}</tbody></table>`;
  if (calls.length === 1 && node.op !== "parameter") {
    const cost = costs(facts.calls[calls[0]], "of the call");
    return title + beside(formulas([index]) + table, cost) + callWithOthers(index, calls[0]) + text;
  }
  return title + (node.op === "parameter" ? "" : formulas([index])) + table + text + (calls.length ? `<h4>${node.op === "parameter" ? "used by" : "carried out by"}</h4>` + callRows(calls) : "");
}

// The call that carries out a node together with others.
function callWithOthers(index, number) {
  const call = facts.calls[number];
  const others = call.nodes.filter((node) => node !== index)
    .map((node) => `%${facts.nodes[node].number} ${facts.nodes[node].op}`).join(", ");
  return `<h4>in one call with ${escapeText(others)}</h4>` + callFacts(number);
}

function callRows(calls) {
  return `<ul class="call-list">${calls.map((index) => {
    const call = facts.calls[index];
    const cost = call.time ? timeText(call.time.milliseconds) : flopText(call.flops * usesOf(call));
    const place = [facts.layers[call.layer].name, call.scope.replace(/_/g, "."), call.phase].filter(Boolean).join(" · ");
    return `<li><button type="button" class="go" data-call="${index}"><b>${escapeText(call.title)}</b>`
      + ` <span class="meta">${escapeText(place)}</span><span class="amount">${cost}</span></button></li>`;
  }).join("")}</ul>`;
}

// Formulas alone, where nothing is known of calls.
function nodeList(subject) {
  const nodes = [...subject.nodes].filter((node) => facts.nodes[node].op !== "parameter");
  return heading(subjectTitle(subject), `${nodes.length} nodes`) + nodes.map((index) => {
    const node = facts.nodes[index];
    return `<h4>%${node.number} ${escapeText(node.op)} ${escapeText(node.scope)}</h4>` + formulas([index]);
  }).join("");
}

function callList(subject, calls) {
  const sum = (of) => calls.reduce((total, index) => total + of(facts.calls[index]), 0);
  const time = sum((call) => (call.time ? call.time.milliseconds : 0));
  const total = `${flopText(sum((call) => call.flops * usesOf(call)))}${time ? ", " + timeText(time) : ""} in a step`;
  return heading(subjectTitle(subject), `${calls.length} calls, ${total}`) + callRows(calls);
}

function subjectTitle({ kind, id }) {
  if (kind === "line") return `${facts.sourceName}:${id}`;
  if (kind === "function") return facts.functions[id].name + "()";
  if (kind === "buffer") return facts.buffers[id].name;
  if (kind === "span") return `${facts.sourceName}:${facts.spans[id].source}`;
  return kind;
}

function layerDetails(index) {
  const layer = facts.layers[index];
  const uses = layer.uses.length > 1 ? `used ${layer.uses.length} times, as ${fewOf(layer.uses)}`
    : layer.uses.length ? `used as ${layer.uses[0]}` : "used once";
  const path = layer.file === undefined ? "" : escapeText(facts.files[layer.file].path);
  const button = path
    ? `<p class="functions"><button type="button" class="go" data-file="${layer.file}">${path}</button></p>` : "";
  return heading(layer.name, uses) + button + dearest(layer.forward.concat(layer.backward), "What it spends most on");
}

// The calls that cost most, by time where it was measured.
function dearest(calls, title) {
  const cost = (index) => {
    const call = facts.calls[index];
    return call.time ? call.time.milliseconds : call.flops * usesOf(call);
  };
  const sorted = [...calls].sort((a, b) => cost(b) - cost(a) || a - b).slice(0, 5);
  return sorted.length ? `<h4>${title}</h4>${callRows(sorted)}` : "";
}

function welcome() {
  return '<p class="note">Point at a line of the model, a node of the graph, a call in the C or a '
    + "buffer of the arena: what belongs to it lights up. Click to hold it.</p>"
    + dearest(facts.calls.keys(), facts.bench ? "Where a step's time goes" : "Where a step's arithmetic is");
}
