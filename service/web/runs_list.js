// The list of all runs: filtered, sorted, and a choice of some to compare.

import { h, patch, atMostEvery } from "./dom.js";
import { live } from "./live.js";
import * as format from "./format.js";
import {
  STATE_NAMES, progressBar, progressOf, runAddress, secondsLeft, stateBadge, stateWord,
} from "./states.js";

// What the reader chose stays while they look at a run and come back.
const chosen = { text: "", state: "", column: "updated", descending: true, runs: new Set() };

const last = Number.NEGATIVE_INFINITY; // sorts behind all numbers, descending

const COLUMNS = [
  { key: "state", title: "State", of: (run) => -STATE_NAMES.indexOf(run.state),
    cell: (run) => stateBadge(run.state) },
  { key: "name", title: "Run", of: (run) => run.name.toLowerCase(), ascending: true,
    cell: nameCell },
  { key: "stage", title: "Stage", of: (run) => run.stage ?? last, cell: stageCell },
  { key: "progress", title: "Progress", of: (run) => progressOf(run) ?? last,
    cell: progressCell },
  { key: "speed", title: "Steps/s", number: true, of: (run) => speedOf(run) ?? last,
    cell: (run) => format.steps(speedOf(run)) },
  { key: "left", title: "Time left", number: true, of: (run) => secondsLeft(run) ?? last,
    cell: (run) => format.duration(secondsLeft(run)) },
  { key: "score", title: "Best score", number: true, of: (run) => run.score ?? last,
    hint: "of the best valid archive: minus the mean peak drift over passive; nearer to 0 is better",
    cell: (run) => format.ratio(run.score) },
  { key: "drift", title: "Drift ratio", number: true, of: (run) => run.peak_drift_to_passive ?? last,
    hint: "the last evaluation's mean peak drift over the passive device's; below 1 is better than passive",
    cell: (run) => format.ratio(run.peak_drift_to_passive) },
  { key: "host", title: "Host", of: (run) => run.host ?? "", ascending: true,
    cell: (run) => run.host ?? format.NONE },
  // Those that are going on stay in their places, whichever of them spoke last.
  { key: "updated", title: "Last word", number: true,
    of: (run) => (run.state === "running" ? -last : Date.parse(run.updated) || last),
    cell: (run) => format.agoElement(run.updated) },
];

const speedOf = (run) => (run.state === "running" ? run.steps_per_s : null);

function nameCell(run) {
  return [
    h("a", { href: runAddress(run.id), class: "run-name", "data-key": "link" }, run.name),
    run.id === run.name ? null : h("span", { class: "minor" }, ` in ${run.id}`),
    run.problem ? h("span", { class: "problem" }, run.problem) : null,
  ];
}

function stageCell(run) {
  if (run.stage == null) {
    const done = run.completed_stages;
    return done ? `${done} complete` : format.NONE;
  }
  return [
    `${run.stage}/${run.stages_total ?? "?"} `,
    h("span", { class: "minor" }, run.stage_name ?? ""),
    run.attempt > 1 ? h("span", { class: "minor" }, ` attempt ${run.attempt}`) : null,
  ];
}

function progressCell(run) {
  return h("div", { class: "progress-cell" }, progressBar(run),
    h("span", null, format.percent(progressOf(run))),
    h("span", { class: "minor" }, `${format.steps(run.steps_done)} of ${format.steps(run.steps_total)}`));
}

function visibleRuns() {
  const words = chosen.text.toLowerCase().split(/\s+/).filter(Boolean);
  const column = COLUMNS.find(({ key }) => key === chosen.column);
  const direction = chosen.descending ? -1 : 1;
  return [...live.runs.values()]
    .filter((run) => !chosen.state || run.state === chosen.state)
    .filter((run) => {
      const text = `${run.id} ${run.name} ${run.host} ${run.stage_name} ${stateWord(run.state)}`.toLowerCase();
      return words.every((word) => text.includes(word));
    })
    .sort((a, b) => {
      const [x, y] = [column.of(a), column.of(b)];
      if (x !== y) return direction * (x < y ? -1 : 1);
      return a.id < b.id ? -1 : 1;
    });
}

function row(run, update) {
  return h("tr", { role: "row", "data-key": run.id },
    h("td", { role: "cell", class: "choose" },
      h("input", {
        type: "checkbox", "aria-label": `Compare ${run.id}`, checked: chosen.runs.has(run.id),
        onchange: (event) => {
          if (event.target.checked) chosen.runs.add(run.id);
          else chosen.runs.delete(run.id);
          update();
        },
      })),
    COLUMNS.map((column) => h("td", {
      role: "cell", class: `${column.key} ${column.number ? "number" : ""}`, "data-label": column.title,
    }, column.cell(run))));
}

function header(update) {
  return h("tr", { role: "row" },
    h("th", { role: "columnheader", scope: "col", class: "choose" },
      h("span", { class: "hidden" }, "Compare")),
    COLUMNS.map((column) => {
      const sorted = chosen.column === column.key;
      return h("th", {
        role: "columnheader", scope: "col", class: column.number ? "number" : null,
        "aria-sort": sorted ? (chosen.descending ? "descending" : "ascending") : null,
      },
      h("button", {
        type: "button", class: "sort", title: column.hint, "data-key": column.key,
        onclick: () => {
          chosen.descending = sorted ? !chosen.descending : !column.ascending;
          chosen.column = column.key;
          update();
        },
      }, column.title, h("span", { "aria-hidden": "true" }, sorted ? (chosen.descending ? " ↓" : " ↑") : "")));
    }));
}

function stateChoice(update) {
  const select = h("select", {
    id: "filter-state",
    onchange: () => {
      chosen.state = select.value;
      update();
    },
  },
  h("option", { value: "" }, "all states"),
  STATE_NAMES.map((state) => h("option", { value: state }, stateWord(state))));
  select.value = chosen.state;
  return select;
}

function orderChoice(update) {
  const select = h("select", {
    id: "order",
    onchange: () => {
      chosen.column = select.value;
      chosen.descending = !COLUMNS.find(({ key }) => key === select.value).ascending;
      update();
    },
  }, COLUMNS.map(({ key, title }) => h("option", { value: key }, title)));
  select.value = chosen.column;
  return select;
}

function textFilter(update) {
  const input = h("input", {
    id: "filter", type: "search", placeholder: "name, host, stage …", spellcheck: "false",
    oninput: () => {
      chosen.text = input.value;
      update();
    },
  });
  input.value = chosen.text;
  return input;
}

function nothingToShow() {
  if (!live.loaded) return "Loading…";
  if (live.runs.size > 0) return "No run fits the filter.";
  return "There are no runs yet. “Start a run” begins one; runs that are started elsewhere in the models folder show up by themselves.";
}

function compareButton() {
  const runs = [...chosen.runs].filter((id) => live.runs.has(id));
  return h("button", {
    type: "button", id: "compare", class: runs.length > 1 ? "primary" : null,
    disabled: runs.length < 2,
    onclick: () => {
      location.hash = `#/compare/${runs.map(encodeURIComponent).join(",")}`;
    },
  }, runs.length > 1 ? `Compare ${runs.length} runs` : "Compare: choose two or more");
}

/** Shows the list in `main` until the signal aborts. */
export function showRunsList(main, signal) {
  const body = h("tbody", { role: "rowgroup" });
  const head = h("thead", { role: "rowgroup" });
  const count = h("p", { class: "minor", id: "run-count" });
  const actions = h("div");
  const table = h("table", { class: "runs cards", role: "table", "aria-label": "Runs" }, head, body);
  const empty = h("p", { class: "empty" });
  const drawn = new Map(); // what rows show: a summary that has changed is another object
  const rowOf = (run) => {
    const old = drawn.get(run.id);
    return old?.run === run && old.element.isConnected ? old.element : row(run, update);
  };
  const update = () => {
    const runs = visibleRuns();
    patch(head, header(update));
    patch(body, runs.map(rowOf));
    drawn.clear();
    runs.forEach((run, i) => drawn.set(run.id, { run, element: body.children[i] }));
    const going = runs.filter((run) => run.state === "running").length;
    count.textContent = `${runs.length} of ${live.runs.size} runs, ${going} running`;
    patch(actions, compareButton());
    table.hidden = runs.length === 0;
    empty.hidden = runs.length > 0;
    empty.textContent = nothingToShow();
  };
  main.replaceChildren(
    h("h1", { tabindex: "-1" }, "Runs"),
    h("div", { class: "toolbar", role: "search" },
      h("label", { for: "filter" }, "Filter"), textFilter(update),
      h("label", { for: "filter-state", class: "hidden" }, "State"), stateChoice(update),
      h("span", { class: "narrow-only" }, h("label", { for: "order" }, "Order by "), orderChoice(update)),
      actions, count),
    table, empty);
  update();
  live.addEventListener("runs", atMostEvery(250, update), { signal });
  document.title = "Runs · Aftershock";
}
