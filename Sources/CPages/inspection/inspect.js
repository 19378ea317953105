"use strict";

// Pointing, selecting, and the keyboard. Pointing shows; a click, a tap or an arrow key holds.

const state = { held: null, pointed: null, element: null, timer: 0 };
const panes = [sourcePane, graphPane, codePane];

function show(subject, { from, must = false } = {}) {
  light(subject);
  lightMemory(subject);
  showDetails(subject);
  readMemory(subject && subject.kind === "buffer" ? subject.id : undefined);
  if (!subject) return;
  if (must && from !== codePane) revealCode(subject);
  for (const pane of panes) {
    if (pane !== from) bringIntoView(pane, [...pane.querySelectorAll(".lit")]);
  }
}

// Goes back to the layers' C if what is selected has its lines there and none where the reader is.
function revealCode(subject) {
  const files = new Set([...subject.spans].map((span) => facts.spans[span].file));
  if (!files.size || filesShown(view.shown).some((file) => files.has(file))) return;
  openFile("layers");
  light(subject);
}

const subjectOf = (option) => related(option.dataset.kind, Number(option.dataset.key));

function hold(subject, from, element) {
  for (const old of document.querySelectorAll(".current")) {
    old.classList.remove("current");
    old.setAttribute("aria-selected", "false");
  }
  state.held = subject;
  state.element = element || null;
  if (element) {
    element.classList.add("current");
    element.setAttribute("aria-selected", "true");
    from.setAttribute("aria-activedescendant", element.id);
  }
  setAddress(placeOf(subject, element));
  show(subject, { from, must: true });
}

function release() {
  hold(null);
  for (const pane of panes) pane.removeAttribute("aria-activedescendant");
}

function point(subject, from) {
  if (state.held) return;
  clearTimeout(state.timer);
  // What is passed over on the way to something else does not make the panes jump.
  state.timer = setTimeout(() => { if (!state.held) show(subject, { from }); }, 60);
}

for (const pane of panes) {
  pane.addEventListener("mouseover", (event) => {
    const option = event.target.closest(".option");
    if (option) point(subjectOf(option), pane);
  });
  pane.addEventListener("mouseleave", () => point(null));
  pane.addEventListener("click", (event) => {
    const link = event.target.closest("a.fn");
    if (link && isElsewhere(link)) return openFunction(Number(link.dataset.function));
    // Who has marked text to copy it has not chosen a line.
    if (!getSelection().isCollapsed) return;
    const option = event.target.closest(".option");
    const number = option ? null : event.target.closest(".no");
    if (number) return goTo(placeOf({}, number.closest(".line")));
    if (!option) { if (!event.target.closest("summary")) release(); return; }
    if (option === state.element) release();
    else hold(subjectOf(option), pane, option);
  });
  pane.addEventListener("keydown", (event) => onKey(event, pane));
}

// A function's own name, at its definition, leads nowhere.
function isElsewhere(link) {
  const f = facts.functions[Number(link.dataset.function)];
  const line = link.closest(".line");
  return !line || line.id !== `c-${f.file}-${f.first}`;
}

// Each option once: a stretch of C by its first line.
function stops(pane) {
  let last = "";
  return [...pane.querySelectorAll(".option")].filter((option) => {
    const key = option.dataset.kind + option.dataset.key + (pane === graphPane ? option.id : "");
    const isNew = key !== last;
    last = key;
    return isNew && option.offsetParent;
  });
}

function onKey(event, pane) {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const keys = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity };
  if (event.key in keys) {
    if (moveWithin(pane, keys[event.key])) event.preventDefault();
  } else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
    event.preventDefault();
    moveAcross(pane, event.key === "ArrowLeft" ? -1 : 1);
  } else if (event.key === "Enter") {
    event.preventDefault();
    enter();
  } else if (event.key === "Backspace") {
    event.preventDefault();
    goBack();
  }
}

function moveWithin(pane, by) {
  const list = stops(pane);
  if (!list.length) return false;
  const current = list.indexOf(pane.querySelector(".current"));
  const start = current >= 0 ? current + by : by > 0 ? firstSeen(pane, list) : list.length - 1;
  const next = list[Math.min(Math.max(by === -Infinity ? 0 : start, 0), list.length - 1)];
  hold(subjectOf(next), pane, next);
  keepSeen(pane, next);
  return true;
}

function firstSeen(pane, list) {
  const top = pane.getBoundingClientRect().top;
  return Math.max(0, list.findIndex((option) => option.getBoundingClientRect().top >= top));
}

function keepSeen(pane, option) {
  const frame = pane.getBoundingClientRect();
  const box = option.getBoundingClientRect();
  if (box.top < frame.top + 30) pane.scrollTop -= frame.top + 60 - box.top;
  if (box.bottom > frame.bottom - 10) pane.scrollTop += box.bottom - frame.bottom + 40;
}

// From a line to what it became in the pane beside.
function moveAcross(pane, by) {
  const next = panes[panes.indexOf(pane) + by];
  if (!next) return;
  const option = [...next.querySelectorAll(".option.lit")].find((lit) => lit.offsetParent);
  next.focus({ preventScroll: true });
  if (option) {
    hold(subjectOf(option), next, option);
    keepSeen(next, option);
  }
  next.scrollIntoView({ block: "nearest" });
}

function enter() {
  if (!state.held) return;
  const [call] = state.held.calls;
  const target = functionsOfCall[call] && functionsOfCall[call].find((f) => facts.functions[f].name === facts.calls[call].kernel);
  if (target !== undefined) openFunction(target);
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") release();
});

byId("back").addEventListener("click", goBack);
byId("file").addEventListener("change", (event) => {
  const shown = event.target.value === "layers" ? "layers" : Number(event.target.value);
  openFile(shown);
  setAddress(shown === "layers" ? "" : facts.files[shown].path);
  light(state.held);
});

detailsPane.addEventListener("click", (event) => {
  const button = event.target.closest(".go");
  if (!button) return;
  const { go, call, file } = button.dataset;
  if (go !== undefined) openFunction(Number(go));
  if (file !== undefined) openFile(Number(file), 1);
  if (call !== undefined) hold(related("call", Number(call)), detailsPane);
});

// The map

memoryMap.addEventListener("mouseover", (event) => {
  const { buffer } = event.target.dataset;
  if (buffer === undefined) return point(null);
  readMemory(Number(buffer));
  point(related("buffer", Number(buffer)), memoryMap);
});
memoryMap.addEventListener("mouseleave", () => point(null));
memoryMap.addEventListener("click", (event) => {
  const { buffer } = event.target.dataset;
  if (buffer === undefined) release();
  else holdBuffer(Number(buffer));
});
memoryMap.addEventListener("keydown", (event) => {
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const step = steps[event.key];
  if (!step || !memory.rects.length) return;
  event.preventDefault();
  holdBuffer(neighbour(memory.current, ...step));
});

function holdBuffer(index) {
  memory.current = index;
  hold(related("buffer", index), memoryMap);
}

function drawMap() {
  drawMemory();
  lightMemory(state.held);
  readMemory(state.held && state.held.kind === "buffer" ? state.held.id : undefined);
}

byId("to-scale").addEventListener("change", drawMap);
new ResizeObserver(drawMap).observe(memoryMap);

// Everything is drawn once.

const metricChoice = byId("metric");
const metricNames = facts.bench ? ["time", "flops", "bytes"] : ["flops", "bytes"];
metricChoice.innerHTML = metricNames.map((name) => `<option value="${name}">${metrics[name].name}</option>`).join("");
metricChoice.addEventListener("change", () => {
  drawGraph(metrics[metricChoice.value]);
  light(state.held);
});
metricChoice.parentElement.hidden = !facts.calls.length;
byId("to-scale").parentElement.hidden = !facts.regions.length;
drawSource();
drawGraph(metrics[metricChoice.value]);
drawFileChoice();
drawCode("layers");
show(null);
goToAddress();
