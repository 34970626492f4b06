// Starts a run, or takes one up again.

import { api } from "./api.js";
import { openDialog } from "./dialog.js";
import { announce, h, patch } from "./dom.js";
import { runAddress } from "./states.js";

/** {"section.key": "value"} of lines "section.key = value"; throws the first line that is none. */
export function parseOverrides(text) {
  const overrides = {};
  for (const line of text.split("\n")) {
    const trimmed = line.trim();
    if (!trimmed || trimmed.startsWith(";") || trimmed.startsWith("#")) continue;
    const match = /^([^=]*[^=\s.][.][^=.\s]+)\s*=\s*(.*)$/.exec(trimmed);
    if (!match) throw new Error(`“${trimmed}” is not section.key = value.`);
    overrides[match[1].trim()] = match[2];
  }
  return overrides;
}

/** The settings that a run's command changes, as lines; run.name and run.device are fields of their own. */
function overridesOf({ command, seed }) {
  const lines = [];
  command?.forEach((word, i) => {
    if (word === "--set" && command[i + 1]) lines.push(command[i + 1]);
    else if (word.startsWith("--set=")) lines.push(word.slice("--set=".length));
    else if (word === "--device" && command[i + 1]) lines.push(`run.device=${command[i + 1]}`);
    else if (word.startsWith("--device=")) lines.push(`run.device=${word.slice("--device=".length)}`);
  });
  // With --seeds it is one of them.
  if (seed !== null && command?.some((word) => /^--seeds?(=|$)/.test(word))) lines.push(`run.seed=${seed}`);
  const device = lines.findLast((line) => line.startsWith("run.device="));
  return {
    text: lines.filter((line) => !/^run\.(name|device)=/.test(line)).join("\n"),
    device: device?.slice("run.device=".length) ?? "",
  };
}

/** Which of the curricula the run was started with: by the file's path, else by the run's name. */
function curriculumOf(run, curricula) {
  const path = run.curriculum ?? "";
  const byPath = curricula
    .filter((one) => path === one.path || path.endsWith(`/${one.path}`))
    .sort((a, b) => b.path.length - a.path.length);
  return byPath[0] ?? curricula.find((one) => one.run === run.name) ?? null;
}

const RESUME = [
  ["stage", "after the last complete stage"],
  ["latest", "in the middle of a stage, from the latest state"],
];

const field = (id, label, input, hint) => h("div", { class: "field" },
  h("label", { for: id }, label), input,
  hint ? h("p", { class: "minor", id: `${id}-hint` }, hint) : null);

function inputs({ run, archive }) {
  const config = h("select", { id: "start-config", required: true, "aria-describedby": "start-config-hint" });
  const name = h("input", { id: "start-name", spellcheck: "false", autocomplete: "off", placeholder: "as the curriculum says", "aria-describedby": "start-name-hint" });
  const device = h("input", { id: "start-device", list: "start-devices", placeholder: "as the curriculum says", spellcheck: "false" });
  const rules = archive ? [[archive.path, `from ${archive.name}`], ...RESUME] : RESUME;
  const resume = h("select", { id: "start-resume" }, rules.map(([value, text]) => h("option", { value }, text)));
  const overrides = h("textarea", { id: "start-overrides", rows: 3, spellcheck: "false", placeholder: "ppo.learning_rate = 1e-4", "aria-describedby": "start-overrides-hint" });
  const stage = h("input", { id: "start-stage", type: "number", min: 1, step: 1, placeholder: "all stages" });
  const accept = h("input", { id: "start-accept", type: "checkbox" });
  if (run) {
    name.value = run.id;
    const last = overridesOf(run);
    overrides.value = last.text;
    device.value = last.device;
    resume.value = archive ? archive.path : "latest";
  }
  return { config, name, device, resume, overrides, stage, accept };
}

function bodyOf({ config, name, device, resume, overrides, stage, accept }) {
  const body = { config_path: config.value, checkpoint_path: resume.value };
  if (name.value.trim()) body.run_name = name.value.trim();
  if (device.value.trim()) body.device = device.value.trim();
  const changed = parseOverrides(overrides.value);
  if (Object.keys(changed).length) body.overrides = changed;
  if (stage.value) body.stop_after_stage = Number(stage.value);
  if (accept.checked) body.accept_changes = true;
  return body;
}

function content(all, problem, hint) {
  return [
    field("start-config", "Curriculum", all.config, hint),
    field("start-name", "Run name", all.name, "Also its folder. A run of that name goes on; another name begins another run."),
    field("start-resume", "Where there is something to resume, go on", all.resume),
    h("details", { class: "more" }, h("summary", null, "More"),
      field("start-overrides", "Settings to change", all.overrides, "One section.key = value a line."),
      field("start-device", "Device", all.device),
      h("datalist", { id: "start-devices" }, ["auto", "cpu", "cuda", "cuda:0"].map((value) => h("option", { value }))),
      field("start-stage", "Stop after stage", all.stage),
      h("p", null, h("label", null, all.accept, " go on although settings of complete stages have changed"))),
    problem,
  ];
}

async function fillCurricula(all, hint, run, fail) {
  try {
    const { curricula } = await api.curricula();
    const own = run ? curriculumOf(run, curricula) : null;
    patch(all.config, curricula.map(({ path, run: name, problem }) => h("option", { value: path, disabled: Boolean(problem) },
      problem ? `${path} – cannot be read` : `${path}${name ? ` (${name})` : ""}`)));
    const first = own ?? curricula.find(({ problem }) => !problem);
    if (first) all.config.value = first.path;
    const say = () => {
      const one = curricula.find(({ path }) => path === all.config.value);
      hint.textContent = one ? `${one.stages.length} stages: ${one.stages.join(", ")}` : "";
      all.name.placeholder = one?.run ?? "as the curriculum says";
    };
    all.config.onchange = say;
    say();
    if (!curricula.length) fail("There is no curriculum (*.ini) in the curricula folder.");
    else if (run && !own) fail(`None of the curricula is the one that ${run.name} was started with (${run.curriculum ?? "unknown"}): choose one.`);
  } catch (error) {
    fail(error.message);
  }
}

/** Opens the dialog; `run` and `archive`: what to take up again. */
export function openStartDialog({ run = null, archive = null } = {}) {
  const all = inputs({ run, archive });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const hint = h("span");
  const fail = (text) => {
    problem.textContent = text;
    problem.hidden = !text;
  };
  openDialog({
    title: run ? `Resume ${run.name}` : "Start a run",
    content: content(all, problem, hint),
    submit: run ? "Resume" : "Start",
    async onSubmit(form, dialog) {
      fail("");
      const button = form.querySelector("button[type=submit]");
      button.disabled = true;
      form.setAttribute("aria-busy", "true");
      try {
        const { run: started } = await api.start(bodyOf(all));
        dialog.close();
        announce(`${started.name}: ${started.state === "running" ? "training has begun" : (started.message ?? started.state)}`, "good");
        location.hash = runAddress(started.id);
      } catch (error) {
        fail(error.exitCode === undefined || error.exitCode === null ? error.message : `${error.message} (exit code ${error.exitCode})`);
      } finally {
        button.disabled = false;
        form.removeAttribute("aria-busy");
      }
    },
  });
  fillCurricula(all, hint, run, fail);
  (run ? document.querySelector("dialog[open] button[type=submit]") : all.config).focus();
}
