// What state a run is in, in words and looks, and how far it is.

import { h } from "./dom.js";

const STATES = {
  running: { word: "running", sign: "▶", look: "going" },
  silent: { word: "silent", sign: "…", look: "doubtful",
    means: "Three heartbeats are missing: it is stopped, or dead on another machine." },
  died: { word: "died", sign: "✕", look: "bad",
    means: "Its process is gone without a word. Training can go on from its archives." },
  complete: { word: "complete", sign: "✓", look: "good" },
  stage_reached: { word: "stage reached", sign: "✓", look: "good",
    means: "It ended after the stage that it was told to stop after." },
  interrupted: { word: "interrupted", sign: "❚❚", look: "paused" },
  checkpointed: { word: "checkpointed", sign: "❚❚", look: "paused",
    means: "It wrote a checkpoint and ended, as SIGUSR2 asks." },
  failed: { word: "failed", sign: "!", look: "bad" },
  unknown: { word: "unknown", sign: "?", look: "doubtful",
    means: "There are archives, but no heartbeat." },
};

export const STATE_NAMES = Object.keys(STATES);

const known = (state) => STATES[state] ?? { word: String(state), sign: "?", look: "doubtful" };

export const stateWord = (state) => known(state).word;

export function stateBadge(state) {
  const { word, sign, look, means } = known(state);
  return h(
    "span",
    { class: `badge ${look}`, title: means },
    h("span", { "aria-hidden": "true", class: "badge-sign" }, sign),
    ` ${word}`,
  );
}

export const goesOn = (run) => run.state === "running" || run.state === "silent";

/** The share of all stages' steps that is done, in [0, 1], or null. */
export function progressOf(run) {
  if (run.state === "complete") return 1;
  if (!run.steps_total || run.steps_done == null) return null;
  return Math.min(1, run.steps_done / run.steps_total);
}

/** Seconds until it is complete, at the pace it has, or null. */
export function secondsLeft(run) {
  if (run.state !== "running" || !run.steps_per_s || !run.steps_total) return null;
  return Math.max(0, run.steps_total - (run.steps_done ?? 0)) / run.steps_per_s;
}

export function progressBar(run) {
  const done = progressOf(run);
  return h("progress", {
    class: `progress ${known(run.state).look}`, max: 1, value: done ?? 0, "aria-label": "Progress",
  });
}

export const runAddress = (id) => `#/run/${encodeURIComponent(id)}`;
