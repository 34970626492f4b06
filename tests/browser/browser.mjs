// Chromium, and pages that note whatever should not happen on them.

import { createRequire } from "node:module";
import path from "node:path";

const require = createRequire(path.join(process.env.AFT_BUILD_DIR, "tests/browser/package.json"));
const { chromium } = require("playwright-core");

const WAIT_MS = 120 * 1000; // for what a loaded machine does late

export const SIZES = {
  desktop: { width: 1280, height: 900 },
  phone: { width: 390, height: 844 },
};

export async function launch() {
  return chromium.launch({
    executablePath: process.env.AFT_CHROMIUM,
    handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false, // the test ends in order
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
}

/** Those that were opened, for what is told of a failure. */
export const pages = [];

/**
 * A page in a fresh profile. `page.complaints` has errors, warnings of the console, violations of
 * the content security policy and requests to other hosts. Answers that a step provokes are logged
 * by Chromium as errors too: they are noted in `page.refusals`, as "status method path".
 */
export async function openPage(browser, server, { size = "desktop", scheme = "light", clipboard = true } = {}) {
  const context = await browser.newContext({
    viewport: SIZES[size], colorScheme: scheme, reducedMotion: "reduce", locale: "en-GB",
  });
  if (clipboard) await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: server.address });
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT_MS);
  pages.push(page);
  page.complaints = [];
  page.refusals = [];
  page.on("pageerror", (error) => page.complaints.push(`error: ${error.stack}`));
  page.on("console", (message) => {
    if (!["error", "warning"].includes(message.type())) return;
    if (/^Failed to load resource/.test(message.text())) return; // told by the answer itself
    page.complaints.push(`console: ${message.text()}`);
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(server.address)) page.complaints.push(`a request to ${request.url()}`);
    if (request.url().includes(server.token)) page.complaints.push(`the token in ${request.url()}`);
  });
  page.on("response", (response) => {
    if (response.status() < 400) return;
    const { pathname } = new URL(response.url());
    page.refusals.push(`${response.status()} ${response.request().method()} ${pathname}`);
  });
  await context.exposeBinding("noteViolation", (_source, text) => page.complaints.push(text));
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      window.noteViolation(`policy: ${event.violatedDirective} forbids ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
    });
  });
  return page;
}
