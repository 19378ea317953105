"use strict";

// The JSON that the page carries under a name.
function pageData(name) {
  return JSON.parse(document.getElementById(name).textContent);
}

// Light, dark, or as the system prefers. The choice is kept where the browser lets a file do so.
(function () {
  const themes = ["system", "light", "dark"];
  const button = document.getElementById("theme-button");

  function remembered() {
    try { return localStorage.getItem("moec-theme"); } catch { return null; }
  }

  function remember(theme) {
    try { localStorage.setItem("moec-theme", theme); } catch { /* It holds for this visit. */ }
  }

  function show(theme) {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    button.textContent = "Theme: " + theme;
  }

  let current = themes.includes(remembered()) ? remembered() : "system";
  show(current);
  button.addEventListener("click", () => {
    current = themes[(themes.indexOf(current) + 1) % themes.length];
    remember(current);
    show(current);
  });
})();
