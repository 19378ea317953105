"use strict";

// Which experts the tokens of a text went to: the page's own script.
(function () {
  const facts = pageData("routes");
  const byId = (id) => document.getElementById(id);
  const text = byId("text");
  let layer = 0;
  let current = -1;
  let only = -1;  // the expert whose tokens alone are shown; -1: all

  function make(name, className, content) {
    const element = document.createElement(name);
    if (className) element.className = className;
    if (content !== undefined) element.textContent = content;
    return element;
  }

  // Eight experts have the theme's hues; more of them share the colour circle.
  function hue(expert, count) {
    if (count <= 8) return `var(--hue-${expert})`;
    const angle = Math.round(360 * expert / count);
    return `light-dark(hsl(${angle} 62% 42%), hsl(${angle} 62% 68%))`;
  }

  // What shows nothing of itself, and may hide or turn round what follows, as U+202E does.
  const seen = (token) => token.replace(/[\p{Cf}\p{Zl}\p{Zp}]|(?![\n\t])\p{Cc}/gu, "·");

  function visible(token) {
    return seen(token).replace(/\n/g, "⏎").replace(/\t/g, "⇥").replace(/ /g, "␣") || "…";
  }

  function swatch(expert, count) {
    const element = make("span", "routes-swatch", String(expert));
    element.style.setProperty("--hue", hue(expert, count));
    return element;
  }

  function choicesOf(router, token) {
    const k = router.choices;
    return Array.from({ length: k }, (_, j) => ({
      expert: router.chosen[token * k + j], weight: router.weights[token * k + j],
    }));
  }

  const spans = facts.tokens.map((token, index) => {
    const span = make("span", token.includes("\n") ? "newline" : "", seen(token).replace(/\n/g, "⏎\n"));
    span.addEventListener("pointerenter", () => select(index, false));
    span.addEventListener("click", () => select(index, false));
    text.append(span);
    return span;
  });

  const buttons = facts.routers.map((router, index) => {
    const button = make("button", "", router.name);
    button.type = "button";
    button.setAttribute("role", "radio");
    button.addEventListener("click", () => showLayer(index));
    byId("layers").append(button);
    return button;
  });

  function showLayer(index) {
    layer = (index + buttons.length) % buttons.length;
    const router = facts.routers[layer];
    const count = router.experts.length;
    if (only >= count) only = -1;
    buttons.forEach((button, i) => {
      button.setAttribute("aria-checked", String(i === layer));
      button.tabIndex = i === layer ? 0 : -1;
    });
    centre(buttons[layer]);
    spans.forEach((span, i) => {
      const choices = choicesOf(router, i);
      const [first, second] = choices;
      span.style.setProperty("--first", hue(first.expert, count));
      span.style.setProperty(
        "--second", second && second.weight >= 0 ? hue(second.expert, count) : "transparent");
      span.classList.toggle("dropped", first.weight < 0);
      span.classList.toggle("other", only >= 0 && !choices.some((c) => c.expert === only));
    });
    showExperts(router);
    if (current >= 0) showToken();
  }

  // Where the buttons are one line that scrolls, that of the layer is in sight; the page stays where it is.
  function centre(button) {
    const line = byId("layers");
    const room = line.clientWidth - button.offsetWidth;
    line.scrollLeft += button.getBoundingClientRect().left - line.getBoundingClientRect().left - room / 2;
  }

  function showExperts(router) {
    const count = router.experts.length;
    const most = Math.max(...router.experts.map((expert) => expert.share));
    byId("experts-title").textContent = `Experts of ${router.name}`;
    const focused = document.activeElement?.dataset?.expert;
    byId("experts").replaceChildren(...router.experts.map((expert, index) => {
      const button = make("button", "routes-expert");
      button.type = "button";
      button.dataset.expert = index;
      button.setAttribute("aria-pressed", String(index === only));
      button.setAttribute(
        "aria-label", `Expert ${index}, ${(100 * expert.share).toFixed(1)} percent of choices`);
      button.addEventListener("click", () => showOnly(index === only ? -1 : index));
      const bar = make("span", "routes-bar");
      const fill = make("i");
      fill.style.width = `${most > 0 ? 100 * expert.share / most : 0}%`;
      bar.style.setProperty("--hue", hue(index, count));
      bar.append(fill);
      const likes = make("span", "routes-likes");
      for (const favourite of expert.favourites) {
        const item = make("span");
        item.title = `${favourite.count} of the ${favourite.total} times that it comes`;
        item.append(make("code", "", visible(favourite.token)), " ",
          make("small", "", `≥ ${favourite.lift.toFixed(1)}×`));
        likes.append(item);
      }
      if (!expert.favourites.length) likes.append(make("small", "", expert.share ? "no favourites" : "no tokens"));
      button.append(swatch(index, count), bar,
        make("span", "routes-share", `${(100 * expert.share).toFixed(1)} %`), likes);
      return button;
    }));
    if (focused !== undefined) byId("experts").children[focused]?.focus();
  }

  function showOnly(expert) {
    only = expert;
    showLayer(layer);
  }

  function select(index, scrolls) {
    if (current >= 0) spans[current].classList.remove("current");
    current = Math.max(0, Math.min(index, spans.length - 1));
    spans[current].classList.add("current");
    if (scrolls) spans[current].scrollIntoView({ block: "nearest" });
    showToken();
  }

  function showToken() {
    const title = make("p");
    title.append(make("code", "", visible(facts.tokens[current])), ` token ${current}`);
    const table = make("div", "routes-token-layers");
    const rows = make("table");
    facts.routers.forEach((router, index) => {
      const row = make("tr", index === layer ? "chosen" : "");
      row.append(make("th", "", router.name));
      for (const choice of choicesOf(router, current)) {
        const cell = make("td");
        cell.append(swatch(choice.expert, router.experts.length),
          choice.weight < 0 ? " dropped" : ` ${(choice.weight / 10).toFixed(0)} %`);
        row.append(cell);
      }
      rows.append(row);
    });
    table.append(rows);
    table.style.columnCount = Math.max(2, Math.ceil(facts.routers.length / 12));
    byId("token").replaceChildren(title, table);
    endBelowARow();
  }

  // What is too high for the panel is scrolled in it: it ends below a whole row.
  function endBelowARow() {
    const panel = byId("token");
    panel.style.maxHeight = "";
    if (panel.scrollHeight <= panel.clientHeight) return;
    const { top, bottom } = panel.getBoundingClientRect();
    const ends = [...panel.querySelectorAll("tr")].map((row) => row.getBoundingClientRect().bottom);
    const last = Math.max(...ends.filter((end) => end < bottom));
    if (last > top) panel.style.maxHeight = `${last - top + 1}px`;
  }
  addEventListener("resize", () => { if (current >= 0) endBelowARow(); });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const inText = document.activeElement === text;
    const inLayers = buttons.includes(document.activeElement);
    const isFree = document.activeElement === document.body;
    const steps = { ArrowRight: 1, ArrowLeft: -1 };
    if (event.key === "Escape") showOnly(-1);
    else if (event.key >= "0" && event.key <= "9") {
      const expert = Number(event.key);
      if (expert < facts.routers[layer].experts.length) showOnly(expert === only ? -1 : expert);
    } else if (inLayers && (event.key in steps || event.key === "ArrowUp" || event.key === "ArrowDown")) {
      showLayer(layer + (event.key === "ArrowRight" || event.key === "ArrowDown" ? 1 : -1));
      buttons[layer].focus();
    } else if ((inText || isFree) && event.key in steps) select(current + steps[event.key], true);
    else if ((inText || isFree) && event.key === "ArrowUp") showLayer(layer - 1);
    else if ((inText || isFree) && event.key === "ArrowDown") showLayer(layer + 1);
    else return;
    event.preventDefault();
  });

  showLayer(0);
  select(0, false);
})();
