"use strict";

// The page of a search: its pictures, and one trial that all of them point at.
(function () {
  const facts = pageData("search");
  const { make, short, scale, frame, range, path } = plots;
  const byId = (id) => document.getElementById(id);
  const trials = facts.trials;
  const complete = trials.filter((trial) => trial.results.length > 0);
  const ranked = [...complete].sort((a, b) => a.results[0] - b.results[0]);
  const title = facts.objectives[0];
  let current = ranked.length ? ranked[0].number : trials.length ? trials[0].number : -1;

  // The best are warm, the others cool: a place among all that are complete.
  const rank = new Map(ranked.map((trial, index) => [trial.number, index / Math.max(1, ranked.length - 1)]));
  function hue(trial) {
    if (!rank.has(trial.number)) return "var(--muted)";
    return `color-mix(in oklab, var(--hue-1) ${Math.round(100 * (1 - rank.get(trial.number)))}%, var(--hue-0))`;
  }

  // A mark of a trial: pointing at it makes the trial the current one.
  function mark(kind, attributes, trial) {
    const element = make(kind, attributes);
    element.classList.add("trial");
    element.style.setProperty("--hue", hue(trial));
    element.dataset.trial = trial.number;
    element.append(make("title", {}, `trial ${trial.number}: ${trial.text}`));
    element.addEventListener("pointerenter", () => select(trial.number));
    element.addEventListener("click", () => select(trial.number));
    return element;
  }

  function place(id, svg) { byId(id).replaceChildren(svg); }
  const width = (id) => Math.max(280, byId(id).clientWidth);

  function history() {
    if (!complete.length) return;
    const values = complete.map((trial) => trial.results[0]);
    const worst = values.length > 8 ? [...values].sort((a, b) => a - b)[Math.ceil(values.length * 0.95) - 1] : Math.max(...values);
    const [low, high] = range(values.filter((value) => value <= worst));
    const { svg, across, up, box } = frame(
      width("history"), 220, "Results of all trials in turn",
      [-0.5, trials.length - 0.5, false, "trial"], [low, high, false, title]);
    let best = Infinity;
    const steps = [];
    for (const trial of trials) {
      const value = trial.results[0];
      if (value === undefined) {
        svg.append(mark("circle", { class: "hollow", cx: across(trial.number), cy: box.top + 2, r: 3 }, trial));
        continue;
      }
      if (value < best) {
        if (steps.length) steps.push([across(trial.number), up(best)]);
        steps.push([across(trial.number), up(value)]);
        best = value;
      }
      svg.append(mark("circle", { cx: across(trial.number), cy: Math.max(box.top, up(value)), r: 4 }, trial));
    }
    if (steps.length) {
      steps.push([box.right, up(best)]);
      const line = make("path", { class: "line", d: path(steps) });
      line.style.setProperty("--hue", "var(--accent)");
      svg.prepend(line);
    }
    place("history", svg);
  }

  function front() {
    if (facts.objectives.length < 2 || !complete.length) return;
    const [xs, ys] = [complete.map((trial) => trial.results[1]), complete.map((trial) => trial.results[0])];
    const isLogarithmic = Math.min(...xs) > 0 && Math.max(...xs) > 20 * Math.min(...xs);
    const { svg, across, up } = frame(
      width("front"), 220, "Both objectives of each trial",
      [...range(xs, isLogarithmic), isLogarithmic, facts.objectives[1]], [...range(ys), false, title]);
    const points = facts.front.map((number) => trials[number]).sort((a, b) => a.results[1] - b.results[1]);
    const line = make("path", {
      class: "line", d: path(points.map((trial) => [across(trial.results[1]), up(trial.results[0])])),
    });
    line.style.setProperty("--hue", "var(--accent)");
    svg.append(line);
    for (const trial of complete) {
      svg.append(mark("circle", { cx: across(trial.results[1]), cy: up(trial.results[0]), r: 4.5 }, trial));
    }
    place("front", svg);
  }

  // An axis for each parameter and for the result, and a line for each trial.
  function parallel() {
    if (!complete.length) return;
    const [all, height] = [width("parallel"), 260];
    const svg = make("svg", { viewBox: `0 0 ${all} ${height}`, role: "img", "aria-label": "Parameters of each trial" });
    const axes = facts.dimensions.concat([{ name: title, isResult: true }]);
    const [left, right, top, bottom] = [34, all - 34, 34, height - 12];
    const places = axes.map((axis, index) => {
      const x = left + (right - left) * index / (axes.length - 1);
      let up, marks;
      if (axis.choices) {
        const step = (bottom - top) / Math.max(1, axis.choices.length - 1);
        up = (value) => bottom - step * axis.choices.map(String).indexOf(String(value));
        marks = axis.choices;
      } else {
        const ends = axis.isResult ? range(complete.map((trial) => trial.results[0])) : [axis.low, axis.high];
        up = scale(ends[0], ends[1], bottom, top, axis.log);
        marks = plots.ticks(up, 5);
      }
      svg.append(make("line", { class: "axis", x1: x, x2: x, y1: top, y2: bottom }));
      const anchor = index === axes.length - 1 ? "end" : index === 0 ? "start" : "middle";
      const shift = index === 0 ? -30 : index === axes.length - 1 ? 30 : 0;
      svg.append(make("text", {
        class: "label", x: x + shift, y: 12 + (axes.length > 4 && all < 500 && index % 2 ? 13 : 0), "text-anchor": anchor,
      }, axis.name));
      const labels = marks.map((value) => make("text", { x: x + 5, y: up(value) + 4 }, short(value)));
      return { x, up, labels };
    });
    for (const trial of [...ranked].reverse()) {
      const values = facts.dimensions.map((axis) => trial.values[axis.name]).concat([trial.results[0]]);
      svg.append(mark("path", { d: path(values.map((value, i) => [places[i].x, places[i].up(value)])) }, trial));
    }
    svg.append(...places.flatMap((place) => place.labels));
    place("parallel", svg);
  }

  function importances() {
    if (!facts.importances.length) return;
    const [all, row] = [width("importances"), 26];
    const names = Math.min(all * 0.4, 150);
    const svg = make("svg", {
      viewBox: `0 0 ${all} ${row * facts.importances.length}`, role: "img", "aria-label": "Importance of each parameter",
    });
    facts.importances.forEach(([parameter, share], index) => {
      const size = Math.max(1, (all - names - 44) * share);
      svg.append(
        make("text", { class: "label", x: 0, y: index * row + 17 }, parameter),
        make("rect", { class: "bar", x: names, y: index * row + 5, width: size, height: row - 10, rx: 2 }),
        make("text", { x: names + size + 6, y: index * row + 17 }, `${Math.round(100 * share)} %`));
    });
    place("importances", svg);
  }

  function curves() {
    const shown = trials.filter((trial) => trial.curve.length > 1);
    if (!shown.length) return;
    const losses = shown.flatMap((trial) => trial.curve.slice(1).map((point) => point[1]));
    const steps = shown.flatMap((trial) => trial.curve.map((point) => point[0]));
    const { svg, across, up, box } = frame(
      width("curves"), 260, "Validation losses of each trial against steps",
      [0, Math.max(...steps), false, "step"], [...range(losses), false, "val loss"]);
    const inside = (point) => [across(point[0]), Math.max(box.top, Math.min(box.bottom, up(point[1])))];
    const order = [...shown].sort((a, b) => (rank.get(b.number) ?? 2) - (rank.get(a.number) ?? 2));
    for (const trial of order) svg.append(mark("path", { d: path(trial.curve.map(inside)) }, trial));
    place("curves", svg);
  }

  function describe(trial) {
    const cost = trial.cost.map(([key, value]) => `${key} ${value}`).join(", ");
    const results = facts.objectives.map((name, i) => trial.results[i] === undefined ? "" : `${name} ${short(trial.results[i])}`);
    byId("facts").textContent = [
      `Trial ${trial.number}, ${trial.state}`, trial.text, results.filter(Boolean).join(", "), cost, trial.note,
    ].filter(Boolean).join(" · ");
    const rows = trial.loads.map(([layer, shares]) => {
      const row = document.createElement("div");
      const label = document.createElement("span");
      label.textContent = layer;
      const list = document.createElement("ol");
      const most = Math.max(...shares, 2 / shares.length);
      for (const [expert, share] of shares.entries()) {
        const item = document.createElement("li");
        item.style.height = `${Math.max(1, 26 * share / most)}px`;
        item.title = `expert ${expert}: ${(100 * share).toFixed(1)} %`;
        list.append(item);
      }
      row.append(label, list);
      return row;
    });
    byId("loads").replaceChildren(...rows);
    byId("no-loads").hidden = rows.length > 0;
  }

  function select(number) {
    if (number === current) return;
    current = number;
    show();
  }

  function show() {
    for (const element of document.querySelectorAll("[data-trial]")) {
      element.classList.toggle("current", Number(element.dataset.trial) === current);
    }
    // Above all other lines, and below what is written.
    for (const element of document.querySelectorAll("path.current")) {
      const last = [...element.parentNode.querySelectorAll("path.trial")].at(-1);
      if (last !== element) last.after(element);
    }
    if (trials[current]) describe(trials[current]);
  }

  function draw() {
    for (const picture of [history, front, parallel, importances, curves]) picture();
    show();
  }

  for (const row of document.querySelectorAll("tr[data-trial]")) {
    row.tabIndex = 0;
    row.addEventListener("click", () => select(Number(row.dataset.trial)));
    row.addEventListener("focus", () => select(Number(row.dataset.trial)));
  }
  let drawn = document.body.clientWidth;
  addEventListener("resize", () => {
    if (document.body.clientWidth === drawn) return;
    drawn = document.body.clientWidth;
    draw();
  });
  draw();
})();
