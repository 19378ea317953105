"use strict";

// The lines between panes can be dragged, or moved by arrow keys; shares are kept where the browser
// lets a file do so.

const usualShares = { upper: [29, 24, 47], lower: [35, 65], rows: [60, 40] };
const leastShare = 10;
const split = { shares: structuredClone(usualShares) };

function rememberedShares() {
  try { return JSON.parse(localStorage.getItem("moec-panes")) || {}; } catch { return {}; }
}

function rememberShares() {
  try { localStorage.setItem("moec-panes", JSON.stringify(split.shares)); } catch { /* For this visit. */ }
}

const areShares = (value, usual) => Array.isArray(value) && value.length === usual.length
  && value.every((share) => Number.isFinite(share) && share >= leastShare - 0.01)
  && Math.abs(value.reduce((sum, share) => sum + share, 0) - 100) < 1;

function applyShares() {
  const workspace = document.querySelector(".workspace");
  for (const [group, shares] of Object.entries(split.shares)) {
    const least = group === "rows" ? "120px" : "0";
    const tracks = shares.map((share) => `minmax(${least}, ${share.toFixed(2)}fr)`).join(" 5px ");
    workspace.style.setProperty("--" + group, tracks);
  }
  for (const line of document.querySelectorAll(".splitter")) {
    const { group, after } = line.dataset;
    const [before, behind] = pairOf(group, Number(after));
    line.setAttribute("aria-valuenow", Math.round(100 * before / (before + behind)));
  }
}

const pairOf = (group, after) => split.shares[group].slice(after, after + 2);

// Gives the pane before the line another share; what it gains the one behind it loses.
function moveTo(group, after, share) {
  const sum = pairOf(group, after).reduce((a, b) => a + b);
  const before = Math.min(Math.max(share, leastShare), sum - leastShare);
  split.shares[group].splice(after, 2, before, sum - before);
  applyShares();
}

function resetLine(group) {
  split.shares[group] = [...usualShares[group]];
  applyShares();
  rememberShares();
}

for (const line of document.querySelectorAll(".splitter")) {
  const group = line.dataset.group;
  const after = Number(line.dataset.after);
  const isUpright = group !== "rows";
  line.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    line.focus({ preventScroll: true });
    line.setPointerCapture(event.pointerId);
    const start = isUpright ? event.clientX : event.clientY;
    const [before] = pairOf(group, after);
    const room = isUpright ? line.parentElement.clientWidth : line.parentElement.clientHeight;
    line.onpointermove = (move) =>
      moveTo(group, after, before + 100 * ((isUpright ? move.clientX : move.clientY) - start) / room);
  });
  const end = () => {
    if (line.onpointermove) rememberShares();
    line.onpointermove = null;
  };
  line.addEventListener("pointerup", end);
  line.addEventListener("pointercancel", end);
  line.addEventListener("dblclick", () => resetLine(group));
  line.addEventListener("keydown", (event) => {
    const steps = isUpright ? { ArrowLeft: -2, ArrowRight: 2 } : { ArrowUp: -2, ArrowDown: 2 };
    const to = { Home: -Infinity, End: Infinity }[event.key] ?? steps[event.key];
    if (event.key === "Enter") resetLine(group);
    else if (to === undefined) return;
    else {
      moveTo(group, after, pairOf(group, after)[0] + to);
      rememberShares();
    }
    event.preventDefault();
  });
}

const known = rememberedShares();
for (const [group, usual] of Object.entries(usualShares)) {
  if (areShares(known[group], usual)) split.shares[group] = known[group];
}
applyShares();
