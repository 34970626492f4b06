// Which range of steps curves show, how much they are smoothed, and the controls for both.

import { h } from "./dom.js";
import * as format from "./format.js";

export class Zoom {
  range = null; // [from, to]; null: everything
  smoothing = 0; // 0 to 100
  #whole = [0, 1];
  #shown = h("output", { class: "minor", id: "zoom-range" });
  #onRange;

  /** `onRange`: another range is wanted. `onSmoothing`: the same points, smoothed otherwise. */
  constructor(onRange, onSmoothing) {
    this.#onRange = onRange;
    const slider = h("input", {
      type: "range", id: "smoothing", min: 0, max: 100, step: 5, value: 0,
      oninput: () => {
        this.smoothing = Number(slider.value);
        slider.setAttribute("aria-valuetext", this.smoothing ? `${this.smoothing} %` : "off");
        onSmoothing();
      },
    });
    const button = (id, text, label, act) =>
      h("button", { type: "button", id, "aria-label": label, title: label, onclick: act }, text);
    this.element = h("div", { class: "toolbar" },
      h("label", { for: "smoothing" }, "Smoothing"), slider,
      h("span", { class: "button-group", role: "group", "aria-label": "Range of steps" },
        button("zoom-earlier", "◀", "Earlier steps", () => this.#move(-0.5)),
        button("zoom-out", "−", "Zoom out", () => this.#scale(2)),
        button("zoom-in", "+", "Zoom in", () => this.#scale(0.5)),
        button("zoom-later", "▶", "Later steps", () => this.#move(0.5)),
        button("zoom-all", "All", "The whole range", () => this.to(null))),
      this.#shown);
  }

  /** The range that there is data for. */
  setWhole(first, last) {
    this.#whole = [first, last];
    this.#say();
  }

  get visible() {
    return this.range ?? this.#whole;
  }

  /** The smoothing's scale in steps. */
  get tau() {
    const [from, to] = this.visible;
    return (this.smoothing / 100) ** 2 * 0.25 * (to - from);
  }

  to(range) {
    const [first, last] = this.#whole;
    if (range !== null) {
      const from = Math.max(first, range[0]);
      const to = Math.min(last, range[1]);
      range = to - from < 1 || (from <= first && to >= last) ? null : [from, to];
    }
    this.range = range;
    this.#say();
    this.#onRange();
  }

  #scale(factor) {
    const [from, to] = this.visible;
    const middle = (from + to) / 2;
    const half = ((to - from) / 2) * factor;
    this.to([middle - half, middle + half]);
  }

  #move(part) {
    const [from, to] = this.visible;
    const [first, last] = this.#whole;
    const wanted = part * (to - from);
    const by = Math.min(last - to, Math.max(first - from, wanted));
    if (this.range) this.to([from + by, to + by]);
  }

  #say() {
    const [from, to] = this.visible;
    this.#shown.textContent = this.range
      ? `steps ${format.steps(from)} to ${format.steps(to)}`
      : "all steps";
  }
}
