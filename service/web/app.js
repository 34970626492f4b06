// The page's frame: which view the address names, the banner for a lost connection, shortcuts.

import { takeTokenFromAddress } from "./api.js";
import { h } from "./dom.js";
import { keepAgesFresh, localTime, NONE } from "./format.js";
import { live } from "./live.js";
import { showCompare } from "./compare.js";
import { showRun } from "./run_page.js";
import { showRunsList } from "./runs_list.js";
import { listenForShortcuts, showHelp } from "./shortcuts.js";
import { openStartDialog } from "./start_dialog.js";

const main = document.getElementById("main");
let leaving = new AbortController();
let first = true;

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function showView() {
  if (location.hash.startsWith("#token=")) takeTokenFromAddress();
  leaving.abort();
  leaving = new AbortController();
  const [, view, rest = ""] = location.hash.split("/");
  if (view === "run" && rest) showRun(main, decode(rest), leaving.signal);
  else if (view === "compare" && rest) showCompare(main, rest.split(",").map(decode), leaving.signal);
  else showRunsList(main, leaving.signal);
  window.scrollTo(0, 0);
  // A screen reader hears where it is; the first page's reader has not asked for anything yet.
  if (!first) main.querySelector("h1")?.focus({ preventScroll: true });
  first = false;
}

function showConnection() {
  const banner = document.getElementById("connection");
  const text = document.getElementById("connection-text");
  const next = document.getElementById("connection-next"); // not read out every second
  const update = () => {
    const lost = !live.connected && live.disconnectedSince !== null;
    banner.hidden = !lost;
    if (!lost) return;
    const seconds = live.retryAt ? Math.ceil((live.retryAt - Date.now()) / 1000) : 0;
    const why = live.refused ? ` (${live.refused})` : "";
    const said = `Disconnected since ${localTime(live.disconnectedSince)}${why}: what is shown may be old. Runs go on without the server.`;
    if (text.textContent !== said) text.textContent = said;
    next.textContent = seconds > 0 ? `Trying again in ${seconds} s` : "";
  };
  live.addEventListener("connection", update);
  setInterval(update, 1000);
  document.getElementById("connection-retry").onclick = () => live.retryNow();
}

function showServer() {
  const note = document.getElementById("server");
  const start = document.getElementById("open-start");
  live.addEventListener("reread", () => {
    const { version, read_only: readOnly } = live.status;
    note.replaceChildren(h("span", { class: "minor" }, `${version ?? NONE}${readOnly ? ", read-only" : ""}`));
    start.hidden = readOnly === true;
  });
  start.onclick = () => openStartDialog();
  document.getElementById("open-help").onclick = showHelp;
}

document.getElementById("skip").onclick = (event) => {
  event.preventDefault(); // the address names the view, so it cannot name a place on the page
  main.focus();
};
takeTokenFromAddress();
window.addEventListener("hashchange", showView);
showConnection();
showServer();
listenForShortcuts();
keepAgesFresh();
showView();
live.start();
