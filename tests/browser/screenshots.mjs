// Pictures of every view, at the sizes and in the colours that people have: for docs/service.md,
// and to be looked at.

import fs from "node:fs";
import path from "node:path";
import { openPage, SIZES } from "./browser.mjs";

const VIEWS = {
  list: async (page) => {
    await page.locator("tbody tr").nth(2).waitFor();
  },
  run: async (page) => {
    await page.locator(".band").first().waitFor();
    await page.locator("canvas").nth(4).waitFor();
  },
  curves: async (page) => {
    await page.locator("canvas").nth(4).waitFor();
    await page.locator("#curves").scrollIntoViewIfNeeded();
    await page.evaluate(() => document.getElementById("curves").scrollIntoView());
  },
  compare: async (page) => {
    await page.locator("canvas").waitFor();
    await page.getByRole("table", { name: "Settings that differ" }).locator("tbody tr").first().waitFor();
  },
  start: async (page) => {
    await page.locator("tbody tr").first().waitFor();
    await page.keyboard.press("n");
    await page.locator("dialog option[value='coast.ini']").waitFor({ state: "attached" });
  },
};

const ADDRESSES = {
  list: "#/", run: "#/run/harbour", curves: "#/run/harbour", compare: "#/compare/coast,harbour", start: "#/",
};

/** service-VIEW-SIZE-SCHEME.png in that folder, with a run going on. */
export async function takeScreenshots(browser, server, folder) {
  fs.mkdirSync(folder, { recursive: true });
  const starter = await openPage(browser, server);
  await starter.goto(`${server.address}#token=${server.token}`);
  await starter.goto(`${server.address}#/run/harbour`);
  await starter.getByRole("button", { name: "Resume", exact: true }).click();
  await starter.locator("dialog option[value='harbour.ini']").waitFor({ state: "attached" });
  await starter.locator("dialog button[type=submit]").click();
  await starter.locator(".run-header .badge", { hasText: "running" }).waitFor();
  await starter.waitForTimeout(20000); // so that its curves have something to show
  for (const size of Object.keys(SIZES)) {
    for (const scheme of ["light", "dark"]) {
      const page = await openPage(browser, server, { size, scheme });
      for (const [view, ready] of Object.entries(VIEWS)) {
        await page.goto("about:blank");
        await page.goto(`${server.address}${ADDRESSES[view]}`);
        await ready(page);
        await page.waitForTimeout(1000);
        await page.screenshot({ path: path.join(folder, `service-${view}-${size}-${scheme}.png`) });
      }
      await page.context().close();
    }
  }
}
