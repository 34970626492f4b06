// Numbers, times and words as the command line has them.

import { h } from "./dom.js";

export const NONE = "–";
const known = (value) => typeof value === "number" && Number.isFinite(value);

/** 950, 12.3 k, 3.2 M, 1.25 G */
export function steps(value) {
  if (!known(value)) return NONE;
  const size = Math.abs(value);
  for (const [limit, unit, name] of [[999.5e6, 1e9, "G"], [999.5e3, 1e6, "M"], [999.5, 1e3, "k"]]) {
    if (size < limit) continue;
    const scaled = value / unit;
    const digits = Math.abs(scaled) < 9.995 ? 2 : Math.abs(scaled) < 99.95 ? 1 : 0;
    return `${trimZeros(scaled.toFixed(digits))}\u00a0${name}`;
  }
  return String(Math.round(value));
}

function trimZeros(text) {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** 1,234,567 */
export function whole(value) {
  return known(value) ? Math.round(value).toLocaleString("en-GB") : NONE;
}

/** Four digits that matter: 0.6382, -4.91, 3.2e-4 */
export function figure(value) {
  if (!known(value)) return NONE;
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e6) return value.toExponential(2).replace(/\.?0*e\+?/, "e");
  return String(Number(value.toPrecision(4)));
}

/** A ratio or a score: 0.64 */
export function ratio(value) {
  return known(value) ? value.toFixed(3) : NONE;
}

export function percent(part) {
  return known(part) ? `${(100 * part).toFixed(part < 0.0995 ? 1 : 0)}\u00a0%` : NONE;
}

/** 0:30, 1:02:03, 2d 03:04:05 */
export function duration(seconds) {
  if (!known(seconds) || seconds < 0) return NONE;
  const s = Math.round(seconds);
  const two = (n) => String(n).padStart(2, "0");
  const rest = `${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
  if (s < 3600) return `${Math.floor(s / 60)}:${two(s % 60)}`;
  if (s < 86400) return `${Math.floor(s / 3600)}:${rest}`;
  return `${Math.floor(s / 86400)}d ${two(Math.floor(s / 3600) % 24)}:${rest}`;
}

export function bytes(value) {
  if (!known(value)) return NONE;
  for (const [unit, name] of [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"]]) {
    if (value >= unit) return `${(value / unit).toFixed(value / unit < 10 ? 1 : 0)}\u00a0${name}`;
  }
  return `${value}\u00a0B`;
}

/** A setting's value, as the curriculum has it. */
export function setting(value) {
  const text = Array.isArray(value) ? value.join(",") : String(value);
  return text === "" ? "(empty)" : text;
}

// How far this machine's clock is behind the server's.
let clockOffset_ms = 0;

export function setServerTime(iso) {
  const time = Date.parse(iso);
  if (Number.isFinite(time)) clockOffset_ms = time - Date.now();
}

export function ago(iso) {
  const seconds = Math.max(0, (Date.now() + clockOffset_ms - Date.parse(iso)) / 1000);
  if (!Number.isFinite(seconds)) return NONE;
  if (seconds < 100) return `${Math.round(seconds)} s ago`;
  if (seconds < 6000) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86400)} days ago`;
}

const CLOCK = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit", minute: "2-digit", second: "2-digit",
});
const DAY_AND_CLOCK = new Intl.DateTimeFormat("en-GB", {
  day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit",
  second: "2-digit",
});

export function localTime(iso) {
  const time = new Date(iso);
  if (!Number.isFinite(time.getTime())) return NONE;
  const today = new Date().toDateString() === time.toDateString();
  return (today ? CLOCK : DAY_AND_CLOCK).format(time);
}

/** A <time> in local time, with the exact one in its title. */
export function timeElement(iso) {
  return iso ? h("time", { datetime: iso, title: iso }, localTime(iso)) : NONE;
}

/** A <time> that says how long ago that was; keepAgesFresh makes it go on. */
export function agoElement(iso) {
  return iso
    ? h("time", { datetime: iso, title: `${iso} (${localTime(iso)})`, "data-ago": "" }, ago(iso))
    : NONE;
}

export function keepAgesFresh() {
  setInterval(() => {
    for (const element of document.querySelectorAll("time[data-ago]")) {
      const text = ago(element.dateTime);
      if (element.textContent !== text) element.textContent = text;
    }
  }, 1000);
}
