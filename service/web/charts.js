// Line charts over steps, drawn by uPlot: a readout in words, zoom by dragging, cursors in step.

import { h, patch } from "./dom.js";
import * as format from "./format.js";

const { uPlot } = window;

const HEIGHT = 190;
const DASHES = [[], [7, 4], [2, 3], [9, 3, 2, 3]];
export const COLOURS = 6;

/** Looks that differ in colour and, from the seventh on, in dashes too. */
export const look = (index) => ({
  colour: index % COLOURS,
  dash: Math.floor(index / COLOURS) % DASHES.length,
});

const styles = getComputedStyle(document.documentElement);
const colour = (name) => styles.getPropertyValue(name).trim();
const strokeOf = ({ colour: index }) => (index === "ink" ? colour("--ink") : colour(`--series-${index}`));

/** A short piece of a series' line, for legends. */
export function swatch(series) {
  return h("svg", { class: "swatch", viewBox: "0 0 26 8", "aria-hidden": "true" },
    h("line", {
      x1: 1, y1: 4, x2: 25, y2: 4, class: `stroke-${series.look.colour}`,
      "stroke-dasharray": DASHES[series.look.dash].join(" ") || null,
    }),
    series.look.points ? h("circle", { cx: 13, cy: 4, r: 3, class: `fill-${series.look.colour}` }) : null);
}

/**
 * Exponential moving average over a scale of `tau` steps, in the spacing that points have, so that
 * the same slider position smooths alike whatever the resolution.
 */
function smooth(x, y, tau) {
  let mean = y[0];
  return y.map((value, i) => {
    if (i > 0) mean += (1 - Math.exp(-(x[i] - x[i - 1]) / tau)) * (value - mean);
    return mean;
  });
}

function withoutGaps({ x, y }) {
  const kept = { x: [], y: [] };
  for (let i = 0; i < x.length; i += 1) {
    if (y[i] === null || y[i] === undefined) continue;
    kept.x.push(x[i]);
    kept.y.push(y[i]);
  }
  return kept;
}

function nearest(values, index) {
  for (let d = 0; d < values.length; d += 1) {
    for (const i of [index - d, index + d]) {
      if (values[i] !== null && values[i] !== undefined) return i;
    }
  }
  return null;
}

export class Chart {
  #plot = null;
  #shape = "";
  #series = [];
  #lines = [];
  #marks = [];
  #range = null;
  #readout = h("p", { class: "readout" });
  #place = h("div", { class: "plot", role: "img" });
  #none = h("p", { class: "empty small" });
  #observer;
  #title;
  #sync;
  #onZoom;
  #onReset;

  /** `heading`: elements beside the title. `sync`: charts of the same name share their cursor. */
  constructor({ title, heading = null, sync, onZoom, onReset, signal }) {
    this.#title = title;
    this.#sync = sync;
    this.#onZoom = onZoom;
    this.#onReset = onReset;
    this.element = h("figure", { class: "chart" },
      h("figcaption", null, title ? h("h3", null, title, heading) : null, this.#readout), this.#place, this.#none);
    this.#observer = new ResizeObserver(() => this.#resize());
    this.#observer.observe(this.#place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#plot?.redraw(false), { signal });
    signal.addEventListener("abort", () => this.destroy());
  }

  destroy() {
    this.#observer.disconnect();
    this.#plot?.destroy();
    this.#plot = null;
  }

  /**
   * `series`: [{label, x, y, look, exact}]; exact ones are not smoothed. A look is {colour, dash,
   * points, stepped}: an index of the colours or "ink", one of the dashes; the others are flags.
   * `range`: [from, to] of x. `marks`: [{x, text}], vertical lines. `tau`: see smooth; 0 for none.
   */
  show({ series, range, marks = [], tau = 0 }) {
    this.#series = series;
    this.#marks = marks;
    this.#range = range;
    const tables = [];
    this.#lines = [];
    for (const one of series) {
      const { x, y } = withoutGaps(one);
      const smoothed = tau > 0 && !one.exact && y.length > 2;
      tables.push([x, y]);
      this.#lines.push({ ...one, faint: smoothed });
      if (smoothed) {
        tables.push([x, smooth(x, y, tau)]);
        this.#lines.push(one);
      }
    }
    const empty = tables.every(([x]) => x.length === 0) || !range || range[0] >= range[1];
    this.#none.hidden = !empty;
    this.#none.textContent = empty ? "Nothing to draw yet." : "";
    this.#place.hidden = empty;
    if (empty) {
      patch(this.#readout);
      return;
    }
    this.#draw(uPlot.join(tables));
    this.#read(null);
  }

  #draw(data) {
    const shape = JSON.stringify(this.#lines.map(({ label, look: l, faint }) => [label, l, faint]));
    if (this.#plot && shape === this.#shape) {
      this.#plot.setData(data);
      return;
    }
    this.#plot?.destroy();
    this.#shape = shape;
    this.#plot = new uPlot(this.#options(), data, this.#place);
  }

  #resize() {
    const width = this.#place.clientWidth;
    if (this.#plot && width > 0 && width !== this.#plot.width) this.#plot.setSize({ width, height: HEIGHT });
  }

  #options() {
    const ink = () => colour("--minor");
    const grid = { stroke: () => colour("--grid"), width: 1 };
    const axis = { stroke: ink, grid, ticks: grid, font: "11px system-ui, sans-serif" };
    return {
      width: Math.max(200, this.#place.clientWidth),
      height: HEIGHT,
      padding: [14, 20, 0, 0],
      legend: { show: false },
      scales: { x: { time: false, range: () => this.#range } },
      axes: [
        { ...axis, size: 28, values: (_u, ticks) => ticks.map((t) => format.steps(t)) },
        { ...axis, size: 54, values: (_u, ticks) => ticks.map((t) => format.figure(t)) },
      ],
      series: [{}, ...this.#lines.map((line) => this.#lineOptions(line))],
      cursor: {
        y: false,
        points: { size: 7 },
        drag: { x: true, y: false, setScale: false },
        sync: { key: this.#sync, filters: { pub: (type) => type === "mousemove" || type === "mouseleave" } },
        dataIdx: (u, seriesIndex, hovered) =>
          seriesIndex === 0 ? hovered : (nearest(u.data[seriesIndex], hovered) ?? hovered),
        bind: { dblclick: () => () => this.#onReset?.() },
      },
      hooks: {
        draw: [(u) => this.#drawMarks(u)],
        setCursor: [(u) => this.#read(u.cursor.idx ?? null)],
        setSelect: [(u) => this.#zoomToSelection(u)],
      },
    };
  }

  #lineOptions(line) {
    return {
      stroke: () => strokeOf(line.look),
      width: line.faint ? 1 : 1.8,
      alpha: line.faint ? 0.3 : 1,
      dash: DASHES[line.look.dash],
      spanGaps: true,
      paths: line.look.stepped ? uPlot.paths.stepped({ align: -1 }) : undefined,
      points: line.look.points && !line.faint
        ? { show: true, size: 6, fill: () => strokeOf(line.look) }
        : { show: false },
    };
  }

  #zoomToSelection(u) {
    const { left, width } = u.select;
    if (width < 4) return;
    const from = u.posToVal(left, "x");
    const to = u.posToVal(left + width, "x");
    u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    this.#onZoom?.([from, to]);
  }

  #drawMarks(u) {
    const { ctx } = u;
    const scale = devicePixelRatio;
    ctx.save();
    ctx.font = `${10 * scale}px system-ui, sans-serif`;
    ctx.textAlign = "left";
    ctx.textBaseline = "alphabetic";
    ctx.fillStyle = colour("--minor");
    ctx.strokeStyle = colour("--minor");
    ctx.lineWidth = scale;
    ctx.setLineDash([2 * scale, 3 * scale]);
    let free = 0; // where the next mark's word may begin
    for (const { x, text } of this.#marks) {
      if (x < this.#range[0] || x > this.#range[1]) continue;
      const at = Math.round(u.valToPos(x, "x", true));
      ctx.beginPath();
      ctx.moveTo(at, u.bbox.top);
      ctx.lineTo(at, u.bbox.top + u.bbox.height);
      ctx.stroke();
      const width = ctx.measureText(text).width;
      if (at < free || at + width > ctx.canvas.width) continue;
      ctx.fillText(text, at, u.bbox.top - 3 * scale);
      free = at + width + 6 * scale;
    }
    ctx.restore();
  }

  // What the chart shows in words: at the cursor, or else the last values.
  #read(index) {
    if (!this.#plot) return;
    const { data } = this.#plot;
    const at = index ?? data[0].length - 1;
    const values = this.#lines.map((line, i) => {
      const found = nearest(data[i + 1], at);
      return { line, value: found === null ? null : data[i + 1][found] };
    }).filter(({ line }) => !line.faint);
    patch(this.#readout,
      h("span", { class: "minor" }, index === null ? "latest" : `at ${format.whole(data[0][at])}`),
      values.map(({ line, value }) => h("span", { class: "reading" },
        swatch(line), this.#series.length > 1 ? `${line.label} ` : "", h("b", null, format.figure(value)))));
    if (index === null) {
      const said = values.map(({ line, value }) => `${line.label} ${format.figure(value)}`).join(", ");
      this.#place.setAttribute("aria-label",
        `${this.#title}, steps ${format.steps(this.#range[0])} to ${format.steps(this.#range[1])}. Latest: ${said}.`);
    }
  }
}
