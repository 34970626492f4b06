// Tables of a run's page: archives, evaluations with their reports, and processes.

import { api, fetchReport } from "./api.js";
import { announce, copyText, h, patch } from "./dom.js";
import * as format from "./format.js";
import { live } from "./live.js";
import { resumeRun } from "./steering.js";

const FEW = matchMedia("(max-width: 760px)").matches ? 5 : 12;

/** A table whose cells say their column's name where rows are drawn as cards. columns: [title, cell, number?] */
export function cardTable(label, columns, rows, keyOf) {
  return h("table", { class: "cards", role: "table", "aria-label": label },
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, columns.map(([title, , number]) =>
      h("th", { role: "columnheader", scope: "col", class: number ? "number" : null }, title)))),
    h("tbody", { role: "rowgroup" }, rows.map((row) => h("tr", { role: "row", "data-key": keyOf(row) },
      columns.map(([title, cell, number]) =>
        h("td", { role: "cell", class: number ? "number" : null, "data-label": title }, cell(row)))))));
}

/** A section with a table of which the first rows are shown until more are asked for. */
class TablePanel {
  #all = false;
  #content = h("div");
  #run = null;
  #drawn = "";

  constructor(id, title) {
    this.element = h("section", { "aria-labelledby": id }, h("h2", { id }, title), this.#content);
  }

  setRun(run) {
    const of = JSON.stringify(this.relevant(run));
    this.#run = run;
    if (of === this.#drawn) return;
    this.#drawn = of;
    this.#draw();
  }

  #draw() {
    const rows = this.rows(this.#run);
    const shown = this.#all ? rows : rows.slice(0, FEW);
    patch(this.#content,
      this.above?.(this.#run),
      rows.length ? this.table(this.#run, shown) : h("p", { class: "empty small" }, this.none),
      rows.length > shown.length
        ? h("button", { type: "button", "data-key": "more", onclick: () => {
          this.#all = true;
          this.#draw();
        } }, `Show all ${rows.length}`)
        : null);
  }
}

function checksum({ sha256, name }) {
  if (!sha256) return format.NONE;
  return h("button", {
    type: "button", class: "quiet code", title: `${sha256}: copy`, "aria-label": `Copy the SHA-256 of ${name}, ${sha256.slice(0, 12)}…`,
    onclick: () => copyText(sha256, "the SHA-256"),
  }, `${sha256.slice(0, 12)}…`);
}

export class CheckpointsPanel extends TablePanel {
  none = "No archive has been written yet.";

  constructor() {
    super("checkpoints", "Checkpoints and archives");
  }

  relevant = (run) => [run.checkpoint_paths, run.state === "running", live.status?.read_only];
  rows = (run) => run.checkpoint_paths;

  table(run, archives) {
    return cardTable("Archives", [
      ["File", (archive) => [h("span", { class: "code" }, archive.name), archive.set_aside ? h("span", { class: "minor" }, " set aside") : null]],
      ["Kind", ({ kind }) => String(kind).replaceAll("_", " ")],
      ["Stage", ({ stage, attempt }) => [stage ?? format.NONE, attempt > 1 ? ` ×${attempt}` : ""], true],
      ["Step", ({ timestep, total_steps }) => h("span", { title: `${format.whole(total_steps)} steps of the run` }, format.steps(timestep)), true],
      ["Score", ({ score }) => format.ratio(score), true],
      ["Valid", ({ valid, reason }) => (valid ? h("span", { class: "ok" }, "✓\u00a0valid") : h("span", { class: "problem" }, `✕ ${reason ?? "not valid"}`))],
      ["SHA-256", checksum],
      ["Size", ({ bytes }) => format.bytes(bytes), true],
      ["Written", ({ time }) => format.timeElement(time), true],
      ["Go on from it", (archive) => this.#actions(run, archive)],
    ], archives, ({ path }) => path);
  }

  #actions(run, archive) {
    if (!archive.resume_command) return format.NONE;
    return h("div", { class: "actions" },
      h("button", { type: "button", "aria-label": `Copy the command that resumes from ${archive.name}`,
        onclick: () => copyText(archive.resume_command, "the resume command") }, "Copy command"),
      live.status?.read_only ? null : h("button", { type: "button", disabled: run.state === "running",
        title: run.state === "running" ? "The run is going on." : null, "aria-label": `Resume from ${archive.name}`,
        onclick: () => resumeRun(run, archive) }, "Resume from here"));
  }
}

const mean = (values) => {
  const known = values.filter((value) => typeof value === "number");
  return known.length ? known.reduce((sum, value) => sum + value, 0) / known.length : null;
};

export class EvaluationsPanel extends TablePanel {
  none = "The policy has not been evaluated yet.";

  constructor() {
    super("evaluations", "Evaluations");
  }

  relevant = (run) => [run.evaluations, run.reports];
  rows = (run) => [...run.evaluations].reverse();

  above(run) {
    if (!run.reports.length) return null;
    return h("ul", { class: "reports" }, run.reports.map(({ file, bytes, time }) => h("li", { "data-key": file },
      h("a", { href: api.reportPath(run.id, file), target: "_blank", rel: "noopener",
        onclick: (event) => openReport(event, run.id, file) }, file),
      h("span", { class: "minor" }, ` evaluation report, ${format.bytes(bytes)}, `, format.timeElement(time)))));
  }

  table(run, evaluations) {
    const average = (member) => ({ of_stages: of }) => format.ratio(mean(of.map((one) => one[member])));
    const perStage = ({ of_stages: of }) => h("span", { class: "per-stage" }, of.map((one) =>
      h("span", { title: one.message }, h("span", { class: "minor" }, `${one.of_stage}: `), format.ratio(one.peak_drift_to_passive))));
    return cardTable("Evaluations", [
      ["Steps", ({ total_steps }) => format.steps(total_steps), true],
      ["In stage", ({ stage }) => stage ?? format.NONE, true],
      ["Score", ({ score }) => format.ratio(score), true],
      ["Peak drift to passive, by stage", perStage],
      ["Mean", average("peak_drift_to_passive"), true],
      ["LQR", average("lqr_peak_to_passive"), true],
      ["LQG", average("lqg_peak_to_passive"), true],
      ["RMS", average("rms_drift_to_passive"), true],
      ["When", ({ time }) => format.timeElement(time), true],
    ], evaluations, ({ total_steps, time }) => `${total_steps} ${time}`);
  }
}

// A link carries no token. Where reading needs one, the page is fetched with it and saved.
async function openReport(event, run, file) {
  if (live.linksOpen) return;
  event.preventDefault();
  try {
    const address = URL.createObjectURL(await fetchReport(run, file));
    h("a", { href: address, download: `${run}-${file}` }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60000);
  } catch (error) {
    announce(`${file}: ${error.message}`, "bad");
  }
}

export class HistoryPanel extends TablePanel {
  none = "No process has worked on it.";

  constructor() {
    super("history", "Processes and start");
  }

  relevant = (run) => [run.sessions, run.command];
  rows = (run) => [...run.sessions].reverse();

  above(run) {
    const line = (name, value) => (value ? [h("dt", null, name), h("dd", { class: "code" }, value)] : null);
    const versions = Object.entries(run.versions ?? {}).map(([name, value]) => `${name} ${value}`).join(", ");
    return h("dl", { class: "pairs" },
      line("Command", (run.command ?? []).join(" ")), line("In", run.working_directory),
      line("Curriculum", run.curriculum), line("Run id", run.run_id),
      line("Seed", run.seed == null ? null : String(run.seed)), line("Device", run.device),
      line("Engine", run.engine), line("Versions", versions));
  }

  table(_run, sessions) {
    return cardTable("Processes", [
      ["Began", ({ started }) => format.timeElement(started)],
      ["Ended", ({ ended }) => format.timeElement(ended)],
      ["Outcome", ({ outcome, exit_code: code }) => (outcome === null ? "goes on" : `${outcome.replaceAll("_", " ")}${code ? ` (${code})` : ""}`)],
      ["Steps", ({ start_step: from, end_step: to }) => `${format.steps(from)} to ${format.steps(to)}`, true],
      ["Stages", ({ start_stage: from, end_stage: to }) => (from === to ? `${from ?? format.NONE}` : `${from ?? format.NONE} to ${to ?? format.NONE}`), true],
      ["Resumed from", ({ resumed_from: from }) => (from ? h("span", { class: "code" }, from.path) : format.NONE)],
      ["Host", ({ host, pid }) => [host ?? format.NONE, pid ? h("span", { class: "minor" }, ` ${pid}`) : null]],
    ], sessions, ({ started }) => started);
  }
}
