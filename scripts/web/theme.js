// SPDX-License-Identifier: MIT
// Light or dark: at first as the browser has it. What is drawn by a program asks for its colours, and is drawn again.
const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function startTheme(redraw) {
  const isDark = () => document.documentElement.classList.contains("dark");
  const set = (dark) => {
    document.documentElement.classList.toggle("dark", dark);
    byId("theme").setAttribute("aria-pressed", dark);
    redraw();
  };
  byId("theme").addEventListener("click", () => set(!isDark()));
  set(matchMedia("(prefers-color-scheme: dark)").matches);
}
