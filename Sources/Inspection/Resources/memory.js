"use strict";

// The arena over a step: calls from left to right, offsets from top to bottom, a rectangle for each
// buffer from the call that first touches it to the last.

const memoryMap = byId("memory");
const memory = { rects: [], current: -1 };

// How much of the height each kind of region gets where the map is not to scale.
const shares = { parameters: 7, gradients: 14, moments: 5.5, saved: 40, edges: 8, scratch: 23, other: 1.5 };

// The regions' places on the map, from top to bottom.
function bands(height, toScale) {
  const gap = toScale ? 0 : 3;
  const weight = (region) => (toScale ? region.bytes : shares[region.kind]);
  const whole = facts.regions.reduce((sum, region) => sum + weight(region), 0);
  const room = height - gap * (facts.regions.length - 1);
  let top = 0;
  return facts.regions.map((region) => {
    const band = { top, height: room * weight(region) / whole, region };
    top += band.height + gap;
    return band;
  });
}

function drawMemory() {
  if (!facts.regions.length) {
    memoryMap.innerHTML = '<p class="empty">Not known for this library.</p>';
    return;
  }
  const width = Math.max(200, memoryMap.clientWidth);
  const height = Math.max(160, memoryMap.clientHeight);
  const label = width < 520 ? 0 : 128;
  const axis = 18;
  const x = (time) => label + (width - label) * time / facts.duration;
  const placed = bands(height - axis, byId("to-scale").checked);
  memory.rects = facts.buffers.map((buffer) => {
    const { top, height, region } = placed[buffer.region];
    const scale = height / region.bytes;
    return {
      x: x(buffer.first), width: x(buffer.last + 1) - x(buffer.first),
      y: top + (buffer.offset - region.offset) * scale, height: buffer.bytes * scale,
    };
  });
  memoryMap.innerHTML =
    `<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="memory map">`
    + placed.map((band) => bandSVG(band, label, width)).join("")
    + `<g class="runs">${facts.runs.map((run, index) => runSVG(run, index, x, height, axis)).join("")}</g>`
    + `<g class="moments"></g><g class="buffers">${memory.rects.map(rectSVG).join("")}</g></svg>`;
  Object.assign(memory, { x, bottom: height - axis, elements: memoryMap.querySelectorAll(".buffers rect") });
}

function bandSVG({ top, height, region }, label, width) {
  const text = label && height > 9
    ? `<text class="band-name" x="0" y="${(top + Math.min(height / 2 + 4, 14)).toFixed(1)}">${region.name}</text>` : "";
  const size = label && height > 32
    ? `<text class="band-size" x="0" y="${(top + 28).toFixed(1)}">${bytesText(region.bytes)}</text>` : "";
  return `<rect class="band" x="${label}" y="${top.toFixed(1)}" width="${width - label}"`
    + ` height="${height.toFixed(1)}"/>${text}${size}`;
}

// The axis names layers; of many alike, those for which there is room.
function runSVG(run, index, x, height, axis) {
  const [left, right] = [x(run.start), x(run.start + run.calls.length)];
  const before = facts.runs[index - 1];
  const turn = before && before.phase !== run.phase ? " turn" : "";
  const short = run.name.replace(/^.*\./, "");
  const name = right - left > 7 * run.name.length ? run.name : short;
  const text = right - left > 7 * short.length + 4 && right - left > 16
    ? `<text x="${((left + right) / 2).toFixed(1)}" y="${height - 5}">${escapeText(name)}</text>` : "";
  return `<line class="tick${turn}" x1="${left.toFixed(1)}" x2="${left.toFixed(1)}" y1="0" y2="${height - axis + 4}"/>${text}`;
}

function rectSVG(rect, index) {
  const kind = facts.regions[facts.buffers[index].region].kind;
  const inner = (size) => Math.max(0.05, size - (size > 3 ? 0.6 : 0)).toFixed(2);
  return `<rect class="b-${kind}" data-buffer="${index}" x="${rect.x.toFixed(2)}" y="${rect.y.toFixed(2)}"`
    + ` width="${inner(rect.width)}" height="${inner(rect.height)}"/>`;
}

// Lights buffers, and the moments at which the calls are.
function lightMemory(subject) {
  const svg = memoryMap.firstElementChild;
  if (!memory.elements || !svg) return;
  for (const rect of memoryMap.querySelectorAll("rect.on, rect.chosen")) rect.classList.remove("on", "chosen");
  const some = subject && subject.buffers.size > 0;
  svg.classList.toggle("dimmed", Boolean(some));
  const moments = svg.querySelector(".moments");
  moments.innerHTML = "";
  if (!some) return;
  for (const buffer of subject.buffers) mark(memory.elements[buffer], "on");
  if (subject.kind === "buffer") mark(memory.elements[subject.id], "chosen");
  const times = subject.kind === "buffer"
    ? facts.buffers[subject.id].touched : [...subject.calls].flatMap((call) => timesOfCall[call]);
  const width = Math.max(1, memory.x(1) - memory.x(0)).toFixed(1);
  moments.innerHTML = times.map((time) =>
    `<rect x="${memory.x(time).toFixed(1)}" y="0" width="${width}" height="${memory.bottom}"/>`).join("");
}

function momentName(time) {
  const call = callAtTime[time];
  if (call === undefined) return "the update";
  const run = facts.runs[runAtTime[time]];
  return `${facts.calls[call].title} of ${run.name} ${run.phase}`;
}

function bufferText(index) {
  const buffer = facts.buffers[index];
  const type = facts.types[buffer.type];
  const whole = buffer.first === 0 && buffer.last === facts.duration - 1;
  const life = whole ? "all the time" : `from ${momentName(buffer.first)} to ${momentName(buffer.last)}`;
  const size = `${bytesText(buffer.bytes)} at ${buffer.offset.toLocaleString("en")}`;
  return `${buffer.name}: ${type.text}${type.sizes ? " = " + type.sizes : ""} · ${size} · ${life}`;
}

function readMemory(index) {
  byId("memory-readout").textContent = index === undefined
    ? (facts.regions.length
      ? `${facts.buffers.length} buffers, ${facts.duration} calls. Point at one, or use the arrow keys.`
        + (byId("to-scale").checked ? "" : " Each band has a scale of its own.") : "")
    : bufferText(index);
}

// The buffer nearest in a direction, for the arrow keys.
function neighbour(index, dx, dy) {
  if (index < 0) return facts.buffers.findIndex((buffer) => facts.regions[buffer.region].kind === "saved");
  const middle = (rect) => [rect.x + rect.width / 2, rect.y + rect.height / 2];
  const [x, y] = middle(memory.rects[index]);
  let best = index;
  let least = Infinity;
  memory.rects.forEach((rect, other) => {
    const [toX, toY] = middle(rect);
    const along = (toX - x) * dx + (toY - y) * dy;
    const across = Math.abs((toX - x) * dy) + Math.abs((toY - y) * dx);
    const distance = along + 3 * across;
    if (other !== index && along > 0.2 && distance < least) { least = distance; best = other; }
  });
  return best;
}
