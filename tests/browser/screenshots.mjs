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
  list: "#/", run: "#/run/tower", curves: "#/run/tower", compare: "#/compare/tower,coast", start: "#/",
};

const TOWER = `[run]
name = tower
seed = 11
threads = 1
[environment]
n_envs = 16
episode_s = 8
[ground_motion]
distance_km = 5
[ppo]
network = 128,128
n_steps = 64
batch_size = 256
n_epochs = 10
learning_rate = 4e-4
final_learning_rate = 4e-5
[evaluation]
motions = 8
tail_s = 2
every_steps = 40000
references = tuned
[recovery]
checkpoint_every_s = 10
[stage M4.5@50kN]
timesteps = 200000
[stage M5.7@100kN]
timesteps = 200000
[stage M7.4@130kN]
timesteps = 500000
[stage M8.4@150kN]
timesteps = 500000
`;

// A run with a story: interrupted in its second stage and resumed, in its third when looked at.
async function trainTower(browser, server) {
  fs.writeFileSync(path.join(server.folder, "curricula", "tower.ini"), TOWER);
  const page = await openPage(browser, server);
  const inStage = (stage) => page.locator(".run-progress p", { hasText: `stage ${stage}` }).waitFor();
  await page.goto(`${server.address}#token=${server.token}`);
  await page.getByRole("button", { name: "Start a run" }).click();
  await page.getByLabel("Curriculum").selectOption("tower.ini");
  await page.locator("dialog button[type=submit]").click();
  await inStage(2);
  await page.waitForTimeout(5000);
  await page.getByRole("button", { name: "Stop", exact: true }).click();
  await page.getByRole("button", { name: "Stop it" }).click();
  await page.getByRole("button", { name: "Resume", exact: true }).click();
  await page.getByLabel("Curriculum").and(page.locator(":has(option[value='tower.ini'])")).waitFor();
  await page.locator("dialog button[type=submit]").click();
  await inStage(3);
  await page.waitForTimeout(15000);
  await page.context().close();
}

/** service-VIEW-SIZE-SCHEME.png in that folder, with a run going on. */
export async function takeScreenshots(browser, server, folder) {
  fs.mkdirSync(folder, { recursive: true });
  await trainTower(browser, server);
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
