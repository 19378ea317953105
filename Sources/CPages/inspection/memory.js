"use strict";

// The arena over a step: calls from left to right, offsets from top to bottom, a rectangle for each
// buffer from the call that first touches it to the last.

const memoryMap = byId("memory");
const memory = { rects: [], current: -1 };

// How much of the height each kind of region gets where the map is not to scale.
const shares = { parameters: 7, gradients: 14, moments: 6.5, saved: 38, edges: 8, scratch: 23, other: 2 };

// Room for the names of regions on the left, and for those of layers below.
const [nameWidth, axisHeight, nameGap] = [132, 30, 12];

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
  const label = width < 320 ? 0 : nameWidth;
  const axis = axisHeight;
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
    + (label ? namesSVG(placed, height - axis) : "")
    + `<g class="runs">${ticksSVG(x, height - axis)}${runGroups().map((group) => groupSVG(group, x, height)).join("")}</g>`
    + `<g class="moments"></g><g class="buffers">${memory.rects.map(rectSVG).join("")}</g></svg>`;
  Object.assign(memory, { x, bottom: height - axis, elements: memoryMap.querySelectorAll(".buffers rect") });
}

const bandSVG = ({ top, height, region }, label, width) =>
  `<rect class="band" x="${label}" y="${top.toFixed(1)}" width="${width - label}" height="${height.toFixed(1)}">`
  + `<title>${region.name}, ${bytesText(region.bytes)}</title></rect>`;

// Every region has its name, however low its band is: names keep apart, and a line leads to the band.
function namesSVG(placed, height) {
  const most = Math.floor(height / nameGap);
  const named = [...placed].sort((a, b) => b.height - a.height).slice(0, most).sort((a, b) => a.top - b.top);
  const places = named.map((band) => band.top + Math.min(band.height / 2, 8));
  places.forEach((y, i) => { places[i] = Math.max(y, i ? places[i - 1] + nameGap : nameGap / 2); });
  for (let i = places.length - 1, limit = height - 3; i >= 0; i--, limit = places[i + 1] - nameGap) {
    places[i] = Math.min(places[i], limit);
  }
  return named.map((band, i) => {
    const y = places[i];
    const next = i + 1 < places.length ? places[i + 1] : height;
    const middle = band.top + Math.min(band.height / 2, 8);
    const size = band.height > 32 && next - y > 2 * nameGap
      ? `<text class="band-size" x="0" y="${(y + 16.5).toFixed(1)}">${bytesText(band.region.bytes)}</text>` : "";
    return `<text class="band-name" x="0" y="${(y + 3.5).toFixed(1)}">${band.region.name}</text>${size}`
      + `<path class="leader" d="M${nameWidth - 18} ${y.toFixed(1)}h6L${nameWidth - 2} ${middle.toFixed(1)}"/>`;
  }).join("");
}

// Runs of one layer that follow each other, forward or backward.
function runGroups() {
  const groups = [];
  facts.runs.forEach((run, index) => {
    const last = groups[groups.length - 1];
    if (last && last.layer === run.layer && last.phase === run.phase) last.runs.push(index);
    else groups.push({ layer: run.layer, phase: run.phase, runs: [index] });
  });
  return groups;
}

// A line where a run begins, but for runs that are too narrow to be told apart.
function ticksSVG(x, bottom) {
  return facts.runs.map((run, index) => {
    const before = facts.runs[index - 1];
    const isTurn = before && before.phase !== run.phase;
    const isFirst = !before || before.layer !== run.layer;
    if (!isTurn && !isFirst && x(run.start + run.calls.length) - x(run.start) < 12) return "";
    const left = x(run.start).toFixed(1);
    return `<line class="tick${isTurn ? " turn" : ""}" x1="${left}" x2="${left}" y1="0" y2="${bottom + 4}"/>`;
  }).join("");
}

const endOf = (run) => run.start + run.calls.length;
const textWidth = (text) => 6.2 * text.length;

// Below the runs of a layer its uses' numbers, as many as there is room for, and below these its name.
function groupSVG({ layer, phase, runs }, x, height) {
  const first = facts.runs[runs[0]];
  const last = facts.runs[runs[runs.length - 1]];
  const [left, right] = [x(first.start), x(endOf(last))];
  const text = (middle, y, content) =>
    `<text x="${middle.toFixed(1)}" y="${y}">${escapeText(content)}</text>`;
  const { name } = facts.layers[layer];
  const numbers = runs.map((run) => facts.runs[run].name.replace(/^.*\./, ""));
  const numbered = runs.length > 1 ? strided(numbers, right - left) : [];
  const marks = numbered.map((i) => {
    const run = facts.runs[runs[i]];
    return text((x(run.start) + x(endOf(run))) / 2, height - axisHeight + 13, numbers[i]);
  });
  const titles = runs.length > 1
    ? [`${phase}: ${name} × ${runs.length}`, `${name} × ${runs.length}`, name] : [name];
  const title = titles.find((title) => textWidth(title) < right - left - 4);
  const row = runs.length > 1 ? height - 4 : height - axisHeight + 13;
  return marks.join("") + (title ? text((left + right) / 2, row, title) : "");
}

// Which of the numbers are written: all, or every second, fourth, fifth, … so that they keep apart.
function strided(numbers, width) {
  const room = 8 + Math.max(...numbers.map(textWidth));
  const stride = [1, 2, 4, 5, 8, 10, 16, 20, 25, 50, 100, 1000].find((n) => n * width / numbers.length >= room) || Infinity;
  return [...numbers.keys()].filter((i) => {
    const number = Number(numbers[i]);
    return (Number.isInteger(number) ? number : i) % stride === 0;
  });
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
      ? `${facts.buffers.length.toLocaleString("en")} buffers, ${facts.duration.toLocaleString("en")} calls. Point at one, or use the arrow keys.`
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
