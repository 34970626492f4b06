// Several runs beside each other: one curve of each, their figures, the settings that differ.

import { api } from "./api.js";
import { Chart, look, swatch } from "./charts.js";
import { announce, atMostEvery, h, patch } from "./dom.js";
import * as format from "./format.js";
import { live } from "./live.js";
import { progressOf, runAddress, secondsLeft, stateBadge } from "./states.js";
import { Zoom } from "./zoom.js";

const X = "time/total_timesteps";
const RETRY_MS = 3000;
const chosen = { metric: "rollout/ep_rew_mean" };

const FIGURES = [
  ["State", (run) => stateBadge(run.state)],
  ["Progress", (run) => format.percent(progressOf(run))],
  ["Stage", (run) => (run.stage == null ? format.NONE : `${run.stage}/${run.stages_total} ${run.stage_name ?? ""}`)],
  ["Steps", (run) => format.steps(run.total_steps)],
  ["Steps/s", (run) => format.steps(run.state === "running" ? run.steps_per_s : null)],
  ["Time left", (run) => format.duration(secondsLeft(run))],
  ["Best score", (run) => format.ratio(run.score)],
  ["Drift ratio", (run) => format.ratio(run.peak_drift_to_passive)],
  ["Seed", (run) => run.seed ?? format.NONE],
  ["Host", (run) => run.host ?? format.NONE],
  ["Last word", (run) => format.agoElement(run.updated)],
];

function summaries(runs) {
  return h("table", { "aria-label": "Summaries" },
    h("thead", null, h("tr", null, h("th", { scope: "col" }, h("span", { class: "hidden" }, "Figure")),
      runs.map((run, i) => h("th", { scope: "col" }, swatch({ look: look(i) }), " ",
        h("a", { href: runAddress(run.id), "data-key": run.id }, run.id))))),
    h("tbody", null, FIGURES.map(([title, cell]) => h("tr", null, h("th", { scope: "row" }, title),
      runs.map((run) => h("td", null, cell({ ...run, ...live.runs.get(run.id) })))))));
}

function differences(runs) {
  const keys = [...new Set(runs.flatMap(({ settings }) => Object.keys(settings)))];
  const differing = keys.filter((key) => new Set(runs.map(({ settings }) => JSON.stringify(settings[key]))).size > 1);
  if (!differing.length) return h("p", { class: "empty small" }, "All settings are alike.");
  return h("table", { "aria-label": "Settings that differ" },
    h("thead", null, h("tr", null, h("th", { scope: "col" }, "Setting"), runs.map(({ id }) => h("th", { scope: "col" }, id)))),
    h("tbody", null, differing.map((key) => h("tr", { "data-key": key }, h("th", { scope: "row", class: "code" }, key),
      runs.map(({ settings }) => h("td", { class: "code" }, settings[key] === undefined ? h("span", { class: "minor" }, "not there") : format.setting(settings[key])))))));
}

/** Shows the runs beside each other in `main` until the signal aborts. */
export function showCompare(main, ids, signal) {
  let runs = [];
  let metrics = [];
  let asked = 0; // requests for curves, counted
  let drawn = 0; // the latest whose answer is shown
  const zoom = new Zoom(() => loadCurves(), () => drawCurves());
  const chart = new Chart({
    title: "", sync: "compare", onZoom: (range) => zoom.to(range), onReset: () => zoom.to(null), signal,
  });
  const metric = h("select", { id: "metric", onchange: () => {
    chosen.metric = metric.value;
    loadCurves();
  } });
  const figures = h("div", { class: "wide roomy" });
  const settings = h("div", { class: "wide roomy" });
  zoom.element.prepend(h("label", { for: "metric" }, "Curve"), metric);
  main.replaceChildren(
    h("p", { class: "crumb" }, h("a", { href: "#/" }, "← Runs")),
    h("h1", { tabindex: "-1" }, `Compare ${ids.length} runs`),
    h("section", { "aria-label": "Curves" }, zoom.element, h("div", { class: "charts one" }, chart.element)),
    h("section", { "aria-labelledby": "summaries" }, h("h2", { id: "summaries" }, "Summaries"), figures),
    h("section", { "aria-labelledby": "differences" }, h("h2", { id: "differences" }, "Settings that differ"), settings));
  document.title = `Compare ${ids.join(", ")} · Aftershock`;

  function drawCurves() {
    const ranges = metrics.filter(({ first, last }) => first !== null && last > first);
    if (ranges.length) zoom.setWhole(Math.min(...ranges.map((m) => m.first)), Math.max(...ranges.map((m) => m.last)));
    const names = [...new Set(metrics.flatMap(({ available }) => available))].filter((name) => name !== X);
    patch(metric, names.map((name) => h("option", { value: name }, name)));
    if (metric.value !== chosen.metric) metric.value = chosen.metric;
    const series = metrics.map((one, i) => ({
      label: ids[i], ...(one.series[chosen.metric] ?? { x: [], y: [] }), look: look(i),
    }));
    chart.show({ series, range: ranges.length ? zoom.visible : null, tau: zoom.tau });
  }

  async function loadCurves() {
    const [from, to] = zoom.range ?? [];
    asked += 1;
    const turn = asked;
    try {
      const read = await Promise.all(ids.map((id) =>
        api.metrics(id, { names: [chosen.metric], from, to, points: 2000 }, signal)));
      if (turn < drawn) return;
      drawn = turn;
      metrics = read;
      drawCurves();
    } catch (error) {
      if (error.name !== "AbortError" && error.status !== 404) announce(`Curves: ${error.message}`, "bad");
    }
  }

  async function loadRuns() {
    try {
      runs = await Promise.all(ids.map((id) => api.run(id)));
    } catch (error) {
      if (signal.aborted) return;
      if (!runs.length) patch(figures, h("p", { class: "problem" }, error.message));
      if (![401, 404].includes(error.status)) setTimeout(() => !signal.aborted && loadRuns(), RETRY_MS);
      return;
    }
    if (signal.aborted) return;
    patch(figures, summaries(runs));
    patch(settings, differences(runs));
  }

  live.addEventListener("runs", atMostEvery(500, () => runs.length && !signal.aborted && patch(figures, summaries(runs))), { signal });
  const again = atMostEvery(2000, loadCurves);
  live.addEventListener("metrics", ({ detail }) => ids.includes(detail.run) && again(), { signal });
  live.addEventListener("reread", () => {
    loadRuns();
    again();
  }, { signal });
  loadRuns();
  loadCurves();
}
