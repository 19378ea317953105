"use strict";

// Values under the pointer, or where arrow keys lead: a line at the nearest step, and a box.
(function () {
  const data = pageData("chart");
  const figure = document.getElementById("figure");
  const readout = document.getElementById("readout");
  const allSteps = [...new Set(data.panels.flatMap((panel) =>
    panel.series ? panel.series.flatMap((line) => line.steps)
      : panel.loads.steps.map((pair) => pair[1])))].sort((a, b) => a - b);

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
    const layout = data.layouts[chart.dataset.layout];
    const svg = chart.querySelector("svg");
    const cursor = element("path", { class: "cursor", visibility: "hidden" });
    const target = element("rect", { class: "target", visibility: "hidden" });
    svg.append(cursor, target);
    const first = layout.panels[0], last = layout.panels[layout.panels.length - 1];
    let at = { x: (layout.left + layout.right) / 2, y: first.top + 10 };

    function show(x, y) {
      const wanted = (x - layout.left) / (layout.right - layout.left) * data.last;
      const step = allSteps[nearest(allSteps, wanted)];
      const place = layout.left + (layout.right - layout.left) * step / data.last;
      let index = layout.panels.findIndex((panel) => y <= panel.bottom + 20);
      if (index < 0) index = layout.panels.length - 1;
      at = { x: place, y };
      const panel = data.panels[index], marks = {};
      readout.replaceChildren();
      const heading = document.createElement("strong");
      heading.append("step " + grouped(step));
      readout.append(heading, document.createElement("br"));
      if (panel.series) lines(readout, panel, step);
      else loads(readout, panel, layout.panels[index], step, y, marks);
      cursor.setAttribute("d", `M${place} ${first.top}V${last.bottom}`);
      cursor.setAttribute("visibility", "visible");
      target.setAttribute("visibility", marks.rowHeight ? "visible" : "hidden");
      if (marks.rowHeight) {
        const attributes = { x: place - 4, y: marks.rowTop - 1, width: 8, height: marks.rowHeight + 2 };
        for (const key in attributes) target.setAttribute(key, attributes[key]);
      }
      readout.hidden = false;
      const scale = svg.clientWidth / layout.width;
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

    function pointed(event) {
      const box = svg.getBoundingClientRect();
      const scale = layout.width / box.width;
      show((event.clientX - box.left) * scale, (event.clientY - box.top) * scale);
    }

    chart.addEventListener("pointermove", pointed);
    chart.addEventListener("pointerdown", pointed);
    chart.addEventListener("pointerleave", hide);
    chart.addEventListener("focus", () => show(at.x, at.y));
    chart.addEventListener("blur", hide);
    chart.addEventListener("keydown", (event) => {
      const step = (at.x - layout.left) / (layout.right - layout.left) * data.last;
      const index = nearest(allSteps, step);
      const toX = (i) => layout.left + (layout.right - layout.left)
        * allSteps[Math.max(0, Math.min(allSteps.length - 1, i))] / data.last;
      const moves = {
        ArrowLeft: [toX(index - 1), at.y], ArrowRight: [toX(index + 1), at.y],
        Home: [toX(0), at.y], End: [toX(allSteps.length - 1), at.y],
        ArrowUp: [at.x, Math.max(first.top, at.y - 5)],
        ArrowDown: [at.x, Math.min(last.bottom, at.y + 5)],
      };
      if (event.key === "Escape") return hide();
      if (!moves[event.key]) return;
      event.preventDefault();
      show(...moves[event.key]);
    });
  }
})();
