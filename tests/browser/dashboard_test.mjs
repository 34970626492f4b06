// The dashboard as people use it: runs are started, watched, stopped, resumed, killed and compared
// in a browser, over the real server and real training.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { launch, openPage, pages } from "./browser.mjs";
import { takeScreenshots } from "./screenshots.mjs";
import { Server } from "./server.mjs";

const badge = (page, word) => page.locator(".run-header .badge", { hasText: word });
const announced = (page, text) => page.locator("#announcement", { hasText: text });
const dialog = (page) => page.locator("dialog[open]");

async function openRun(page, server, id) {
  await page.goto(`${server.address}#/run/${id}`);
  await page.locator(".run-header h1", { hasText: id }).waitFor();
}

/** Waits until `read` gives something else than it does now. */
async function changes(page, read, what) {
  const before = await read();
  for (let i = 0; i < 1200; i += 1) {
    if ((await read()) !== before) return;
    await page.waitForTimeout(100);
  }
  assert.fail(`${what} did not change from: ${before}`);
}

const steps = {
  async token_is_taken_from_the_address(page, server) {
    await page.goto(`${server.address}#token=${server.token}`);
    await page.locator(".empty", { hasText: "There are no runs yet" }).waitFor();
    assert.equal(page.url(), `${server.address}#/`);
    assert.equal(await page.evaluate(() => JSON.stringify(localStorage)), "{}");
  },

  async run_is_started_from_the_page(page) {
    await page.getByRole("button", { name: "Start a run" }).click();
    const form = dialog(page);
    await form.locator("option[value='unfinished.ini'][disabled]").waitFor({ state: "attached" });
    await form.getByLabel("Curriculum").selectOption("harbour.ini");
    await form.getByText("2 stages: M4.5@50kN, M5.7@100kN").waitFor();
    await form.getByText("More").click();
    await form.getByLabel("Settings to change").fill("ppo.no_such_key = 1");
    await form.getByRole("button", { name: "Start" }).click();
    await form.getByRole("alert").filter({ hasText: "no_such_key" }).waitFor();
    await form.getByLabel("Settings to change").fill("; nothing but one\nppo.gamma = 0.98\n");
    await form.getByLabel("Device").fill("cpu");
    await form.getByRole("button", { name: "Start" }).click();
    await badge(page, "running").waitFor();
    assert.match(page.url(), /#\/run\/harbour$/);
  },

  async progress_and_curves_move(page) {
    await changes(page, () => page.locator(".run-progress p").innerText(), "progress");
    const plot = page.locator(".chart", { hasText: "Return" }).locator(".plot");
    await plot.locator("canvas").waitFor();
    await changes(page, () => plot.getAttribute("aria-label"), "the curve of returns");
    for (const title of ["Drift ratio", "KL divergence", "Learning rate", "Steps per second"]) {
      await page.locator(".chart", { hasText: title }).locator("canvas").waitFor();
    }
  },

  async checkpoint_is_written(page) {
    await page.getByRole("button", { name: "Checkpoint", exact: true }).click();
    await announced(page, "is safe").waitFor();
    await page.locator("section[aria-labelledby=checkpoints] tr", { hasText: "valid" }).first().waitFor();
  },

  async run_is_stopped_after_a_question(page, server) {
    await page.getByRole("button", { name: "Stop", exact: true }).click();
    await dialog(page).getByRole("button", { name: "Cancel" }).click();
    assert.equal((await server.get("training-runs")).runs[0].state, "running");
    await page.getByRole("button", { name: "Stop", exact: true }).click();
    await dialog(page).getByRole("button", { name: "Stop it" }).click();
    await badge(page, "interrupted").waitFor();
    await page.locator("section[aria-labelledby=checkpoints] tr", { hasText: "INTERRUPTED" }).waitFor();
    await page.locator(".track .mark[aria-label^=interrupted]").waitFor();
  },

  async resume_command_is_copied_and_true(page, server) {
    const copied = async (button) => {
      await page.evaluate(() => navigator.clipboard.writeText(""));
      await button.click();
      await announced(page, "Copied the resume command").waitFor();
      return page.evaluate(() => navigator.clipboard.readText());
    };
    const run = await server.get("training-runs/harbour");
    assert.equal(await copied(page.getByRole("button", { name: "Copy resume command", exact: true })), run.resume_command);
    const archive = run.checkpoint_paths.find(({ kind, valid }) => kind === "interrupted" && valid);
    const command = await copied(page.getByRole("button", { name: `Copy the command that resumes from ${archive.name}` }));
    assert.equal(command, archive.resume_command);
    const said = execFileSync("sh", ["-c", `${command} --dry-run`], { encoding: "utf8", cwd: "/" });
    assert.match(said, new RegExp(archive.name.replaceAll(".", "\\.")));
  },

  async run_is_resumed_from_the_page(page, server) {
    const before = await server.get("training-runs/harbour");
    await page.getByRole("button", { name: "Resume", exact: true }).click();
    const form = dialog(page);
    await form.locator("option[value='harbour.ini']").waitFor({ state: "attached" });
    assert.equal(await form.getByLabel("Curriculum").inputValue(), "harbour.ini");
    assert.equal(await form.getByLabel("Run name").inputValue(), "harbour");
    await form.getByText("More").click();
    assert.equal((await form.getByLabel("Settings to change").inputValue()).trim(), "ppo.gamma=0.98");
    assert.equal(await form.getByLabel("Device").inputValue(), "cpu");
    await form.getByRole("button", { name: "Resume" }).click();
    await badge(page, "running").waitFor();
    await page.locator(".track .mark[aria-label^=resumed]").waitFor();
    const after = await server.get("training-runs/harbour");
    assert.equal(after.sessions.length, 2);
    assert.equal(after.sessions[1].start_step, before.total_steps);
  },

  async curves_zoom_by_dragging_and_by_buttons(page) {
    const shown = page.locator("#zoom-range");
    const plot = page.locator(".chart", { hasText: "KL divergence" }).locator(".u-over");
    await plot.scrollIntoViewIfNeeded();
    const { x, y, width, height } = await plot.boundingBox();
    const asked = page.waitForRequest((request) => /\/metrics\?.*from=\d+&to=\d+/.test(request.url()));
    await page.mouse.move(x + width * 0.3, y + height / 2);
    await page.mouse.down();
    await page.mouse.move(x + width * 0.6, y + height / 2, { steps: 5 });
    await page.mouse.up();
    await asked;
    await shown.filter({ hasText: /^steps .* to / }).waitFor();
    await page.mouse.dblclick(x + width / 2, y + height / 2);
    await shown.filter({ hasText: "all steps" }).waitFor();
    await page.getByRole("button", { name: "Zoom in" }).click();
    await shown.filter({ hasText: /^steps .* to / }).waitFor();
    await page.keyboard.press("0");
    await shown.filter({ hasText: "all steps" }).waitFor();
    await page.getByLabel("Smoothing").fill("50");
    await page.getByLabel("Add a curve").selectOption("train/value_loss");
    await page.locator(".chart", { hasText: "train/value_loss" }).locator("canvas").waitFor();
    await page.getByRole("button", { name: "Remove train/value_loss" }).click();
    assert.equal(await page.locator(".chart", { hasText: "train/value_loss" }).count(), 0);
  },

  async killed_run_is_shown_as_died(page, server) {
    const { pid } = await server.get("training-runs/harbour");
    const killed = Date.now();
    process.kill(pid, "SIGKILL");
    await badge(page, "died").waitFor();
    console.log(`  shown ${((Date.now() - killed) / 1000).toFixed(1)} s after it was killed`);
    await page.locator(".track .mark[aria-label^=died]").waitFor();
    await page.locator(".story li", { hasText: "without a word" }).waitFor();
  },

  async seed_of_the_command_line_is_kept(page, server) {
    const program = path.join(process.env.AFT_BUILD_DIR, "aftershock");
    execFileSync(program, ["train", path.join(server.folder, "curricula", "coast.ini"), "--models", server.models,
      "--run-name", "seeded", "--seed", "9", "--stop-after-stage", "1", "--progress", "none"], { stdio: "ignore" });
    await openRun(page, server, "seeded");
    await page.getByRole("button", { name: "Resume", exact: true }).click();
    await dialog(page).getByText("More").click();
    assert.equal((await dialog(page).getByLabel("Settings to change").inputValue()).trim(), "run.seed=9");
    await dialog(page).getByRole("button", { name: "Cancel" }).click();
    await openRun(page, server, "harbour");
    fs.rmSync(path.join(server.models, "seeded"), { recursive: true });
  },

  async token_is_asked_for(page, server, browser) {
    const other = await openPage(browser, server);
    await other.goto(server.address);
    await other.getByRole("link", { name: "harbour" }).waitFor();
    await other.keyboard.press("n");
    await dialog(other).locator("option[value='ridge.ini']").waitFor({ state: "attached" });
    await dialog(other).getByLabel("Curriculum").selectOption("ridge.ini");
    await dialog(other).getByRole("button", { name: "Start" }).click();
    await other.getByLabel("Token", { exact: true }).fill("not the token");
    await other.keyboard.press("Enter");
    await other.getByText("does not take the token").waitFor();
    await other.getByLabel("Token", { exact: true }).fill(server.token);
    await other.keyboard.press("Enter");
    await other.locator(".run-header h1", { hasText: "ridge" }).waitFor();
    await badge(other, "failed").waitFor();
    await other.locator(".track .mark[aria-label^=gate]").first().waitFor();
    assert.deepEqual(other.complaints, []);
    assert.ok(other.refusals.every((refusal) => refusal === "401 POST /api/training/start"), other.refusals);
    await other.context().close();
  },

  async keyboard_alone_starts_and_compares(page, server) {
    await page.goto(`${server.address}#/`);
    await page.getByRole("link", { name: "harbour" }).waitFor();
    await page.keyboard.press("?");
    await dialog(page).getByText("write a checkpoint").waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("n");
    await dialog(page).locator("option[value='coast.ini']").waitFor({ state: "attached" });
    await page.keyboard.type("coast"); // a list chooses what is typed
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter"); // in a field: the form is sent
    await badge(page, "complete").waitFor();
    await page.keyboard.press("l");
    await page.getByRole("heading", { name: "Runs" }).waitFor();
    for (const name of ["coast", "harbour"]) {
      await page.keyboard.press("/");
      await page.keyboard.press("Control+A");
      await page.keyboard.type(name);
      await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1);
      await tabTo(page, `Compare ${name}`);
      await page.keyboard.press("Space");
    }
    await page.keyboard.press("/");
    await tabTo(page, "Compare 2 runs");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Compare 2 runs" }).waitFor();
  },

  async two_runs_are_compared(page) {
    await page.locator(".readout .reading", { hasText: "coast" }).waitFor();
    await page.locator(".readout .reading", { hasText: "harbour" }).waitFor();
    const table = page.getByRole("table", { name: "Summaries" });
    await table.getByText("complete").waitFor();
    await table.getByText("died").waitFor();
    const differ = page.getByRole("table", { name: "Settings that differ" });
    await differ.locator("tr", { hasText: "ppo.network" }).waitFor();
    assert.equal(await differ.locator("tr", { hasText: "ppo.n_steps" }).count(), 0);
    await page.getByLabel("Curve", { exact: true }).selectOption("train/approx_kl");
    await page.locator(".plot[aria-label*=coast]").waitFor();
  },

  async settings_differ_from_another_run(page, server) {
    await openRun(page, server, "harbour");
    await page.getByLabel("Difference from").selectOption("coast");
    const table = page.getByRole("table", { name: "Settings that differ from coast's" });
    await table.locator("tr", { hasText: "ppo.gamma" }).waitFor();
    await page.locator("#filter-settings").fill("gamma");
    await page.waitForFunction(() => document.querySelectorAll(".settings tbody tr").length === 1);
  },

  async text_of_runs_stays_text(page, server) {
    const words = "<img src=x onerror=alert(1)><b>bold</b>";
    const events = path.join(server.models, "coast", "events.jsonl");
    const last = JSON.parse(fs.readFileSync(events, "utf8").trim().split("\n").at(-1));
    const line = { ...last, seq: last.seq + 1, event: "incident", message: words };
    await openRun(page, server, "coast");
    fs.appendFileSync(events, `${JSON.stringify(line)}\n`);
    await page.locator(".story li").filter({ hasText: words }).waitFor();
    assert.equal(await page.locator("main img, .story b:text-is('bold')").count(), 0);
  },

  async lost_server_is_said_and_found_again(page, server) {
    await server.stop("SIGKILL");
    await page.getByText("Disconnected since").waitFor();
    await server.start();
    await page.getByText("Disconnected since").waitFor({ state: "hidden" });
    await page.goto(`${server.address}#/run/no-such-run`);
    await page.getByText("There is no run").waitFor();
  },

  async runs_are_shown_where_the_stream_is_refused(_page, server, browser) {
    const page = await openPage(browser, server);
    const detail = "there are as many listeners as there may be";
    await page.route("**/api/events", (route) => route.fulfill({
      status: 503, contentType: "application/problem+json", body: JSON.stringify({ status: 503, detail }),
    }));
    await page.goto(server.address);
    await page.getByRole("link", { name: "harbour" }).waitFor();
    await page.locator("#connection", { hasText: detail }).waitFor();
    await page.unroute("**/api/events");
    await page.getByRole("button", { name: "Try now" }).click();
    await page.locator("#connection").waitFor({ state: "hidden" });
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  },

  async phone_needs_no_sideways_scrolling(_page, server, browser) {
    const phone = await openPage(browser, server, { size: "phone", scheme: "dark" });
    await phone.setViewportSize({ width: 360, height: 740 });
    const long = "a_name_without_end_".repeat(6);
    fs.cpSync(path.join(server.models, "coast"), path.join(server.models, long), { recursive: true });
    await phone.goto(server.address);
    await phone.locator(`tr[data-key=${long}]`).waitFor();
    for (const view of ["", "run/harbour", "run/ridge", `run/${long}`, `compare/${long},harbour`]) {
      await phone.goto(`${server.address}#/${view}`);
      await phone.locator("main h1").waitFor();
      await phone.locator("main table tbody tr").first().waitFor();
      if (view) await phone.locator("main canvas").first().waitFor();
      const width = await phone.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(width <= 360, `#/${view} is ${width} wide`);
    }
    assert.deepEqual([...phone.complaints, ...phone.refusals], []);
    await phone.context().close();
  },
};

/** Presses Tab until what has the focus is called that. */
async function tabTo(page, name) {
  for (let i = 0; i < 60; i += 1) {
    await page.keyboard.press("Tab");
    const focused = await page.evaluate(() => {
      const element = document.activeElement;
      return element.getAttribute("aria-label") ?? element.textContent.trim();
    });
    if (focused === name) return;
  }
  assert.fail(`Tab does not come to '${name}'`);
}

const EXPECTED = [/^4(09|22) POST \/api\/training\/start$/, /^404 GET \/api\/training-runs\/no-such-run/];

const server = new Server();
let browser = null;
// Out of time or given up by who started it: nothing goes on behind its back.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.once(signal, async () => {
    await server.clear().catch(console.error);
    await browser?.close().catch(console.error);
    process.exit(1);
  });
}
try {
  browser = await launch();
  await server.start();
  const page = await openPage(browser, server);
  for (const [name, step] of Object.entries(steps)) {
    console.log(name);
    await step(page, server, browser);
    assert.deepEqual(page.complaints, [], name);
  }
  const unexpected = page.refusals.filter((refusal) => !EXPECTED.some((pattern) => pattern.test(refusal)));
  assert.deepEqual(unexpected, []);
  if (process.env.AFT_SCREENSHOTS) await takeScreenshots(browser, server, process.env.AFT_SCREENSHOTS);
} catch (error) {
  console.error(error);
  for (const [i, open] of pages.entries()) {
    console.error(`page ${i}, ${open.url()}:`, open.complaints, open.refusals);
    if (process.env.AFT_SCREENSHOTS && !open.isClosed()) {
      await open.screenshot({ path: path.join(process.env.AFT_SCREENSHOTS, `failed-${i}.png`) });
    }
  }
  process.exitCode = 1;
} finally {
  await server.clear();
  await browser?.close();
}
