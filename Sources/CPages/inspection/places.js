"use strict";

// Places: what is selected stands in the page's address, `#block.c:120`, and an address selects.

const fileNamed = (path) => {
  const found = facts.files.findIndex((file) => file.path === path);
  return found < 0 && path === facts.sourceName ? facts.files.findIndex((file) => file.path === "model.swift") : found;
};
const isSource = (file) => file >= 0 && facts.files[file].path === "model.swift";

// `block.c:120`, `block.c`, `node-17` (its number in graph.txt), `layer-block`, `buffer-tokens`.
function parsedPlace(place) {
  const line = /^(.+):(\d+)$/.exec(place);
  const file = fileNamed(line ? line[1] : place);
  if (file >= 0) {
    const number = line ? Number(line[2]) : 1;
    return number >= 1 && number <= linesOfFile[file].length ? { kind: "file", file, line: number } : null;
  }
  const thing = /^(node|layer|buffer)-(.+)$/.exec(place) || /^(%)(\d+)$/.exec(place);
  if (!thing) return null;
  const [, kind, name] = thing;
  const id = kind === "layer" ? facts.layers.findIndex((layer) => layer.name === name)
    : kind === "buffer" ? facts.buffers.findIndex((buffer) => buffer.name === name)
      : facts.nodes.findIndex((node) => node.number === Number(name));
  return id < 0 ? null : { kind: kind === "%" ? "node" : kind, id };
}

const isPlace = (text) => parsedPlace(text) !== null;

// The place of what is selected, at the very line where that is one.
function placeOf(subject, element) {
  if (!subject) return "";
  const line = element && /^(c-(\d+)|source)-(\d+)$/.exec(element.id);
  if (line) return `${line[2] ? facts.files[line[2]].path : facts.sourceName}:${line[3]}`;
  const { kind, id } = subject;
  if (kind === "line") return `${facts.sourceName}:${id}`;
  if (kind === "node") return `node-${facts.nodes[id].number}`;
  if (kind === "layer") return `layer-${facts.layers[id].name}`;
  if (kind === "buffer") return `buffer-${facts.buffers[id].name}`;
  const [first] = subject.spans;
  const span = facts.spans[first];
  return span ? `${facts.files[span.file].path}:${span.first}` : "";
}

// Browsers forbid an address that changes too often, as it would under a key that is held down.
let addressTimer = 0;

function setAddress(place) {
  clearTimeout(addressTimer);
  addressTimer = setTimeout(() => writeAddress(place), 150);
}

function writeAddress(place) {
  const address = location.href.replace(/#.*$/, "") + (place ? "#" + encodeURI(place).replace(/#/g, "%23") : "");
  if (address === location.href) return;
  try { history.replaceState(null, "", address); } catch { /* The browser does not let this page do so. */ }
}

// Goes to what an address or the search names; whether there is such a place.
function goTo(place) {
  const found = parsedPlace(place);
  if (!found) return false;
  if (found.kind === "file") goToLine(found.file, found.line, place);
  else goToThing(found.kind, found.id);
  return true;
}

function goToLine(file, line, place) {
  const pane = isSource(file) ? sourcePane : codePane;
  if (pane === codePane && !filesShown(view.shown).includes(file)) {
    openFile(facts.files[file].isLayer ? "layers" : file);
  }
  const row = byId(pane === sourcePane ? `source-${line}` : `c-${file}-${line}`);
  if (!row) return;
  if (row.classList.contains("option")) hold(subjectOf(row), pane, row);
  else release();
  aim(pane, row);
  setAddress(place);
}

// A node or layer in the graph, a buffer on the map.
function goToThing(kind, id) {
  if (kind === "buffer") {
    holdBuffer(id);
    memoryMap.scrollIntoView({ block: "nearest" });
    return;
  }
  const row = graphPane.querySelector(`.option[data-kind="${kind}"][data-key="${id}"]`);
  if (!row) return;
  const folded = row.closest("details");
  if (folded) folded.open = true;
  hold(related(kind, id), graphPane, row);
  aim(graphPane, row);
}

// Brings a line into view and makes it stand out for a moment.
function aim(pane, row) {
  bringIntoView(pane, [row], true);
  pane.scrollIntoView({ block: "nearest" });
  row.classList.add("flash");
  setTimeout(() => row.classList.remove("flash"), 1200);
}

function goToAddress() {
  clearTimeout(addressTimer);
  let place = location.hash.slice(1);
  try { place = decodeURIComponent(place); } catch { /* It is no encoding; taken as it stands. */ }
  if (place) goTo(place);
}

addEventListener("hashchange", goToAddress);
