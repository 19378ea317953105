"use strict";

// Which steps are shown, how wide, and which runs are hidden: the picture's parts are moved and drawn
// anew for that. Kept where the browser lets a file do so, so that a page that loads itself again
// shows what it showed.
const chartView = (function () {
  const data = pageData("chart");
  const key = "moec-plot " + location.pathname;
  const view = { from: 0, to: data.last, hidden: new Set(), charts: [] };
  const isZoomed = () => view.from > 0 || view.to < data.last;

  function restore() {
    try {
      const kept = JSON.parse(sessionStorage.getItem(key)) || {};
      // Only what a name can bring back.
      view.hidden = new Set((kept.hidden || []).filter((run) =>
        document.querySelector(`.g-legend[data-run="${Number(run)}"]`)));
      if (kept.to > kept.from && kept.from >= 0 && kept.from < data.last) {
        [view.from, view.to] = [kept.from, Math.min(kept.to, data.last)];
      }
    } catch { /* Nothing is kept, or the browser does not let this page keep anything. */ }
  }

  function keep() {
    const steps = isZoomed() ? { from: view.from, to: view.to } : {};
    try { sessionStorage.setItem(key, JSON.stringify({ ...steps, hidden: [...view.hidden] })); } catch { /* As above. */ }
  }

  const rounded = (x) => Math.round(x * 10) / 10;
  const ends = (chart) => [chart.layout.left, chart.width - (chart.layout.width - chart.layout.right)];
  view.x = (chart, step) => {
    const [left, right] = ends(chart);
    return left + (right - left) * (step - view.from) / (view.to - view.from);
  };
  view.step = (chart, x) => {
    const [left, right] = ends(chart);
    return view.from + (x - left) / (right - left) * (view.to - view.from);
  };

  // Round numbers between two, at 1, 2 or 5 times a power of ten.
  function ticks(low, high, count) {
    const size = (high - low) / count;
    const power = 10 ** Math.floor(Math.log10(size));
    const unit = power * ([1, 2, 5, 10].find((n) => n * power >= size * 0.999) || 10);
    const found = [];
    for (let i = Math.ceil(low / unit - 1e-9); i * unit <= high + unit * 1e-9; i++) found.push(i * unit || 0);
    return found.map((value) => ({ value, text: value.toLocaleString("en-US", {
      maximumFractionDigits: Math.max(0, Math.min(12, -Math.floor(Math.log10(unit) + 1e-9))) }) }));
  }

  const fraction = (axis, value) => axis.isLogarithmic
    ? Math.log(Math.max(value, axis.low) / axis.low) / Math.log(axis.high / axis.low)
    : (value - axis.low) / (axis.high - axis.low);

  // The values between which what is shown lies; all of the axis where nothing is zoomed or hidden.
  function shownAxis(panel) {
    if (!isZoomed() && !view.hidden.size) return panel.axis;
    const seen = panel.series.filter((line) => !view.hidden.has(line.run)).flatMap((line) =>
      line.numbers.filter((_, i) => line.steps[i] >= view.from && line.steps[i] <= view.to));
    if (!seen.length) return panel.axis;
    let [low, high] = [Math.min(...seen), Math.max(...seen)];
    if (low === high) [low, high] = [low - Math.abs(low) * 0.01 - 1e-9, high + Math.abs(high) * 0.01 + 1e-9];
    const room = 0.04;
    if (panel.axis.isLogarithmic) {
      const factor = (high / low) ** room;
      return { low: low / factor, high: high * factor, isLogarithmic: true };
    }
    // What is never below 0 has no axis below it.
    const below = low - room * (high - low);
    return { low: low >= 0 ? Math.max(0, below) : below, high: high + room * (high - low), isLogarithmic: false };
  }

  const svgElement = (name, attributes, text) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const attribute in attributes) node.setAttribute(attribute, attributes[attribute]);
    if (text !== undefined) node.textContent = text;
    return node;
  };

  function drawGrid(group, chart, axis, place) {
    const [left, right] = ends(chart);
    const count = Math.max(2, Math.round((place.bottom - place.top) / 40));
    group.replaceChildren(...ticks(axis.low, axis.high, count).flatMap(({ value, text }) => {
      const y = rounded(place.bottom - (place.bottom - place.top) * fraction(axis, value));
      return [svgElement("path", { d: `M${left} ${y}H${right}`, class: "grid", fill: "none" }),
        svgElement("text", { x: left - 8, y: y + 4, class: "muted", "text-anchor": "end" }, text)];
    }));
  }

  function drawSteps(group, chart) {
    const [left, right] = ends(chart);
    const y = Number(group.dataset.y);
    const line = svgElement("path", { d: `M${left} ${y}H${right}`, class: "axis", fill: "none" });
    const found = ticks(view.from, view.to, Math.max(3, Math.min(16, (right - left) / 90)));
    group.replaceChildren(line, ...found.filter(({ value }) => Number.isInteger(value)).flatMap(({ value, text }) => {
      const x = rounded(view.x(chart, value));
      return [svgElement("path", { d: `M${x} ${y}V${y + 4}`, class: "axis", fill: "none" }),
        svgElement("text", { x, y: y + 17, class: "muted", "text-anchor": "middle" }, text)];
    }));
  }

  // Places of a panel's lines go from the picture's steps and values to those that are shown.
  function moveData(group, chart, panel, place, axis) {
    const { layout } = chart;
    const across = (x) => view.x(chart, (x - layout.left) / (layout.right - layout.left) * data.last);
    const scale = (across(layout.right) - across(layout.left)) / (layout.right - layout.left);
    let [stretch, shift] = [1, 0];
    if (panel.axis) {
      const height = place.bottom - place.top;
      const y = (value) => place.bottom - height * fraction(axis, value);
      stretch = (y(panel.axis.low) - y(panel.axis.high)) / height;
      shift = y(panel.axis.high) - stretch * place.top;
    }
    const matrix = `matrix(${scale} 0 0 ${stretch} ${across(layout.left) - scale * layout.left} ${shift})`;
    for (const path of group.querySelectorAll("path")) path.setAttribute("transform", matrix);
    for (const dot of group.querySelectorAll("circle")) {
      dot.dataset.x ??= dot.getAttribute("cx");
      dot.dataset.y ??= dot.getAttribute("cy");
      dot.setAttribute("cx", across(Number(dot.dataset.x)));
      dot.setAttribute("cy", Number(dot.dataset.y) * stretch + shift);
    }
  }

  // The panels of hidden runs leave no gap: those below them move up. Returns by how much the last did.
  function placePanels(chart) {
    let gone = 0;
    chart.places = chart.layout.panels.map((place, i) => {
      const isHidden = data.panels[i].loads !== undefined && view.hidden.has(data.panels[i].run);
      const group = chart.parts.panel[i];
      group.style.display = isHidden ? "none" : "";
      group.setAttribute("transform", `translate(0 ${-gone})`);
      const moved = { top: place.top - gone, bottom: place.bottom - gone, isHidden };
      if (isHidden) gone += place.height;
      return moved;
    });
    return gone;
  }

  function draw(chart) {
    const { svg, layout, parts } = chart;
    // A picture that is not shown has no width, and keeps its own.
    chart.width = Math.max(chart.element.clientWidth || layout.width, layout.width * 0.7);
    const gone = placePanels(chart);
    svg.setAttribute("viewBox", `0 0 ${chart.width} ${chart.height - gone}`);
    const [left, right] = ends(chart);
    const more = right - layout.right;
    parts.data.forEach((group, i) => {
      const [panel, place] = [data.panels[i], layout.panels[i]];
      const axis = panel.axis && shownAxis(panel);
      if (panel.axis && (axis !== panel.axis || more)) drawGrid(parts.gridOf[i], chart, axis, place);
      else if (panel.axis) parts.gridOf[i].replaceChildren(...parts.gridAtFirst[i]);
      moveData(group, chart, panel, place, axis);
      const frame = chart.clips[i];
      const attributes = { x: left - 1, y: place.top - 6, width: Math.max(0, right - left) + (panel.axis ? 6 : 1), height: place.bottom - place.top + 12 };
      for (const name in attributes) frame.setAttribute(name, attributes[name]);
    });
    for (const group of parts.steps) drawSteps(group, chart);
    for (const group of parts.right) group.setAttribute("transform", `translate(${more} 0)`);
    for (const group of parts.middle) group.setAttribute("transform", `translate(${more / 2} ${-gone})`);
    for (const group of parts.ends) {
      group.setAttribute("transform", `translate(${more} 0)`);
      // Labels stand where lines end, which is elsewhere now.
      group.style.display = isZoomed() || view.hidden.size ? "none" : "";
    }
    for (const part of svg.querySelectorAll(".g-run")) {
      part.style.display = view.hidden.has(Number(part.dataset.run)) ? "none" : "";
    }
    for (const name of svg.querySelectorAll(".g-legend")) {
      name.setAttribute("aria-pressed", String(!view.hidden.has(Number(name.dataset.run))));
    }
  }

  view.draw = () => {
    view.charts.forEach(draw);
    document.getElementById("reset").hidden = !isZoomed();
    keep();
  };
  view.zoom = (from, to) => {
    const least = Math.min(data.last, Math.max(2, data.last / 2000));
    const width = Math.min(data.last, Math.max(least, to - from));
    view.from = Math.min(Math.max(0, from), data.last - width);
    view.to = view.from + width;
    view.draw();
  };
  // Around a step, which stays where it is; a factor above 1 shows more steps.
  view.zoomAround = (step, factor) =>
    view.zoom(step - (step - view.from) * factor, step + (view.to - step) * factor);
  view.reset = () => view.zoom(0, data.last);
  view.toggle = (run) => {
    if (!view.hidden.delete(run)) view.hidden.add(run);
    view.draw();
  };

  view.add = (element) => {
    const svg = element.querySelector("svg");
    const layout = data.layouts[element.dataset.layout];
    const found = (kind) => [...svg.querySelectorAll(".g-" + kind)];
    const parts = { panel: found("panel"), data: found("data"), steps: found("steps"), ends: found("ends"), right: found("right"), middle: found("middle") };
    const grids = found("grid");
    parts.gridOf = data.panels.map((panel) => (panel.axis ? grids.shift() : null));
    parts.gridAtFirst = parts.gridOf.map((grid) => grid && [...grid.children]);
    for (const group of parts.steps) group.dataset.y = /^M\S+ (\S+)H/.exec(group.querySelector("path").getAttribute("d"))[1];
    const clips = parts.data.map((group, i) => {
      const id = `clip-${element.dataset.layout}-${i}`;
      const clip = svgElement("clipPath", { id });
      clip.append(svgElement("rect", {}));
      svg.prepend(clip);
      group.setAttribute("clip-path", `url(#${id})`);
      return clip.firstChild;
    });
    for (const path of svg.querySelectorAll(".g-data path")) path.setAttribute("vector-effect", "non-scaling-stroke");
    for (const name of found("legend")) {
      const run = Number(name.dataset.run);
      for (const [attribute, value] of [["role", "button"], ["tabindex", "0"]]) name.setAttribute(attribute, value);
      name.addEventListener("click", () => view.toggle(run));
      name.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        view.toggle(run);
      });
    }
    const chart = { element, svg, layout, parts, clips, width: layout.width, height: svg.viewBox.baseVal.height, places: layout.panels };
    view.charts.push(chart);
    return chart;
  };
  restore();
  document.getElementById("reset").addEventListener("click", view.reset);
  return view;
})();
