#!/usr/bin/env python3
"""Drives `aftershock serve` over HTTP, with real runs, and holds its answers against openapi.json.

  serve_test.py AFTERSHOCK SOURCE_DIR

Exit code 0 where all is well. The schemas are checked where python3-jsonschema is installed."""

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

try:
    import jsonschema
except ImportError:
    jsonschema = None

PROGRAM, SOURCE = sys.argv[1:3]
TOKEN = "a-token-of-this-test"
LIMIT_S = 120  # until something that must happen counts as not happening

CURRICULUM = """[run]
name = {name}
seed = 7
[environment]
n_envs = 16
episode_s = 4
[ground_motion]
distance_km = 5
[ppo]
network = 16,16
n_steps = 50
batch_size = 200
n_epochs = 4
[evaluation]
motions = 4
tail_s = 2
[stage M4.5@50kN]
timesteps = {steps}
[stage M5.7@100kN]
timesteps = 24000
"""

with open(os.path.join(SOURCE, "service", "openapi.json"), encoding="utf-8") as file:
    OPENAPI = json.load(file)


def matches(template, path):
    return re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template)), path) is not None


def check_against_schema(method, path, status, kind, document):
    """That openapi.json has the request, and describes the answer."""
    templates = [t for t in OPENAPI["paths"] if matches(t, path) and method in OPENAPI["paths"][t]]
    if not templates:
        assert status in (401, 403, 404, 405), f"{method} {path} is not in openapi.json"
        return
    responses = OPENAPI["paths"][min(templates, key=lambda t: t.count("{"))][method]["responses"]
    response = responses[str(status)] if str(status) in responses else responses["default"]
    schema = response["content"][kind.split(";")[0]]["schema"]
    if jsonschema is not None:
        whole = dict(schema, components=OPENAPI["components"])
        jsonschema.Draft202012Validator(whole).validate(document)


class Server:
    def __init__(self, root, *options, token=TOKEN):
        self.root = root
        self.environment = dict(os.environ, AFTERSHOCK_TOKEN=token,
                                XDG_CACHE_HOME=os.path.join(root, "cache"))
        self.process = subprocess.Popen(
            [PROGRAM, "serve", "--port", "0", "--models", os.path.join(root, "models"),
             "--curricula", os.path.join(root, "curricula"), *options],
            stdout=subprocess.PIPE, text=True, env=self.environment)
        line = self.process.stdout.readline()
        found = re.search(r"http://([^ ]*:(\d+))/", line)
        assert found, f"it did not say where it is: {line!r}"
        self.said = found[1]
        self.port = int(found[2])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(LIMIT_S)
        self.process.stdout.close()

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_S)
        headers = dict(headers or {})
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        kind = answer.headers["Content-Type"] or ""
        connection.close()
        document = json.loads(content) if "json" in kind else content
        if "json" in kind:
            check_against_schema(method.lower(), urllib.parse.urlsplit(path).path, answer.status,
                                 kind, document)
        return answer.status, document

    def get(self, path):
        status, document = self.request("GET", path)
        assert status == 200, (path, status, document)
        return document

    def post(self, path, body, token=TOKEN):
        return self.request("POST", path, body, {"Authorization": f"Bearer {token}"})

    def start(self, **body):
        return self.post("/api/training/start", body)

    def await_run(self, name, wanted):
        """Waits until the run's summary is as wanted; returns it."""
        limit = time.monotonic() + LIMIT_S
        summary = {}
        while time.monotonic() < limit:
            summary = next((run for run in self.get("/api/training-runs")["runs"]
                            if run["id"] == name), {})
            if summary and wanted(summary):
                return summary
            time.sleep(0.05)
        raise AssertionError(f"run {name} stays as it is: {summary}")


class Listener(threading.Thread):
    """Collects what a live stream says."""

    open = []

    def __init__(self, server, path="/api/events"):
        super().__init__(daemon=True)
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=LIMIT_S)
        self.connection.request("GET", path)
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200
        assert self.answer.headers["Content-Type"].startswith("text/event-stream")
        self.heard = []
        Listener.open.append(self)
        self.start()

    def run(self):
        event = None
        try:
            for line in self.answer:
                line = line.decode().rstrip("\n")
                if line.startswith("event: "):
                    event = line[len("event: "):]
                elif line.startswith("data: "):
                    self.heard.append((event, json.loads(line[len("data: "):])))
        except (OSError, ValueError, AttributeError, http.client.HTTPException):
            pass  # the server has ended

    def close(self):
        self.join(LIMIT_S)  # its server has ended
        self.answer.close()
        self.connection.close()

    def await_event(self, wanted):
        limit = time.monotonic() + LIMIT_S
        while time.monotonic() < limit:
            for event, data in list(self.heard):
                if wanted(event, data):
                    return data
            time.sleep(0.02)
        raise AssertionError(f"not heard; but {[event for event, _ in self.heard]}")


class Serve(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="aftershock-serve-")
        self.models = os.path.join(self.root, "models")
        for folder in ("models", "curricula"):
            os.mkdir(os.path.join(self.root, folder))
        self.write_curriculum("long", 30_000_000)
        self.write_curriculum("short", 24_000)

    def tearDown(self):
        while Listener.open:
            Listener.open.pop().close()
        for run in os.listdir(self.models):  # what a failed test has left
            self.kill_run(run)
        shutil.rmtree(self.root, ignore_errors=True)

    def write_curriculum(self, name, steps):
        with open(os.path.join(self.root, "curricula", f"{name}.ini"), "w",
                  encoding="utf-8") as file:
            file.write(CURRICULUM.format(name=name, steps=steps))

    def heartbeat(self, run):
        with open(os.path.join(self.models, run, "heartbeat.json"), encoding="utf-8") as file:
            return json.load(file)

    def write_heartbeat(self, run, process):
        os.mkdir(os.path.join(self.models, run))
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        beat = {"v": 1, "time": now, "interval_s": 600, "run_id": "0" * 32, "run": run,
                "state": "training", "exit_code": None, "message": None, "stage": 1,
                "stages_total": 2, "stage_name": "M4.5@50kN", "attempt": 1, "step": 100,
                "stage_timesteps": 1000, "total_steps": 100, "steps_total": 2000,
                "steps_per_s": 5.0, "started": now, "resumed_from": None, "last_archive": None,
                "process": process}
        with open(os.path.join(self.models, run, "heartbeat.json"), "w",
                  encoding="utf-8") as file:
            json.dump(beat, file)

    def kill_run(self, run):
        try:
            beat = self.heartbeat(run)
            if beat["exit_code"] is None:
                os.killpg(beat["process"]["pid"], signal.SIGKILL)
        except (OSError, ValueError, KeyError):
            pass

    def run_program(self, *arguments):
        return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False,
                              timeout=600)

    def state_hash(self, *path):
        done = self.run_program("inspect", "--json", os.path.join(self.models, *path))
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)["training_state_sha256"]

    def test_starts_checkpoints_stops_and_resumes(self):
        with Server(self.root) as server:
            listener = Listener(server, "/api/events?run=short")
            everything = Listener(server)
            status, started = server.start(config_path="short.ini",
                                           overrides={"stage 1.timesteps": 4_000_000,
                                                      "recovery.checkpoint_every_s": 0})
            self.assertEqual(status, 201, started)
            self.assertEqual(started["run"]["state"], "running")
            self.assertTrue(started["run"]["here"])
            self.assertTrue(server.get("/api/training/status")["active"])
            self.assertEqual(server.get("/api/training/status?run=short")["run"]["id"], "short")
            listener.await_event(lambda event, data: event == "metrics")
            listener.await_event(lambda event, data: event == "event" and
                                 data["event"]["event"] == "stage_started")
            everything.await_event(lambda event, data: event == "run" and data["id"] == "short")

            status, again = server.start(config_path="short.ini",
                                         overrides={"stage 1.timesteps": 4_000_000})
            self.assertEqual((status, again["exit_code"]), (409, 4), again)

            status, checkpoint = server.post("/api/training/checkpoint", {"run": "short"})
            self.assertEqual(status, 200, checkpoint)
            archive = checkpoint["archive"]
            self.assertEqual((archive["kind"], archive["valid"]), ("checkpoint", True))
            done = self.run_program("verify", os.path.join(self.models, archive["path"]))
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

            status, stopped = server.post("/api/training/stop", {"run": "short"})
            self.assertEqual(status, 200, stopped)
            self.assertEqual(stopped["run"]["state"], "interrupted")
            archive = stopped["archive"]
            self.assertEqual((archive["kind"], archive["valid"]), ("interrupted", True))
            self.assertTrue(os.path.exists(os.path.join(self.models, archive["path"])))
            with open(os.path.join(self.models, archive["path"]), "rb") as file:
                file.seek(-64, os.SEEK_END)
                self.assertEqual(file.read().decode(), archive["sha256"])
            self.assertFalse(server.get("/api/training/status")["active"])
            status, refused = server.post("/api/training/stop", {"run": "short"})
            self.assertEqual(status, 409, refused)

            models = server.get("/api/models/list?run=short")
            self.assertEqual(models["checkpoint_count"], len(models["checkpoints"]))
            self.assertEqual(models["latest_checkpoint"], archive["path"])

            status, resumed = server.start(config_path="short.ini",
                                           checkpoint_path=archive["path"],
                                           overrides={"stage 1.timesteps": 4_000_000})
            self.assertEqual(status, 201, resumed)
            status, stopped = server.post("/api/training/stop", {"run": "short"})
            self.assertEqual(status, 200, stopped)
            self.assertGreaterEqual(stopped["archive"]["timestep"], archive["timestep"])
            run = server.get("/api/training-runs/short")
            self.assertEqual([session["outcome"] for session in run["sessions"]],
                             ["interrupted", "interrupted"])
            self.assertEqual(run["sessions"][1]["resumed_from"]["step"], archive["timestep"])

    def test_a_run_from_the_page_has_the_bits_of_one_from_the_shell(self):
        with Server(self.root) as server:
            status, started = server.start(config_path="short.ini")
            self.assertEqual(status, 201, started)
            server.await_run("short", lambda run: run["state"] == "complete")
            status, nothing = server.start(config_path="short.ini")
            self.assertEqual(status, 201, nothing)
            self.assertIsNone(nothing["pid"])
            run = server.get("/api/training-runs/short")
            self.assertEqual([stage["state"] for stage in run["stages"]], ["complete"] * 2)
            self.assertEqual(run["settings"]["ppo.n_epochs"], 4)
            done = self.run_program("train", os.path.join(self.root, "curricula", "short.ini"),
                                    "--models", self.models, "--run-name", "shell",
                                    "--progress", "none")
            self.assertEqual(done.returncode, 0, done.stderr)
            server.await_run("shell", lambda run: run["state"] == "complete")
            self.assertEqual(self.state_hash("short", "final_short.zip"),
                             self.state_hash("shell", "final_shell.zip"))
            run = server.get("/api/training-runs/short?against=shell")
            self.assertEqual(run["difference"], [])

            steps = [24_000, 48_000]
            metrics = server.get("/api/training-runs/short/metrics?names=time/total_timesteps")
            self.assertEqual((metrics["first"], metrics["last"], metrics["rows"]),
                             (800, steps[1], 60))
            series = metrics["series"]["time/total_timesteps"]
            self.assertEqual(series["x"], series["y"])
            part = server.get("/api/training-runs/short/metrics?names=train/approx_kl,"
                              f"time/fps&from={steps[0]}&points=10")
            self.assertEqual(set(part["series"]), {"train/approx_kl", "time/fps"})
            for series in part["series"].values():
                self.assertLessEqual(len(series["x"]), 10)
                self.assertGreaterEqual(series["x"][0], steps[0])

    def test_resume_commands_can_be_pasted(self):
        with Server(self.root) as server:
            status, started = server.start(config_path="short.ini", stop_after_stage=1,
                                           run_name="it's $HOME")
            self.assertEqual(status, 422, started)  # the name of a folder
            status, started = server.start(config_path="short.ini", stop_after_stage=1)
            self.assertEqual(status, 201, started)
            server.await_run("short", lambda run: run["state"] == "stage_reached")
            run = server.get("/api/training-runs/short")
            archive = next(a for a in run["checkpoint_paths"] if a["kind"] == "stage")
            for command in (archive["resume_command"], run["resume_command"]):
                done = subprocess.run(["sh", "-c", command + " --dry-run"], capture_output=True,
                                      text=True, check=False, timeout=60)
                self.assertEqual(done.returncode, 0, command + done.stderr)

    def test_shows_a_run_that_died_without_a_word(self):
        with Server(self.root) as server:
            status, started = server.start(config_path="long.ini")
            self.assertEqual(status, 201, started)
            listener = Listener(server)
            killed = time.monotonic()
            self.kill_run("long")
            data = listener.await_event(lambda event, data: event == "run" and
                                        data["state"] == "died")
            print(f"shown {time.monotonic() - killed:.1f} s after the kill", file=sys.stderr)
            self.assertEqual(data["id"], "long")
            status, refused = server.post("/api/training/stop", {"run": "long"})
            self.assertEqual(status, 409, refused)

    def test_answers_with_archives_that_are_verified_though_others_wait_for_it(self):
        with Server(self.root) as server:
            self.assertEqual(server.start(config_path="long.ini")[0], 201)
            for run in ("a", "b", "c"):
                os.mkdir(os.path.join(self.models, run))
                for i in range(1000):
                    path = os.path.join(self.models, run, f"stage1_step{i}.zip")
                    with open(path, "wb") as file:
                        file.write(b"not an archive")
            for _ in range(6):
                status, done = server.post("/api/training/checkpoint", {"run": "long"})
                self.assertEqual((status, done["archive"]["valid"]), (200, True), done)

    def test_a_copy_of_a_run_does_not_stop_it(self):
        with Server(self.root) as server:
            self.assertEqual(server.start(config_path="long.ini")[0], 201)
            os.mkdir(os.path.join(self.models, "copy"))
            for name in ("events.jsonl", "heartbeat.json"):
                shutil.copy2(os.path.join(self.models, "long", name),
                             os.path.join(self.models, "copy", name))
            server.await_run("copy", lambda run: run["state"] == "died")
            for action in ("stop", "checkpoint"):
                status, refused = server.post("/api/training/" + action, {"run": "copy"})
                self.assertEqual(status, 409, refused)
            beats = self.heartbeat("long")["time"]
            server.await_run("long", lambda run: run["updated"] > beats)
            self.assertEqual(server.get("/api/training/status?run=long")["run"]["state"], "running")

    def test_runs_outlive_the_server(self):
        with Server(self.root) as server:
            status, started = server.start(config_path="long.ini")
            self.assertEqual(status, 201, started)
            server.process.kill()
            server.process.wait()
        step = self.heartbeat("long")["total_steps"]
        with Server(self.root) as server:
            run = server.await_run("long", lambda run: (run["total_steps"] or 0) > (step or 0))
            self.assertEqual((run["state"], run["pid"]), ("running", started["pid"]))
            status, stopped = server.post("/api/training/stop", {"run": "long"})
            self.assertEqual((status, stopped["archive"]["kind"]), (200, "interrupted"))

    def test_goes_on_when_the_server_ends_while_it_is_asked(self):
        with Server(self.root) as server:
            self.assertEqual(server.start(config_path="long.ini")[0], 201)
            Listener(server)
            server.process.send_signal(signal.SIGTERM)
            self.assertEqual(server.process.wait(LIMIT_S), 0)
        self.assertIsNone(self.heartbeat("long")["exit_code"])
        self.kill_run("long")

    def test_a_hangup_ends_it_but_where_that_is_ignored(self):
        with Server(self.root) as server:
            server.process.send_signal(signal.SIGHUP)
            self.assertEqual(server.process.wait(LIMIT_S), 0)
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            with Server(self.root) as server:  # as nohup starts it
                server.process.send_signal(signal.SIGHUP)
                status, refused = server.start(config_path="short.ini", checkpoint_path=".")
                self.assertEqual((status, refused["exit_code"]), (409, 3), refused)
        finally:
            signal.signal(signal.SIGHUP, before)

    def test_a_second_server_for_the_same_runs_is_refused(self):
        with Server(self.root) as server:
            done = subprocess.run([PROGRAM, "serve", "--port", "0", "--models", self.models],
                                  env=server.environment, capture_output=True, text=True,
                                  check=False, timeout=LIMIT_S)
            self.assertEqual(done.returncode, 4, done.stderr)

    def test_a_run_of_another_machine_is_shown_and_left_alone(self):
        self.write_heartbeat("far", {"pid": 1 << 30, "start_ticks": 1,
                                     "boot_id": "of-another-boot", "pid_namespace": "pid:[1]",
                                     "host": "far-away"})
        with Server(self.root) as server:
            run = server.await_run("far", lambda run: run["state"] == "running")
            self.assertEqual((run["host"], run["here"]), ("far-away", False))
            status, refused = server.post("/api/training/stop", {"run": "far"})
            self.assertEqual(status, 409)
            self.assertIn("far-away", refused["detail"])

    def test_stops_a_run_whose_folder_is_removed_meanwhile(self):
        script = os.path.join(self.root, "train")
        with open(script, "w", encoding="utf-8") as file:
            file.write("import signal, sys\n"
                       "signal.signal(signal.SIGINT, lambda *_: print('asked', flush=True))\n"
                       "print('ready', flush=True)\n"
                       "sys.stdin.read()\n")
        with subprocess.Popen([sys.executable, "train"], cwd=self.root, text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            self.assertEqual(process.stdout.readline(), "ready\n")
            with open(f"/proc/{process.pid}/stat", encoding="utf-8") as file:
                ticks = int(file.read().rsplit(")", 1)[1].split()[19])
            with open("/proc/sys/kernel/random/boot_id", encoding="utf-8") as file:
                boot = file.read().strip()
            self.write_heartbeat("brief", {
                "pid": process.pid, "start_ticks": ticks, "host": "here",
                "boot_id": boot, "pid_namespace": os.readlink("/proc/self/ns/pid")})
            with Server(self.root) as server:
                server.await_run("brief", lambda run: run["state"] == "running")
                answers = []
                asking = threading.Thread(target=lambda: answers.append(
                    server.post("/api/training/stop", {"run": "brief"})))
                asking.start()
                self.assertEqual(process.stdout.readline(), "asked\n")
                shutil.rmtree(os.path.join(self.models, "brief"))
                process.stdin.close()
                process.wait(LIMIT_S)
                asking.join(LIMIT_S)
                self.assertEqual([status for status, _ in answers], [404], answers)

    def test_refuses_what_it_should(self):
        with Server(self.root) as server:
            start, stop = "/api/training/start", "/api/training/stop"
            self.assertEqual(server.request("POST", start, {"config_path": "short.ini"})[0], 401)
            self.assertEqual(server.post(start, {"config_path": "short.ini"}, "wrong")[0], 401)
            for path in ("../outside.ini", "/etc/passwd", "a/../../b.ini"):
                self.assertIn(server.start(config_path=path)[0], (403, 404), path)
            self.assertEqual(server.start(config_path="none.ini")[0], 404)
            self.assertEqual(server.start(config_path="short.ini", surprise=1)[0], 400)
            self.assertEqual(server.start(config_path=7)[0], 400)
            self.assertEqual(server.start()[0], 422)
            self.assertEqual(server.start(config_path="short.ini",
                                          checkpoint_path="../curricula/short.ini")[0], 403)
            self.assertEqual(server.start(config_path="short.ini",
                                          checkpoint_path="none.zip")[0], 404)
            for overrides in ({"ground_motion.records": "/etc"}, {"stage 1.records": "/etc"},
                              {"ground_motion. records": "/etc"}, {"stage 1.\trecords ": "/etc"},
                              {"ppo.nothing": 1}, {"ppo.n_steps": -3}, {"ppo": {}},
                              {"run.name": "../up"}, {"x=y.z": 1}):
                status, problem = server.start(config_path="short.ini", overrides=overrides)
                self.assertEqual(status, 422, (overrides, problem))
                if "/etc" in overrides.values():
                    self.assertIn("names files", problem["detail"])
            for name in ("../up", ".hidden", "a/b", "a b", ""):
                self.assertEqual(server.start(config_path="short.ini", run_name=name)[0], 422)
            self.assertEqual(server.post(stop, {"run": "none"})[0], 404)
            self.assertEqual(server.post(stop, {})[0], 400)
            self.assertEqual(server.post(stop, {"run": "../models/x"})[0], 404)
            self.assertEqual(server.request("GET", start)[0], 405)
            for path in ("/api/training-runs/none", "/api/training-runs/..%2f..",
                         "/api/training-runs/none/metrics", "/api/models/list?run=none",
                         "/api/training-runs/none/reports/a.html", "/nothing"):
                self.assertIn(server.request("GET", path)[0], (400, 404), path)
            for query in ("points=1", "points=x", "from=nan", "points=1e9"):
                self.assertEqual(server.request(
                    "GET", f"/api/training-runs/none/metrics?{query}")[0], 400, query)
        self.assertEqual(os.listdir(self.models), [])

    def test_on_all_addresses_reading_needs_the_token(self):
        with Server(self.root, "--address", "0.0.0.0") as server:
            page, runs, right = "/", "/api/training-runs", {"Authorization": f"Bearer {TOKEN}"}
            for host in (server.said, f"127.0.0.1:{server.port}", f"192.0.2.7:{server.port}"):
                self.assertEqual(server.request("GET", page, None, {"Host": host})[0], 200, host)
                self.assertEqual(server.request("GET", runs, None, {"Host": host})[0], 401, host)
                self.assertEqual(
                    server.request("GET", runs, None, dict(right, Host=host))[0], 200, host)
            self.assertEqual(
                server.request("GET", runs, None, {"Host": "other.example:80"})[0], 421)

    def test_read_only_changes_nothing(self):
        with Server(self.root, "--read-only") as server:
            self.assertTrue(server.get("/api/training/status")["read_only"])
            self.assertEqual(server.start(config_path="short.ini")[0], 403)
        self.assertEqual(os.listdir(self.models), [])

    def test_tells_the_time_also_where_nothing_happens(self):
        with Server(self.root) as server:
            first = server.get("/api/training/status")["time"]
            limit = time.monotonic() + LIMIT_S
            while server.get("/api/training/status")["time"] == first:
                self.assertLess(time.monotonic(), limit, "the clock stands still")
                time.sleep(0.1)

    def test_read_only_makes_no_models_folder(self):
        missing = os.path.join(self.root, "none")
        environment = dict(os.environ, AFTERSHOCK_TOKEN=TOKEN,
                           XDG_CACHE_HOME=os.path.join(self.root, "cache"))
        done = subprocess.run([PROGRAM, "serve", "--port", "0", "--models", missing,
                               "--read-only"], env=environment, capture_output=True, text=True,
                              check=False, timeout=LIMIT_S)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(missing, done.stderr)
        self.assertFalse(os.path.exists(missing))

    def test_lists_what_may_be_started(self):
        with open(os.path.join(self.root, "curricula", "bad.ini"), "w", encoding="utf-8") as file:
            file.write("[run]\nnothing = 1\n")
        with Server(self.root) as server:
            found = {item["path"]: item for item in server.get("/api/curricula")["curricula"]}
            self.assertEqual(found["short.ini"]["run"], "short")
            self.assertEqual(found["short.ini"]["stages"], ["M4.5@50kN", "M5.7@100kN"])
            self.assertIn("nothing", found["bad.ini"]["problem"])
            self.assertEqual(server.start(config_path="bad.ini")[0], 422)

    def test_serves_evaluation_reports_and_nothing_else(self):
        folder = os.path.join(self.models, "old")
        os.mkdir(folder)
        for name in ("report.html", "run.log", "events.jsonl"):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write("<p>hello</p>" if name.endswith("html") else "")
        os.symlink("/etc/hostname", os.path.join(folder, "link.html"))
        with Server(self.root) as server:
            server.await_run("old", lambda run: True)
            reports = [item["file"] for item in server.get("/api/training-runs/old")["reports"]]
            self.assertEqual(reports, ["report.html"])
            path = "/api/training-runs/old/reports/"
            self.assertEqual(server.request("GET", path + "report.html"), (200, b"<p>hello</p>"))
            for name in ("run.log", "link.html", "..%2fold%2freport.html", "none.html"):
                self.assertIn(server.request("GET", path + name)[0], (400, 403, 404, 409), name)

    def test_describes_itself(self):
        with Server(self.root) as server:
            self.assertEqual(server.get("/api/openapi.json"), OPENAPI)
            for path, methods in OPENAPI["paths"].items():
                for method in methods:
                    asked = path.replace("{id}", "none").replace("{file}", "none.html")
                    if method == "get" and asked != "/api/events":
                        status, _ = server.request("GET", asked)
                        self.assertEqual(status, 404 if "none" in asked else 200, path)
                    elif method == "post":
                        self.assertEqual(server.post(asked, {"surprise": 1})[0], 400)


if __name__ == "__main__":
    if jsonschema is None:
        print("python3-jsonschema is not installed: schemas are not checked", file=sys.stderr)
    unittest.main(argv=sys.argv[:1], verbosity=2)
