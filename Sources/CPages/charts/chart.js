"use strict";

// Values under the pointer, or where arrow keys lead: a line at the nearest step, and a box.
(function () {
  const data = pageData("chart");
  const figure = document.getElementById("figure");
  const readout = document.getElementById("readout");
  // Steps of runs that are shown, found anew when one is hidden.
  let known = { hidden: null, steps: [] };
  function shownSteps() {
    const { hidden } = chartView;
    const name = [...hidden].join();
    if (known.hidden === name) return known.steps;
    const steps = data.panels.flatMap((panel) =>
      panel.series ? panel.series.filter((line) => !hidden.has(line.run)).flatMap((line) => line.steps)
        : hidden.has(panel.run) ? [] : panel.loads.steps.map((pair) => pair[1]));
    known = { hidden: name, steps: [...new Set(steps)].sort((a, b) => a - b) };
    return known.steps;
  }

  function nearest(steps, step) {
    let best = 0;
    for (let i = 1; i < steps.length; i++) {
      if (Math.abs(steps[i] - step) < Math.abs(steps[best] - step)) best = i;
    }
    return best;
  }

  function element(name, attributes) {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const key in attributes) node.setAttribute(key, attributes[key]);
    return node;
  }

  const grouped = (number) => number.toLocaleString("en-US");

  function rowOf(loads, y) {
    let top = 0;
    for (let layer = 0; layer < loads.experts.length; layer++) {
      const height = loads.experts[layer] * loads.rowHeight;
      if (y < top + height + loads.gap || layer === loads.experts.length - 1) {
        const expert = Math.floor((y - top) / loads.rowHeight);
        return { layer, expert: Math.max(0, Math.min(loads.experts[layer] - 1, expert)), top };
      }
      top += height + loads.gap;
    }
    return { layer: 0, expert: 0, top: 0 };
  }

  function lines(box, panel, step) {
    const table = document.createElement("table");
    for (const line of panel.series) {
      if (chartView.hidden.has(line.run)) continue;
      const index = nearest(line.steps, step);
      if (line.isExact ? line.steps[index] !== step : step > line.steps[line.steps.length - 1]) continue;
      const row = table.insertRow();
      row.insertCell().append(line.label);
      row.cells[0].style.color = getComputedStyle(
        document.querySelector(".chart .text" + line.hue) ?? document.body).fill;
      row.insertCell().append(line.values[index]);
    }
    box.append(table);
  }

  function loads(box, panel, place, step, y, marks) {
    const loads = panel.loads;
    // A column tells of the steps up to its last.
    const after = loads.steps.findIndex((pair) => step <= pair[1]);
    const column = after < 0 ? loads.steps.length - 1 : after;
    const { layer, expert, top } = rowOf(loads, y - place.top);
    const percent = loads.loads[column][layer][expert];
    const share = percent / loads.experts[layer];
    const text = percent === 0 ? "no token"
      : (percent / 100).toFixed(2) + " × its fair share, " + share.toFixed(1) + " % of tokens";
    const [from, to] = loads.steps[column];
    box.append("since step " + grouped(from) + ", up to " + grouped(to),
      document.createElement("br"));
    box.append("layer " + layer + ", expert " + expert, document.createElement("br"), text);
    marks.rowTop = place.top + top + expert * loads.rowHeight;
    marks.rowHeight = loads.rowHeight;
  }

  for (const chart of document.querySelectorAll(".chart")) {
    const shown = chartView.add(chart);
    const { layout, svg } = shown;
    const cursor = element("path", { class: "cursor", visibility: "hidden" });
    const target = element("rect", { class: "target", visibility: "hidden" });
    svg.append(cursor, target);
    const visible = () => shown.places.filter((place) => !place.isHidden);
    const top = () => visible()[0]?.top ?? 0;
    const bottom = () => visible().at(-1)?.bottom ?? 0;
    let at = { x: (layout.left + layout.right) / 2, y: layout.panels[0].top + 10 };

    function show(x, y) {
      const { from, to } = chartView;
      const inView = shownSteps().filter((step) => step >= from && step <= to);
      if (!inView.length) return hide();
      const step = inView[nearest(inView, chartView.step(shown, x))];
      const place = chartView.x(shown, step);
      let index = shown.places.findIndex((panel) => !panel.isHidden && y <= panel.bottom + 20);
      if (index < 0) index = shown.places.findLastIndex((panel) => !panel.isHidden);
      at = { x: place, y };
      const panel = data.panels[index], marks = {};
      readout.replaceChildren();
      const heading = document.createElement("strong");
      heading.append("step " + grouped(step));
      readout.append(heading, document.createElement("br"));
      if (panel.series) lines(readout, panel, step);
      else loads(readout, panel, shown.places[index], step, y, marks);
      cursor.setAttribute("d", `M${place} ${top()}V${bottom()}`);
      cursor.setAttribute("visibility", "visible");
      target.setAttribute("visibility", marks.rowHeight ? "visible" : "hidden");
      if (marks.rowHeight) {
        const attributes = { x: place - 4, y: marks.rowTop - 1, width: 8, height: marks.rowHeight + 2 };
        for (const key in attributes) target.setAttribute(key, attributes[key]);
      }
      readout.hidden = false;
      const scale = svg.clientWidth / shown.width;
      const room = figure.clientWidth;
      const left = place * scale + 14;
      const isLeft = left + readout.offsetWidth > room;
      readout.style.left = Math.max(0, isLeft ? left - 28 - readout.offsetWidth : left) + "px";
      readout.style.top = Math.max(0, y * scale - readout.offsetHeight - 10) + "px";
    }

    function hide() {
      readout.hidden = true;
      cursor.setAttribute("visibility", "hidden");
      target.setAttribute("visibility", "hidden");
    }

    function placeOf(event) {
      const box = svg.getBoundingClientRect();
      const scale = shown.width / box.width;
      return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
    }

    // Dragging over steps marks them; letting go shows them alone.
    const marked = element("rect", { class: "marked", visibility: "hidden" });
    svg.append(marked);
    let start = null;

    function pointed(event) {
      const [x, y] = placeOf(event);
      show(x, y);
      if (start === null) return;
      const attributes = { x: Math.min(x, start), y: top(), width: Math.abs(x - start), height: bottom() - top() };
      for (const key in attributes) marked.setAttribute(key, attributes[key]);
      marked.setAttribute("visibility", "visible");
    }

    function letGo(event) {
      if (start === null) return;
      const [a, b] = [start, placeOf(event)[0]].sort((a, b) => a - b);
      cancel();
      if (b - a > 8) {
        chartView.zoom(chartView.step(shown, a), chartView.step(shown, b));
        hide();
      }
    }

    function cancel() {
      start = null;
      figure.classList.remove("dragging");
      marked.setAttribute("visibility", "hidden");
    }

    chart.addEventListener("pointermove", pointed);
    chart.addEventListener("pointerdown", (event) => {
      pointed(event);
      if (event.button !== 0 || event.target.closest(".g-legend")) return;
      start = placeOf(event)[0];
      figure.classList.add("dragging");
    });
    addEventListener("pointerup", letGo);
    addEventListener("pointercancel", cancel);
    chart.addEventListener("dblclick", (event) => { if (!event.target.closest(".g-legend")) chartView.reset(); });
    chart.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      chartView.zoomAround(chartView.step(shown, placeOf(event)[0]), event.deltaY > 0 ? 1.25 : 0.8);
    }, { passive: false });
    chart.addEventListener("pointerleave", hide);
    chart.addEventListener("focus", () => show(at.x, at.y));
    chart.addEventListener("blur", hide);
    chart.addEventListener("keydown", (event) => {
      if (event.target.closest(".g-legend")) return;
      const step = chartView.step(shown, at.x);
      const zooms = { "+": 0.5, "=": 0.5, "-": 2, "−": 2 };
      if (event.key in zooms || event.key === "0") {
        event.preventDefault();
        if (event.key === "0") chartView.reset();
        else chartView.zoomAround(step, zooms[event.key]);
        return show(chartView.x(shown, step), at.y);
      }
      const inView = shownSteps().filter((step) => step >= chartView.from && step <= chartView.to);
      const index = nearest(inView, step);
      const toX = (i) => chartView.x(shown, inView[Math.max(0, Math.min(inView.length - 1, i))]);
      const moves = {
        ArrowLeft: [toX(index - 1), at.y], ArrowRight: [toX(index + 1), at.y],
        Home: [toX(0), at.y], End: [toX(inView.length - 1), at.y],
        ArrowUp: [at.x, Math.max(top(), at.y - 5)],
        ArrowDown: [at.x, Math.min(bottom(), at.y + 5)],
      };
      if (event.key === "Escape") return hide();
      if (!moves[event.key]) return;
      event.preventDefault();
      show(...moves[event.key]);
    });
  }

  let width = figure.clientWidth;
  chartView.draw();
  // Not at once: what is drawn may bring or take the page's scroll bar, and so change the width.
  new ResizeObserver(() => setTimeout(() => {
    if (figure.clientWidth === width) return;
    width = figure.clientWidth;
    chartView.draw();
  })).observe(figure);

  // A page that is written anew while a run goes on loads itself again, but not under a reader's hand.
  if (data.reload) {
    setInterval(() => {
      if (!document.hidden && !figure.classList.contains("dragging") && readout.hidden) location.reload();
    }, data.reload * 1000);
  }
})();
