// Requests to the server. The token comes from the address's fragment or is asked for; it is kept
// for this tab only and travels in a header, never in an address.

import { askForToken } from "./token_dialog.js";
import { announce } from "./dom.js";

const STORE = "aftershock-token";

/** What the server said no with: a problem document (RFC 9457). */
export class Problem extends Error {
  constructor(status, document) {
    super(document?.detail || document?.title || `the server answered ${status}`);
    this.status = status;
    this.title = document?.title ?? "";
    this.exitCode = document?.exit_code ?? null;
  }
}

/** Takes the token out of the address "#token=…", which is tidied at once. */
export function takeTokenFromAddress() {
  const match = /^#token=([^&/]+)/.exec(location.hash);
  if (!match) return;
  try {
    sessionStorage.setItem(STORE, decodeURIComponent(match[1]));
  } catch {
    announce("The token in the address cannot be read.", "bad");
  }
  history.replaceState(null, "", `${location.pathname}${location.search}#/`);
}

export function authorization() {
  const token = sessionStorage.getItem(STORE);
  return token ? { Authorization: `Bearer ${token}` } : {};
}

let asking = null;

/** Asks for the token, once for all requests that wait for it. */
export function renewToken() {
  asking ??= askForToken(sessionStorage.getItem(STORE) !== null)
    .then((token) => {
      if (token !== null) sessionStorage.setItem(STORE, token);
      return token !== null;
    })
    .finally(() => {
      asking = null;
    });
  return asking;
}

export async function problemOf(response) {
  let document = null;
  try {
    document = await response.json();
  } catch {
    // A proxy's page, perhaps: the status says enough.
  }
  return new Problem(response.status, document);
}

/** Reads `take(response)` of what is at the path; asks for the token where one is needed. */
async function request(path, options = {}, take = (response) => response.json()) {
  for (;;) {
    const sent = authorization();
    let response;
    try {
      response = await fetch(path, {
        cache: "no-store",
        ...options,
        headers: { Accept: "application/json", ...sent, ...options.headers },
      });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Problem(0, { detail: "The server cannot be reached." });
    }
    if (response.ok) return take(response);
    // Another request may have brought a new token while this one was on its way.
    const renewed = authorization().Authorization !== sent.Authorization;
    if (response.status !== 401 || !(renewed || (await renewToken()))) {
      throw await problemOf(response);
    }
  }
}

const post = (path, body) =>
  request(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });

const id = encodeURIComponent;

/** Whether the server lets anyone look, so that links work, which carry no token. */
export const looksWithoutToken = () =>
  fetch("api/training/status", { method: "HEAD", cache: "no-store" }).then(({ ok }) => ok, () => false);

/** An evaluation report as a Blob. */
export const fetchReport = (run, file) =>
  request(api.reportPath(run, file), { headers: { Accept: "text/html" } }, (response) => response.blob());

export const api = {
  runs: () => request("api/training-runs"),
  run: (run, against) =>
    request(`api/training-runs/${id(run)}${against ? `?against=${id(against)}` : ""}`),
  metrics(run, { names = [], from, to, points } = {}, signal) {
    const query = new URLSearchParams();
    if (names.length) query.set("names", names.join(","));
    if (from !== undefined) query.set("from", String(Math.floor(from)));
    if (to !== undefined) query.set("to", String(Math.ceil(to)));
    if (points !== undefined) query.set("points", String(points));
    return request(`api/training-runs/${id(run)}/metrics?${query}`, { signal });
  },
  reportPath: (run, file) => `api/training-runs/${id(run)}/reports/${id(file)}`,
  status: () => request("api/training/status"),
  curricula: () => request("api/curricula"),
  start: (body) => post("api/training/start", body),
  stop: (run) => post("api/training/stop", { run }),
  checkpoint: (run) => post("api/training/checkpoint", { run }),
};
