// Keys that do something on their own, and the dialog that lists them. They can be switched off:
// who speaks to their computer would set them off by accident.

import { h } from "./dom.js";
import { openDialog } from "./dialog.js";

const STORE = "aftershock-shortcuts";

// [key, where it works, what it does, the element that it presses or focuses]
const SHORTCUTS = [
  ["/", "list, settings", "filter", "#filter, #filter-settings"],
  ["n", "anywhere", "start a run", "#open-start"],
  ["l", "anywhere", "list of runs", ".brand"],
  ["s", "run", "stop it (asks first)", "#stop"],
  ["c", "run", "write a checkpoint", "#checkpoint"],
  ["r", "run", "resume it", "#resume"],
  ["y", "run", "copy the command that resumes it", "#copy-resume"],
  ["+", "curves", "zoom in", "#zoom-in"],
  ["-", "curves", "zoom out", "#zoom-out"],
  ["[", "curves", "earlier steps", "#zoom-earlier"],
  ["]", "curves", "later steps", "#zoom-later"],
  ["0", "curves", "the whole range", "#zoom-all"],
  ["?", "anywhere", "this help", "#open-help"],
];

const enabled = () => localStorage.getItem(STORE) !== "off";

export function listenForShortcuts() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
    if (document.querySelector("dialog[open]") || !enabled()) return;
    if (event.target.closest("input:not([type=checkbox], [type=range]), textarea, select")) return;
    const shortcut = SHORTCUTS.find(([key]) => key === event.key);
    const target = shortcut && document.querySelector(shortcut[3]);
    if (!target || target.disabled || target.hidden) return;
    event.preventDefault();
    if (target.matches("input")) target.focus();
    else target.click();
  });
}

export function showHelp() {
  const toggle = h("input", {
    type: "checkbox", id: "shortcuts-on", checked: enabled(),
    onchange: () => localStorage.setItem(STORE, toggle.checked ? "on" : "off"),
  });
  openDialog({
    title: "Keyboard",
    content: [
      h("p", null, "Tab and Shift+Tab go through everything, Enter and Space press it, Escape closes a dialog. Single keys:"),
      h("table", { class: "keys" },
        h("thead", { class: "hidden" }, h("tr", null, ["Key", "Does", "Where"].map((t) => h("th", { scope: "col" }, t)))),
        h("tbody", null, SHORTCUTS.map(([key, where, what]) =>
          h("tr", null, h("td", null, h("kbd", null, key)), h("td", null, what), h("td", { class: "minor" }, where))))),
      h("p", null, h("label", null, toggle, " Single keys do something")),
      h("p", null, "Curves: drag across to zoom, double click for the whole range."),
      h("p", { class: "minor" }, "Charts are drawn by uPlot (",
        h("a", { href: "assets/LICENSE", target: "_blank", rel: "noopener" }, "MIT licence"), "). ",
        h("a", { href: "api/openapi.json", target: "_blank", rel: "noopener" }, "The API")),
    ],
  });
}
