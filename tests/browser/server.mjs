// The server under test: the command itself, in folders of its own.

import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const PROGRAM = path.join(process.env.AFT_BUILD_DIR, "aftershock");

const COMMON = `
[environment]
n_envs = 16
episode_s = 6
[ground_motion]
distance_km = 5
[evaluation]
motions = 4
tail_s = 2
references = tuned
`;

// coast ends by itself, harbour has to be stopped, ridge cannot pass its gate.
const CURRICULA = {
  "coast.ini": `[run]
name = coast
seed = 3
threads = 1
${COMMON}every_steps = 16000
[ppo]
network = 16,16
n_steps = 50
batch_size = 200
[stage M4.5@50kN]
timesteps = 64000
[stage M5.7@100kN]
timesteps = 64000
`,
  "harbour.ini": `[run]
name = harbour
seed = 7
threads = 1
${COMMON}every_steps = 40000
[ppo]
network = 64,64
n_steps = 50
batch_size = 200
n_epochs = 8
[recovery]
checkpoint_every_s = 5
[stage M4.5@50kN]
timesteps = 100000
[stage M5.7@100kN]
timesteps = 90000000
`,
  "ridge.ini": `[run]
name = ridge
seed = 5
threads = 1
${COMMON}[ppo]
network = 16,16
n_steps = 50
batch_size = 200
[gate]
max_drift_ratio = 0.01
max_attempts = 2
[stage M5.7@100kN]
timesteps = 32000
[stage M7.4@150kN]
timesteps = 32000
`,
  "unfinished.ini": "[run]\nname = unfinished\n[stage M4.5@50kN\n",
};

export class Server {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "aftershock-browser-"));
  models = path.join(this.folder, "models");
  token = "a-token-for-the-browsers-test-0123456789";
  port = 0;
  #process = null;

  constructor() {
    const curricula = path.join(this.folder, "curricula");
    fs.mkdirSync(curricula);
    for (const [name, text] of Object.entries(CURRICULA)) {
      fs.writeFileSync(path.join(curricula, name), text);
    }
  }

  get address() {
    return `http://127.0.0.1:${this.port}/`;
  }

  /** Begins to serve, on the port that it had before. */
  async start() {
    this.#process = spawn(PROGRAM, ["serve", "--models", this.models, "--curricula",
      path.join(this.folder, "curricula"), "--port", String(this.port),
      "--index", path.join(this.folder, "index.sqlite")], {
      cwd: this.folder,
      env: { ...process.env, AFTERSHOCK_TOKEN: this.token },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let said = "";
    for await (const text of this.#process.stdout) {
      said += text;
      const match = /http:\/\/[^/\s]+:(\d+)\//.exec(said);
      if (match) {
        this.port = Number(match[1]);
        this.#process.stdout.resume();
        return;
      }
    }
    throw new Error(`the server ended: ${said}`);
  }

  async stop(signal = "SIGTERM") {
    const process = this.#process;
    this.#process = null;
    if (!process || process.exitCode !== null) return;
    const ended = new Promise((resolve) => { process.once("exit", resolve); });
    process.kill(signal);
    await ended;
  }

  async get(name) {
    const response = await fetch(`${this.address}api/${name}`);
    if (!response.ok) throw new Error(`${name}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  /** Ends what is still going on, and removes the folders. */
  async clear() {
    for (const entry of fs.existsSync(this.models) ? fs.readdirSync(this.models) : []) {
      try {
        const file = path.join(this.models, entry, "heartbeat.json");
        const { exit_code: code, process: { pid } } = JSON.parse(fs.readFileSync(file, "utf8"));
        // That of a run that was killed may belong to another process since.
        const ours = fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(this.folder);
        if (code === null && ours) process.kill(pid, "SIGKILL");
      } catch {
        // It has none, or has ended.
      }
    }
    await this.stop();
    await sleep(300); // a worker dies with its keeper, not at the same instant
    fs.rmSync(this.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}
