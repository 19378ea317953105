"use strict";

// Finding: names of layers, ops, C functions and buffers, and the text of all files.

const find = { input: byId("find"), list: byId("found"), hits: [], at: -1, entries: null, texts: null };

// What can be found by name: the words to look in, what is shown, and what it leads to.
function findEntries() {
  const layers = facts.layers.map((layer, id) => ({
    kind: "layer", id, name: layer.name, where: layer.uses.length > 1 ? `layer × ${layer.uses.length}` : "layer",
  }));
  const layerOfNode = new Map();
  facts.layers.forEach((layer) => {
    for (const node of [...layer.parameterNodes, ...layer.looseNodes]) layerOfNode.set(node, layer.name);
    for (const call of [...layer.forward, ...layer.backward]) {
      for (const node of facts.calls[call].nodes) layerOfNode.set(node, layer.name);
    }
  });
  const nodes = facts.nodes.map((node, id) => ({
    kind: "node", id, name: `${node.op} ${node.op === "pointwise" ? node.detail : node.scope}`.trim(),
    where: [`%${node.number}`, layerOfNode.get(id), node.phase].filter(Boolean).join(" "), more: node.text,
  }));
  const functions = facts.functions.map((f, id) => ({
    kind: "function", id, name: f.name + "()", where: `${facts.files[f.file].path}:${f.first}`,
  }));
  const buffers = facts.buffers.map((buffer, id) => ({
    kind: "buffer", id, name: buffer.name, where: `${facts.regions[buffer.region].name}, ${bytesText(buffer.bytes)}`,
  }));
  const all = [...layers, ...nodes, ...functions, ...buffers];
  for (const entry of all) entry.words = [entry.name, entry.where, entry.more || ""].join(" ").toLowerCase();
  return all;
}

// Those in whose words all words of the query are; of each kind the first few, names that begin so first.
function findNames(query) {
  find.entries = find.entries || findEntries();
  const words = query.split(/\s+/).filter(Boolean);
  const rank = (entry) => {
    const name = entry.name.toLowerCase();
    return name.startsWith(query) ? 0 : name.includes(query) ? 1 : 2;
  };
  const fitting = find.entries.filter((entry) => words.every((word) => entry.words.includes(word)));
  return ["layer", "node", "function", "buffer"].flatMap((kind) =>
    fitting.filter((entry) => entry.kind === kind).sort((a, b) => rank(a) - rank(b)).slice(0, 8));
}

function findLines(query, most) {
  find.texts = find.texts || linesOfFile.map((lines) => lines.map((line) => line.toLowerCase()));
  const hits = [];
  find.texts.forEach((lines, file) => {
    for (let index = 0; index < lines.length && hits.length < most; index++) {
      if (!lines[index].includes(query)) continue;
      const place = `${facts.files[file].path}:${index + 1}`;
      hits.push({ kind: "place", id: place, name: linesOfFile[file][index].trim(), where: place });
    }
  });
  return hits;
}

function findAll(text) {
  const query = text.trim().toLowerCase();
  if (!query) return [];
  const place = isPlace(text.trim()) ? [{ kind: "place", id: text.trim(), name: text.trim(), where: "go there" }] : [];
  const names = findNames(query);
  return [...place, ...names, ...findLines(query, 40 - names.length)];
}

function hitHTML(hit, index, query) {
  const at = hit.name.toLowerCase().indexOf(query);
  const [before, found, after] = at < 0 ? [hit.name, "", ""]
    : [hit.name.slice(0, at), hit.name.slice(at, at + query.length), hit.name.slice(at + query.length)];
  const name = escapeText(before) + (found ? `<mark>${escapeText(found)}</mark>` : "") + escapeText(after);
  return `<div class="hit" role="option" id="hit-${index}" data-hit="${index}" aria-selected="false">`
    + `<span class="hit-name ${hit.kind === "place" ? "hit-text" : ""}">${name}</span>`
    + `<span class="meta">${escapeText(hit.where)}</span></div>`;
}

function showHits() {
  const text = find.input.value;
  find.hits = findAll(text);
  const query = text.trim().toLowerCase();
  find.list.innerHTML = find.hits.map((hit, index) => hitHTML(hit, index, query)).join("")
    || (query ? '<p class="empty">Nothing has this in its name or text.</p>' : "");
  openHits(Boolean(query));
  chooseHit(find.hits.length ? 0 : -1);
}

function openHits(isOpen) {
  find.list.hidden = !isOpen;
  find.input.setAttribute("aria-expanded", String(isOpen));
}

function chooseHit(index) {
  const old = byId("hit-" + find.at);
  if (old) old.setAttribute("aria-selected", "false");
  find.at = index;
  const hit = byId("hit-" + index);
  if (!hit) return find.input.removeAttribute("aria-activedescendant");
  hit.setAttribute("aria-selected", "true");
  hit.scrollIntoView({ block: "nearest" });
  find.input.setAttribute("aria-activedescendant", hit.id);
}

function takeHit(index) {
  const hit = find.hits[index];
  if (!hit) return;
  openHits(false);
  find.input.blur();
  if (hit.kind === "place") return goTo(hit.id);
  if (hit.kind === "function") return openFunction(hit.id);
  goToThing(hit.kind, hit.id);
}

find.input.addEventListener("input", showHits);
find.input.addEventListener("focus", () => { if (find.input.value) showHits(); });
find.input.addEventListener("blur", () => openHits(false));
find.input.addEventListener("keydown", (event) => {
  const steps = { ArrowDown: 1, ArrowUp: -1 };
  if (event.key in steps && find.hits.length) {
    event.preventDefault();
    chooseHit((find.at + steps[event.key] + find.hits.length) % find.hits.length);
  } else if (event.key === "Enter") {
    event.preventDefault();
    takeHit(find.at);
  } else if (event.key === "Escape") {
    find.input.value = "";
    openHits(false);
    find.input.blur();
  }
  event.stopPropagation();
});
// Pressing would take the focus and with it the list, before the click.
find.list.addEventListener("mousedown", (event) => event.preventDefault());
find.list.addEventListener("click", (event) => {
  const hit = event.target.closest(".hit");
  if (hit) takeHit(Number(hit.dataset.hit));
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest && event.target.closest("input, select, textarea")) return;
  event.preventDefault();
  find.input.focus();
  find.input.select();
});
document.querySelector(".page-header").insertBefore(byId("finder"), byId("theme-button"));
