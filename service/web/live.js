// What is known of all runs, kept up to date by one stream of events. Listeners hear
// "runs" (something in `runs` changed), "event", "metrics" (of one run, in `detail`),
// "connection" and "reread" (the stream is new: what was read before may be stale).

import { api, authorization, looksWithoutToken, Problem, problemOf, renewToken } from "./api.js";
import { announce } from "./dom.js";
import { setServerTime } from "./format.js";
import { stateWord } from "./states.js";

const LONGEST_PAUSE_S = 15;
const SILENCE_MS = 50 * 1000; // the server says something every 15 s
const HIDDEN_MS = 60 * 1000; // browsers open few streams to one server: a hidden tab gives its back

class Live extends EventTarget {
  runs = new Map();
  loaded = false; // the list has been read
  status = null;
  linksOpen = false; // what a link names can be read without the token
  connected = false;
  disconnectedSince = null; // a Date
  retryAt = null;
  refused = ""; // what the server said no with, where it did

  #abort = null;
  #wake = null;
  #failures = 0;
  #sleeping = false;

  start() {
    let timer;
    document.addEventListener("visibilitychange", () => {
      clearTimeout(timer);
      if (document.hidden) timer = setTimeout(() => this.#sleep(), HIDDEN_MS);
      else if (this.#sleeping) this.retryNow();
    });
    this.#connect();
  }

  retryNow() {
    this.#sleeping = false;
    this.#wake?.();
  }

  #sleep() {
    this.#sleeping = true;
    this.#abort?.abort();
  }

  tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  async #connect() {
    for (;;) {
      let refused = null;
      try {
        await this.#listen();
      } catch (error) {
        if (error instanceof Problem && error.status > 0) refused = error;
      }
      const closed = refused?.status === 401;
      if (closed && (await renewToken())) continue;
      this.#lost(refused?.message ?? "", closed);
      if (refused && !closed) this.#readLists().then(() => this.tell("reread"), () => {});
      await this.#pause();
    }
  }

  /** `refused`: what the server said no with. `forGood`: until the reader wants to try again. */
  #lost(refused, forGood) {
    this.connected = false;
    this.refused = refused;
    this.disconnectedSince ??= new Date();
    this.#failures += 1;
    const pause_s = Math.min(LONGEST_PAUSE_S, 0.5 * 2 ** Math.min(this.#failures - 1, 6));
    this.retryAt = this.#sleeping || forGood ? null : new Date(Date.now() + 1000 * pause_s);
    if (!this.#sleeping) this.tell("connection");
  }

  #pause() {
    return new Promise((resolve) => {
      this.#wake = resolve;
      if (this.retryAt) setTimeout(resolve, this.retryAt - Date.now());
    });
  }

  async #listen() {
    this.#abort = new AbortController();
    const response = await fetch("api/events", {
      headers: { Accept: "text/event-stream", ...authorization() },
      cache: "no-store",
      signal: this.#abort.signal,
    });
    if (!response.ok) throw await problemOf(response);
    const ended = this.#read(response.body).then(() => {
      throw new Error("the stream has ended");
    });
    try {
      await Promise.race([this.#readLists(), ended]);
      this.connected = true;
      this.disconnectedSince = null;
      this.#failures = 0;
      this.tell("connection");
      this.tell("reread");
      await ended;
    } finally {
      this.#abort.abort();
      ended.catch(() => {});
    }
  }

  // The lists are read once the stream stands, so nothing can happen unseen in between.
  async #readLists() {
    const [status, { runs }, open] = await Promise.all([api.status(), api.runs(), looksWithoutToken()]);
    this.linksOpen = open;
    setServerTime(status.time);
    this.status = status;
    const gone = new Set(this.runs.keys());
    for (const run of runs) {
      gone.delete(run.id);
      this.#take(run);
    }
    for (const id of gone) this.runs.delete(id);
    this.loaded = true;
    this.tell("runs");
  }

  async #read(body) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let buffer = "";
    for (;;) {
      const silence = setTimeout(() => this.#abort.abort(), SILENCE_MS);
      const { value, done } = await reader.read().finally(() => clearTimeout(silence));
      if (done) return;
      buffer += value;
      const blocks = buffer.split(/\r?\n\r?\n/);
      buffer = blocks.pop();
      for (const block of blocks) this.#handle(block);
    }
  }

  #handle(block) {
    let type = "message";
    const data = [];
    for (const line of block.split(/\r?\n/)) {
      if (line.startsWith("event:")) type = line.slice(6).trim();
      else if (line.startsWith("data:")) data.push(line.slice(5));
    }
    if (data.length === 0) return;
    const document = JSON.parse(data.join("\n"));
    if (type === "run") {
      this.#take(document);
      this.tell("runs");
    } else if (type === "removed") {
      this.runs.delete(document.run);
      this.tell("runs");
    } else {
      this.tell(type, document);
    }
  }

  #take(run) {
    const before = this.runs.get(run.id);
    this.runs.set(run.id, run);
    if (before && before.state !== run.state) {
      const bad = run.state === "died" || run.state === "failed";
      announce(`${run.name}: ${stateWord(run.state)} (was ${stateWord(before.state)})`, bad ? "bad" : "");
    }
  }
}

export const live = new Live();
