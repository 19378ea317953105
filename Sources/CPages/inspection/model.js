"use strict";

// Who belongs to whom: lines of the model, nodes of the graph, calls, C, functions and buffers.

const facts = pageData("facts");

function grouped(items, keys) {
  const groups = new Map();
  items.forEach((item, index) => {
    for (const key of keys(item, index)) {
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(index);
    }
  });
  return groups;
}

const some = (value) => (value === undefined ? [] : [value]);

const nodesOfLine = grouped(facts.nodes, (node) => some(node.line));
const spansOfCall = grouped(facts.spans, (span) => some(span.call));
const marksOfLine = grouped(facts.spans, (span) => some(span.source));
const layersOfLine = grouped(facts.layers, (layer) => some(layer.line));
const functionsOfName = grouped(facts.functions, (f) => [f.name]);

// The function that a word in a file's text names, if it names one: not a field, and called, or
// handed on where the file itself defines it. A function of the same file hides others of its name.
function functionNamed(name, file, before, after) {
  if (/(->|\.)$/.test(before)) return undefined;
  const found = functionsOfName.get(name) || [];
  const own = found.find((index) => facts.functions[index].file === file);
  if (own !== undefined) return own;
  if (!after.startsWith("(")) return undefined;
  return found.find((index) => !facts.files[facts.functions[index].file].isLayer);
}

const linesOfFile = facts.files.map((file) => file.text.replace(/\n$/, "").split("\n"));

// What stands right before and after a match.
function around(match) {
  const end = match.index + match[0].length;
  return [match.input.slice(Math.max(0, match.index - 2), match.index), match.input.slice(end, end + 1)];
}

// The functions that a call's C names: the kernel, and what the kernel is given to finish with.
const functionsOfCall = facts.calls.map((call, index) => {
  const found = new Set();
  for (const number of spansOfCall.get(index) || []) {
    const span = facts.spans[number];
    const text = linesOfFile[span.file].slice(span.first - 1, span.last).join("\n");
    for (const match of text.matchAll(/[A-Za-z_]\w*/g)) {
      const target = functionNamed(match[0], span.file, ...around(match));
      if (target !== undefined) found.add(target);
    }
  }
  return [...found];
});
const callsOfFunction = grouped(functionsOfCall, (functions) => functions);

// The times of a step at which a call is made, once for each use of its layer.
const timesOfCall = facts.calls.map(() => []);
const callAtTime = [];
const runAtTime = [];
facts.runs.forEach((run, number) => {
  run.calls.forEach((call, index) => {
    timesOfCall[call].push(run.start + index);
    callAtTime[run.start + index] = call;
    runAtTime[run.start + index] = number;
  });
});
const buffersAtTime = grouped(facts.buffers, (buffer) => buffer.touched);

// Neighbouring lines of the model get different hues; all that a line became has the line's.
const hueOfLine = new Map();
[...new Set([...nodesOfLine.keys(), ...marksOfLine.keys(), ...layersOfLine.keys()])]
  .sort((a, b) => a - b)
  .forEach((line, index) => hueOfLine.set(line, `var(--hue-${index % 7})`));

const hueOf = (line) => hueOfLine.get(line) || "var(--line-strong)";

// Everything that belongs to a thing of one of the kinds
// line, node, call, span, function, layer, buffer.
function related(kind, id) {
  const all = { kind, id, lines: new Set(), nodes: new Set(), calls: new Set(), spans: new Set(),
    functions: new Set(), layers: new Set(), buffers: new Set() };
  const addCall = (call) => {
    all.calls.add(call);
    for (const span of spansOfCall.get(call) || []) all.spans.add(span);
    for (const f of functionsOfCall[call]) all.functions.add(f);
    for (const time of timesOfCall[call]) {
      for (const buffer of buffersAtTime.get(time) || []) all.buffers.add(buffer);
    }
  };
  const addWholeCall = (call) => {
    addCall(call);
    for (const node of facts.calls[call].nodes) addNode(node);
    if (!facts.calls[call].nodes.length) some(facts.calls[call].line).forEach((line) => all.lines.add(line));
  };
  const addNode = (node) => {
    all.nodes.add(node);
    some(facts.nodes[node].line).forEach((line) => all.lines.add(line));
    if (!facts.calls.length) addMarks(facts.nodes[node].line);
  };
  const addMarks = (line) => {
    for (const span of marksOfLine.get(line) || []) all.spans.add(span);
  };
  const addLine = (line) => {
    all.lines.add(line);
    for (const node of nodesOfLine.get(line) || []) {
      all.nodes.add(node);
      facts.nodes[node].calls.forEach(addCall);
    }
    for (const layer of layersOfLine.get(line) || []) all.layers.add(layer);
    addMarks(line);
  };

  if (kind === "line") addLine(id);
  if (kind === "node") {
    addNode(id);
    facts.nodes[id].calls.forEach(addCall);
  }
  if (kind === "call") addWholeCall(id);
  if (kind === "span") {
    all.spans.add(id);
    const span = facts.spans[id];
    if (span.call !== undefined) addWholeCall(span.call);
    else addLine(span.source);
  }
  if (kind === "function") {
    (callsOfFunction.get(id) || []).forEach(addWholeCall);
    all.functions = new Set([id]);
  }
  if (kind === "layer") {
    all.layers.add(id);
    some(facts.layers[id].line).forEach((line) => all.lines.add(line));
  }
  if (kind === "buffer") {
    facts.buffers[id].touched.forEach((time) => {
      if (callAtTime[time] !== undefined) addWholeCall(callAtTime[time]);
    });
    all.buffers = new Set([id]);
  }
  return all;
}
