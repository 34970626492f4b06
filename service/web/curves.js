// A run's curves: the figures that tell how training goes, and whichever else the reader adds.

import { api } from "./api.js";
import { Chart } from "./charts.js";
import { announce, atMostEvery, h, patch } from "./dom.js";
import { live } from "./live.js";
import { Zoom } from "./zoom.js";

const STORE = "aftershock-curves";
const X = "time/total_timesteps";

const FIRST = [
  { title: "Return", name: "rollout/ep_rew_mean", label: "mean of 100 episodes" },
  { title: "Drift ratio to passive", name: "control/peak_drift_to_passive", label: "training", drift: true },
  { title: "KL divergence", name: "train/approx_kl", label: "approximate KL" },
  { title: "Learning rate", name: "train/learning_rate", label: "learning rate", exact: true },
  { title: "Steps per second", name: "time/fps", label: "steps/s" },
];

function rememberedCurves() {
  try {
    const names = JSON.parse(localStorage.getItem(STORE));
    return Array.isArray(names) ? names.filter((name) => typeof name === "string") : [];
  } catch {
    return [];
  }
}

/** The evaluations' figures for the stage that was trained, beside passive, LQR and LQG. */
function driftSeries(run, [from, to]) {
  const own = run.evaluations
    .map(({ total_steps, stage, of_stages }) => ({
      x: total_steps, of: of_stages.find(({ of_stage }) => of_stage === stage),
    }))
    .filter(({ of }) => of);
  const column = (member) => ({ x: own.map(({ x }) => x), y: own.map(({ of }) => of[member] ?? null) });
  const known = [
    { label: "evaluated", ...column("peak_drift_to_passive"), look: { colour: 1, dash: 0, points: true }, exact: true },
    { label: "LQR", ...column("lqr_peak_to_passive"), look: { colour: 2, dash: 1, stepped: true }, exact: true },
    { label: "LQG", ...column("lqg_peak_to_passive"), look: { colour: 3, dash: 2, stepped: true }, exact: true },
  ].filter(({ y }) => y.some((value) => value !== null));
  return [...known, { label: "passive", x: [from, to], y: [1, 1], look: { colour: "ink", dash: 3 }, exact: true }];
}

/** The panel for a run; `setRun` hands it the run in full, `load` reads its metrics. */
export class Curves {
  #id;
  #signal;
  #run = null;
  #metrics = null;
  #charts = new Map();
  #extra = rememberedCurves();
  #grid = h("div", { class: "charts" });
  #choice = h("span");
  #zoom = new Zoom(() => this.load(), () => this.#show());
  #loading = false;
  #again = false;

  constructor(id, signal) {
    this.#id = id;
    this.#signal = signal;
    this.#zoom.element.append(this.#choice);
    this.element = h("section", { "aria-labelledby": "curves" },
      h("h2", { id: "curves" }, "Curves"), this.#zoom.element, this.#grid);
    for (const curve of FIRST) this.#add(curve);
    for (const name of this.#extra) this.#add({ title: name, name, label: name, removable: true });
    const soon = atMostEvery(1500, () => this.load());
    live.addEventListener("metrics", ({ detail }) => detail.run === id && soon(), { signal });
    live.addEventListener("reread", soon, { signal });
  }

  setRun(run) {
    this.#run = run;
    this.#show();
  }

  #add(curve) {
    const chart = new Chart({
      title: curve.title,
      heading: curve.removable
        ? h("button", {
          type: "button", class: "quiet", "aria-label": `Remove ${curve.name}`,
          onclick: () => this.#remove(curve.name),
        }, "✕")
        : null,
      sync: `run ${this.#id}`,
      onZoom: (range) => this.#zoom.to(range),
      onReset: () => this.#zoom.to(null),
      signal: this.#signal,
    });
    this.#charts.set(curve.name, { curve, chart });
    this.#grid.append(chart.element);
  }

  #remove(name) {
    const { chart } = this.#charts.get(name);
    chart.destroy();
    chart.element.remove();
    this.#charts.delete(name);
    this.#remember(this.#extra.filter((other) => other !== name));
    this.#show();
  }

  #remember(names) {
    this.#extra = names;
    localStorage.setItem(STORE, JSON.stringify(names));
  }

  async load() {
    if (this.#loading) {
      this.#again = true;
      return;
    }
    this.#loading = true;
    try {
      const [from, to] = this.#zoom.range ?? [];
      const points = Math.min(4000, Math.max(600, 2 * Math.ceil(this.#grid.clientWidth / 100) * 100));
      this.#metrics = await api.metrics(
        this.#id, { names: [...this.#charts.keys()], from, to, points }, this.#signal);
      this.#show();
    } catch (error) {
      if (error.name !== "AbortError" && error.status !== 404) announce(`Curves: ${error.message}`, "bad");
    } finally {
      this.#loading = false;
    }
    if (this.#again && !this.#signal.aborted) {
      this.#again = false;
      this.load();
    }
  }

  // Where stages begin, and where a process took the run up again.
  #marks() {
    const marks = new Map();
    for (const event of this.#run?.timeline ?? []) {
      if (event.event === "run_resumed") marks.set(event.total_steps, "resumed");
      if (event.event !== "stage_started") continue;
      const attempt = event.attempt > 1 ? ` ×${event.attempt}` : "";
      marks.set(event.total_steps, `stage ${event.stage}${attempt}`);
    }
    return [...marks].map(([x, text]) => ({ x, text })).sort((a, b) => a.x - b.x);
  }

  #show() {
    if (!this.#metrics) return;
    const { first, last, series, available } = this.#metrics;
    if (first !== null && last > first) this.#zoom.setWhole(first, last);
    const range = this.#zoom.visible;
    for (const { curve, chart } of this.#charts.values()) {
      const own = series[curve.name] ?? { x: [], y: [] };
      const lines = [{ label: curve.label, ...own, look: { colour: 0, dash: 0 }, exact: curve.exact }];
      if (curve.drift && this.#run && own.x.length > 0) lines.push(...driftSeries(this.#run, range));
      chart.show({ series: lines, range, marks: this.#marks(), tau: this.#zoom.tau });
    }
    patch(this.#choice, this.#chooser(available));
  }

  #chooser(available) {
    const more = available.filter((name) => name !== X && !this.#charts.has(name));
    return h("select", {
      id: "more-curves", "aria-label": "Add a curve",
      onchange: ({ target }) => {
        const name = target.value;
        target.value = "";
        if (!name) return;
        this.#add({ title: name, name, label: name, removable: true });
        this.#remember([...this.#extra, name]);
        this.load();
      },
    }, h("option", { value: "" }, "Add a curve …"), more.map((name) => h("option", { value: name }, name)));
  }
}
