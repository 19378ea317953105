"use strict";

// Drawing for the page of a search: scales, axes, and marks that belong to trials.
const plots = (function () {
  const name = "http://www.w3.org/2000/svg";

  function make(kind, attributes, content) {
    const element = document.createElementNS(name, kind);
    for (const [key, value] of Object.entries(attributes || {})) element.setAttribute(key, value);
    if (content !== undefined) element.textContent = content;
    return element;
  }

  // Numbers as short as they can be and still be told apart.
  function short(value) {
    if (typeof value !== "number") return String(value);
    const size = Math.abs(value);
    if (size >= 1e9) return `${+(value / 1e9).toPrecision(3)}G`;
    if (size >= 1e6) return `${+(value / 1e6).toPrecision(3)}M`;
    if (size >= 1e4) return `${+(value / 1e3).toPrecision(3)}k`;
    if (size !== 0 && size < 1e-3) return value.toExponential(1).replace(".0e", "e");
    return String(+value.toPrecision(4));
  }

  // From a value to a place between two ends.
  function scale(low, high, from, to, isLogarithmic) {
    if (isLogarithmic && low > 0) {
      const inner = scale(Math.log(low), Math.log(high), from, to, false);
      return Object.assign((value) => inner(Math.log(value)), { low, high, isLogarithmic: true });
    }
    const span = high - low || 1;
    return Object.assign((value) => from + (value - low) / span * (to - from), { low, high });
  }

  function ticks(axis, count) {
    if (axis.isLogarithmic) {
      const all = [];
      for (let power = Math.floor(Math.log10(axis.low)); power <= Math.log10(axis.high) + 1e-9; power++) {
        for (const digit of [1, 2, 5]) {
          const value = digit * 10 ** power;
          if (value >= axis.low * 0.9999 && value <= axis.high * 1.0001) all.push(value);
        }
      }
      const every = Math.ceil(all.length / count);
      return all.length > 1 ? all.filter((_, index) => index % every === 0) : [axis.low, axis.high];
    }
    const span = axis.high - axis.low;
    if (!(span > 0)) return [axis.low];
    const raw = span / count;
    const unit = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((digit) => digit * unit).find((size) => size >= raw);
    const values = [];
    for (let value = Math.ceil(axis.low / step) * step; value <= axis.high + step / 1e6; value += step) {
      values.push(+value.toPrecision(12));
    }
    return values;
  }

  // An empty picture with its axes; `x` and `y` are [low, high, isLogarithmic, title].
  function frame(width, height, label, x, y) {
    const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
    const box = { left: 46, right: width - 12, top: 12, bottom: height - 34 };
    const across = scale(x[0], x[1], box.left, box.right, x[2]);
    const up = scale(y[0], y[1], box.bottom, box.top, y[2]);
    for (const value of ticks(up, 4)) {
      svg.append(
        make("line", { class: "grid", x1: box.left, x2: box.right, y1: up(value), y2: up(value) }),
        make("text", { x: box.left - 6, y: up(value) + 4, "text-anchor": "end" }, short(value)));
    }
    for (const value of ticks(across, Math.max(2, Math.floor(width / 90)))) {
      svg.append(
        make("text", { x: across(value), y: box.bottom + 15, "text-anchor": "middle" }, short(value)));
    }
    svg.append(
      make("line", { class: "axis", x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom }),
      make("text", { class: "label", x: box.right, y: height - 4, "text-anchor": "end" }, x[3]),
      make("text", { class: "label", x: 0, y: 8 }, y[3]));
    return { svg, across, up, box };
  }

  // The lowest and the highest with a little room, so that no mark lies on the edge.
  function range(values, isLogarithmic) {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    if (!(high > low)) return [low - (Math.abs(low) || 1) * 0.05, low + (Math.abs(low) || 1) * 0.05];
    if (isLogarithmic) return [low / (high / low) ** 0.04, high * (high / low) ** 0.04];
    return [low - (high - low) * 0.05, high + (high - low) * 0.05];
  }

  const path = (points) => points.map(([x, y], index) => `${index ? "L" : "M"}${x.toFixed(1)},${y.toFixed(1)}`).join("");

  return { make, short, scale, ticks, frame, range, path };
})();
