// One run: how it stands, what can be done with it, and everything that is known of it.

import { api } from "./api.js";
import { Curves } from "./curves.js";
import { atMostEvery, copyText, h, patch } from "./dom.js";
import * as format from "./format.js";
import { live } from "./live.js";
import { CheckpointsPanel, EvaluationsPanel, HistoryPanel } from "./run_panels.js";
import { SettingsPanel } from "./settings_panel.js";
import { goesOn, progressBar, progressOf, secondsLeft, stateBadge, stateWord } from "./states.js";
import { resumeRun, stopRun, writeCheckpoint } from "./steering.js";
import { Timeline } from "./timeline.js";

const fact = (name, value, hint) =>
  h("div", { class: "fact", title: hint }, h("dt", null, name), h("dd", null, value));

function facts(run) {
  const running = run.state === "running";
  return h("dl", { class: "facts" },
    fact("Stage", run.stage == null ? format.NONE : `${run.stage} of ${run.stages_total ?? "?"}`, run.stage_name),
    fact("Steps/s", running ? format.steps(run.steps_per_s) : format.NONE),
    fact("Time left", format.duration(secondsLeft(run)), "at the pace of the last seconds"),
    fact("Best score", format.ratio(run.score), "of the best valid archive: minus the mean peak drift over passive; nearer to 0 is better"),
    fact("Drift ratio", format.ratio(run.peak_drift_to_passive), "the last evaluation's mean peak drift over the passive device's; below 1 is better than passive"),
    fact("Host", run.host ?? format.NONE, run.pid ? `process ${run.pid}` : null),
    fact("Last word", format.agoElement(run.updated)));
}

function progress(run) {
  return h("div", { class: "run-progress" }, progressBar(run), h("p", null,
    h("b", null, format.percent(progressOf(run))),
    run.steps_total ? ` ${format.steps(run.steps_done)} of ${format.steps(run.steps_total)} steps` : ` ${format.steps(run.total_steps)} steps`,
    run.stage == null ? "" : ` · stage ${run.stage} ${run.stage_name ?? ""}: ${format.steps(run.step)} of ${format.steps(run.stage_timesteps)}`,
    run.attempt > 1 ? ` · attempt ${run.attempt}` : ""));
}

function buttons(run) {
  const going = goesOn(run);
  const why = run.here ? null : "It is on another machine.";
  const readOnly = live.status?.read_only === true;
  if (readOnly) return h("div", { class: "actions" }, copyButton(run));
  return h("div", { class: "actions" },
    going ? [
      h("button", { type: "button", id: "stop", "data-key": "stop", disabled: !run.here, title: why,
        onclick: () => stopRun(run) }, "Stop"),
      h("button", { type: "button", id: "checkpoint", "data-key": "checkpoint", disabled: !run.here, title: why,
        onclick: () => writeCheckpoint(run) }, "Checkpoint"),
    ] : h("button", { type: "button", id: "resume", "data-key": "resume",
      class: run.state === "complete" ? null : "primary", onclick: () => resumeRun(run) }, "Resume"),
    copyButton(run),
    going && why ? h("span", { class: "minor" }, why) : null);
}

function copyButton(run) {
  return run.resume_command
    ? h("button", { type: "button", id: "copy-resume", "data-key": "copy-resume",
      onclick: () => copyText(run.resume_command, "the resume command") }, "Copy resume command")
    : null;
}

function header(run) {
  const phase = goesOn(run) && run.phase && run.phase !== run.state ? run.phase : "";
  return [
    h("p", { class: "crumb" }, h("a", { href: "#/" }, "← Runs")),
    h("div", { class: "run-title" },
      h("h1", { tabindex: "-1", "data-key": "title" }, run.name),
      stateBadge(run.state), phase ? h("span", { class: "minor" }, phase) : null,
      run.id === run.name ? null : h("span", { class: "minor" }, `in ${run.id}`)),
    run.problem ? h("p", { class: "problem" }, run.problem) : null,
    run.message && !goesOn(run) ? h("p", null, run.message, run.exit_code ? ` (exit code ${run.exit_code})` : "") : null,
    progress(run), facts(run), buttons(run),
  ];
}

const SECTIONS = [["timeline", "Timeline"], ["curves", "Curves"], ["checkpoints", "Checkpoints"],
  ["evaluations", "Evaluations"], ["settings", "Settings"], ["history", "Processes"]];

// The address names the view, so places on the page are gone to by a handler.
function sectionLinks() {
  return h("nav", { class: "sections", "aria-label": "On this page" }, SECTIONS.map(([id, title]) =>
    h("button", {
      type: "button", class: "quiet",
      onclick: () => {
        const heading = document.getElementById(id);
        heading.tabIndex = -1;
        heading.scrollIntoView();
        heading.focus({ preventScroll: true });
      },
    }, title)));
}

function titleOf(run) {
  const done = run.state === "running" ? format.percent(progressOf(run)) : stateWord(run.state);
  return `${done} ${run.name} · Aftershock`;
}

const RETRY_MS = 3000;
const TIMELINE_MS = 3000; // how often the band of the stage under way grows

/** Shows the run in `main` until the signal aborts. */
export function showRun(main, id, signal) {
  let run = null;
  const top = h("header", { class: "run-header" });
  const timeline = new Timeline();
  const curves = new Curves(id, signal);
  const panels = [timeline, curves, new CheckpointsPanel(), new EvaluationsPanel(), new SettingsPanel(id), new HistoryPanel()];
  const showTop = () => {
    // The stream's summary is newer than what was read of the run.
    patch(top, header({ ...run, ...live.runs.get(id) }));
    document.title = titleOf({ ...run, ...live.runs.get(id) });
  };
  const rest = h("div", null, sectionLinks(), panels.map(({ element }) => element));
  const showOnlyTop = (...below) => {
    rest.hidden = below.length > 0;
    patch(top, h("p", { class: "crumb" }, h("a", { href: "#/" }, "← Runs")),
      h("div", { class: "run-title" }, h("h1", { tabindex: "-1", "data-key": "title" }, id)), below);
  };
  const read = async () => {
    try {
      run = await api.run(id);
    } catch (error) {
      if (signal.aborted) return;
      if (error.status === 404) run = null;
      if (!run) showOnlyTop(h("p", { class: "problem" }, error.status === 404 ? `There is no run “${id}”.` : error.message));
      if (![401, 404].includes(error.status)) setTimeout(readSoon, RETRY_MS);
      return;
    }
    if (signal.aborted) return;
    rest.hidden = false;
    showTop();
    for (const panel of panels) panel.setRun(run);
  };
  const readSoon = atMostEvery(1000, () => !signal.aborted && read());
  const showTopSoon = atMostEvery(250, () => {
    const summary = live.runs.get(id);
    if (signal.aborted) return;
    if (summary?.state !== run?.state) readSoon();
    if (!summary || !run) return;
    showTop();
    moveTimeline();
  });
  const moveTimeline = atMostEvery(TIMELINE_MS, () =>
    !signal.aborted && timeline.setRun({ ...run, ...live.runs.get(id) }));
  main.replaceChildren(top, rest);
  showOnlyTop();
  live.addEventListener("runs", showTopSoon, { signal });
  live.addEventListener("reread", readSoon, { signal });
  live.addEventListener("event", ({ detail }) => detail.run === id && readSoon(), { signal });
  read(); // before the metrics, which take the server longer
  curves.load();
}
