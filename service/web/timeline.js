// A run's story: stages as bands along its steps or its time, what happened as marks on them, and
// the same as a list of words.

import { h, patch } from "./dom.js";
import * as format from "./format.js";

// What is marked: [sign, word, look]. Everything else is in the list only.
const MARKS = {
  run_resumed: ["↻", "resumed", "going"],
  stop_requested: null,
  worker_lost: ["!", "worker lost", "bad"],
  incident: ["!", "incident", "bad"],
  gate_blocked: ["⟲", "gate: not passed", "doubtful"],
  archive_set_aside: ["⇥", "archive set aside", "doubtful"],
  died: ["✕", "died", "bad"],
};

const ENDS = {
  complete: ["✓", "complete", "good"],
  stage_reached: ["✓", "stage reached", "good"],
  interrupted: ["❚❚", "interrupted", "paused"],
  checkpointed: ["❚❚", "checkpointed", "paused"],
  error: ["!", "failed", "bad"],
};

const LISTED = {
  run_started: ["●", "started", "going"],
  worker_started: ["·", "worker ready", ""],
  stage_started: ["▸", "stage begins", ""],
  stage_completed: ["✓", "stage complete", "good"],
  gate_passed: ["✓", "gate: passed", "good"],
  archive_saved: ["▪", "archive saved", ""],
  checkpoint_requested: ["·", "checkpoint asked for", ""],
  stop_requested: ["·", "stop asked for", ""],
  notice: ["·", "notice", ""],
};

function markOf(event) {
  if (event.event === "run_ended") return ENDS[event.outcome] ?? ENDS.error;
  return MARKS[event.event] ?? null;
}

const wordsOf = (event) => markOf(event) ?? LISTED[event.event] ?? ["·", event.event, ""];

/** The events, and one for each process that was killed, where its story breaks off. */
function withDeaths(run) {
  const deaths = run.sessions
    .filter((session) => session.outcome === "died" && session.ended)
    .map((session) => ({
      event: "died", time: session.ended, total_steps: session.end_step, stage: session.end_stage,
      message: `process ${session.pid ?? ""} on ${session.host ?? "its machine"} ended without a word`,
    }));
  const all = [...run.timeline];
  for (const death of deaths) {
    const after = all.findIndex(({ event, time }) => /^run_(started|resumed)$/.test(event) && time > death.time);
    all.splice(after < 0 ? all.length : after, 0, death);
  }
  return all;
}

const at = ({ time, total_steps }) => ({ time: Date.parse(time), steps: total_steps ?? 0 });

/** [{stage, name, attempt, from, to}], each a stretch of one process's work on an attempt. */
function bandsOf(run, events) {
  const names = new Map(run.stages.map(({ stage, name }) => [stage, name ?? ""]));
  const bands = [];
  let open = null;
  let latest = null;
  const close = (place) => {
    if (open) bands.push({ ...open, to: place });
    open = null;
  };
  const begin = (stage, attempt, place) => {
    if (stage > 0) open = { stage, name: names.get(stage) ?? "", attempt, from: place };
  };
  for (const event of events) {
    const place = at(event);
    if (/^run_(started|resumed)$/.test(event.event)) {
      close(latest);
      // What lies beyond the step where it goes on is the story of a process that was lost.
      begin(event.next_stage, event.resumed_from?.attempt ?? 1, place);
    } else if (event.event === "stage_started") {
      if (open && (open.stage !== event.stage || open.attempt !== event.attempt)) close(place);
      if (!open) begin(event.stage, event.attempt ?? 1, place);
      open.attempt = event.attempt ?? 1;
    } else if (event.event === "stage_completed" || event.event === "run_ended" || event.event === "died") {
      close(place);
    }
    latest = place;
  }
  const now = run.updated && run.total_steps !== null
    ? { time: Date.parse(run.updated), steps: run.total_steps } : latest;
  close(now);
  return bands.filter(({ from, to }) => to.time >= from.time);
}

/** By steps, later work replaces what it does again: one band for each attempt. */
function mergedBySteps(bands) {
  const merged = [];
  for (const band of bands) {
    while (merged.length && merged.at(-1).from.steps >= band.from.steps &&
           (merged.at(-1).stage > band.stage || merged.at(-1).attempt !== band.attempt)) merged.pop();
    const before = merged.at(-1);
    if (before && before.stage === band.stage && before.attempt === band.attempt) {
      before.to = { ...band.to };
    } else {
      if (before) before.to = { ...before.to, steps: Math.min(before.to.steps, band.from.steps) };
      merged.push({ ...band, from: { ...band.from }, to: { ...band.to } });
    }
  }
  return merged;
}

const MARK_PX = 25; // as style.css has it

export class Timeline {
  #by = "steps";
  #everything = false;
  #run = null;
  #listed = null; // the timeline that the list shows
  #track = h("div", { class: "track" });
  #none = h("p", { class: "empty small" }, "Nothing is known of its course: it has no events.jsonl.");
  #axis = h("div", { class: "track-axis minor" });
  #list = h("ol", { class: "story", tabindex: 0, "aria-label": "What happened" });
  #stages = h("div", { class: "wide" });

  constructor() {
    const choice = (value, text) => {
      const input = h("input", {
        type: "radio", name: "timeline-by", value,
        onchange: () => {
          this.#by = value;
          this.#draw();
        },
      });
      input.checked = value === this.#by;
      return h("label", null, input, ` ${text}`);
    };
    const everything = h("input", {
      type: "checkbox",
      onchange: ({ target }) => {
        this.#everything = target.checked;
        this.#listed = null;
        this.#draw();
      },
    });
    this.element = h("section", { "aria-labelledby": "timeline" },
      h("h2", { id: "timeline" }, "Timeline"),
      h("div", { class: "toolbar" },
        h("span", { role: "group", "aria-label": "Along" }, choice("steps", "by steps"), " ", choice("time", "by time"))),
      this.#none, this.#track, this.#axis,
      h("div", { class: "beside" },
        h("div", null, h("h3", null, "Stages"), this.#stages),
        h("div", null,
          h("div", { class: "toolbar" }, h("h3", null, "What happened"), h("label", null, everything, " everything")),
          this.#list)));
  }

  setRun(run) {
    this.#run = run;
    this.#draw();
  }

  #draw() {
    const run = this.#run;
    if (!run) return;
    const events = withDeaths(run);
    this.#track.hidden = events.length === 0;
    this.#none.hidden = events.length > 0;
    const bySteps = this.#by === "steps";
    const all = bandsOf(run, events);
    const bands = bySteps ? mergedBySteps(all) : all;
    const of = (place) => (bySteps ? place.steps : place.time);
    const ends = bands.flatMap(({ from, to }) => [of(from), of(to)]);
    const first = bySteps ? 0 : Math.min(...ends);
    const last = Math.max(bySteps ? (run.steps_total ?? 1) : first + 1000, ...ends);
    const part = (value) => Math.min(1, Math.max(0, (value - first) / (last - first)));
    patch(this.#track,
      bySteps ? this.#waiting(bands, part) : null,
      bands.map((band) => this.#band(band, part, of)),
      this.#marks(events, (event) => part(of(at(event)))));
    const say = (value) => (bySteps ? `${format.steps(value)} steps` : format.localTime(new Date(value).toISOString()));
    patch(this.#axis, bands.length ? [h("span", null, say(first)), h("span", null, say(last))] : null);
    this.#drawStages();
    if (this.#listed !== run.timeline) this.#drawList(events);
    this.#listed = run.timeline;
  }

  // Stages that have not begun, where they will be if no attempt fails.
  #waiting(bands, part) {
    let from = bands.at(-1)?.to.steps ?? 0;
    const current = bands.at(-1)?.stage ?? 0;
    const stages = [];
    for (const { stage, name, timesteps, state } of this.#run.stages) {
      if (state === "complete" || stage < current) continue;
      const rest = stage === current ? Math.max(0, timesteps - (this.#run.step ?? 0)) : timesteps;
      stages.push(h("div", {
        class: "band waiting", "data-key": `waiting ${stage}`, title: `stage ${stage} ${name ?? ""}: to come`,
        place: [part(from), part(from + rest) - part(from)],
      }, stage === current ? "" : String(stage)));
      from += rest;
    }
    return stages;
  }

  #band({ stage, name, attempt, from, to }, part, of) {
    const again = attempt > 1 ? `, attempt ${attempt}` : "";
    const title = `stage ${stage} ${name}${again}: steps ${format.steps(from.steps)} to ${format.steps(to.steps)}`;
    return h("div", {
      class: `band stage-${(stage - 1) % 2} ${attempt > 1 ? "again" : ""}`, title,
      "data-key": `band ${stage} ${attempt} ${from.time}`,
      place: [part(of(from)), part(of(to)) - part(of(from))],
    }, h("span", null, `${stage} ${name}`, attempt > 1 ? ` ×${attempt}` : ""));
  }

  // Marks of one moment stand side by side; where there is no room for that, they overlap.
  #marks(events, placeOf) {
    const marks = events
      .map((event, index) => ({ event, index, place: placeOf(event) }))
      .filter(({ event }) => markOf(event))
      .sort((a, b) => a.place - b.place || a.index - b.index);
    const width = Math.min(MARK_PX / Math.max(1, this.#track.clientWidth), 1 / marks.length);
    let free = 0;
    for (const mark of marks) {
      mark.place = Math.max(mark.place, free);
      free = mark.place + width;
    }
    free = 1;
    for (const mark of marks.reverse()) {
      mark.place = Math.max(0, Math.min(mark.place, free));
      free = mark.place - width;
    }
    return marks.reverse().map(({ event, index, place }) => this.#mark(event, place, index));
  }

  #mark(event, place, index) {
    const [sign, word, look] = markOf(event);
    return h("button", {
      type: "button", class: `mark ${look}`, "data-key": `mark ${index}`, place: [place],
      title: `${word}: ${event.message}`, "aria-label": `${word}, ${format.steps(event.total_steps)} steps: show in the list`,
      onclick: () => {
        const item = this.#list.querySelector(`[data-key="${index}"]`);
        item?.scrollIntoView({ block: "nearest" });
        item?.focus({ preventScroll: true });
      },
    }, sign);
  }

  #drawStages() {
    const head = ["Stage", "State", "Steps", "Time", "Score"];
    patch(this.#stages, h("table", null,
      h("thead", null, h("tr", null, head.map((title, i) =>
        h("th", { scope: "col", class: i > 1 ? "number" : null }, title)))),
      h("tbody", null, this.#run.stages.map((stage) => h("tr", { "data-key": String(stage.stage) },
        h("td", null, `${stage.stage} ${stage.name ?? ""}`),
        h("td", null, stage.state === "complete" ? "✓ complete" : stage.state === "current" ? "▶ current" : "waiting",
          stage.attempts > 1 ? h("span", { class: "minor" }, ` ${stage.attempts} attempts`) : null),
        h("td", { class: "number" }, format.steps(stage.timesteps)),
        h("td", { class: "number" }, format.duration(stage.seconds)),
        h("td", { class: "number" }, format.ratio(stage.score)))))));
  }

  #drawList(events) {
    const main = (event) =>
      markOf(event) || /^(run_started|stage_started|stage_completed|gate_passed)$/.test(event.event);
    const listed = events.map((event, index) => ({ event, index }))
      .filter(({ event }) => this.#everything || main(event));
    patch(this.#list, listed.reverse().map(({ event, index }) => {
      const [sign, word, look] = wordsOf(event);
      return h("li", { "data-key": String(index), tabindex: "-1" },
        h("span", { class: `story-sign ${look}`, "aria-hidden": "true" }, sign),
        h("span", null, h("b", null, word), " ",
          h("span", { class: "minor" }, format.timeElement(event.time), `, ${format.steps(event.total_steps)} steps`),
          h("br"), event.message ?? ""));
    }));
  }
}
