"""Our archives through Stable-Baselines3 itself, and back.

usage: PYTHONPATH=SB3:GYMNASIUM round_trip.py AFTERSHOCK POLICY_ACT

Trains the small building.ini, and for a stage, final, best and INTERRUPTED archive:
PPO.load has every bit of weights, moments and counters; predict is our forward pass;
save without learning and load keeps every bit; learn(reset_num_timesteps=False) goes on
counting and stepping; and `aftershock train --resume` goes on from what that saved.

Exit status 77 (skipped) where Stable-Baselines3 cannot be imported: README.md says how
to run it.
"""
import glob
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile

warnings.simplefilter("ignore")
try:
    import gymnasium
    import numpy as np
    import stable_baselines3
    import torch
    from stable_baselines3 import PPO
    from stable_baselines3.common.vec_env import DummyVecEnv
except ImportError as problem:
    print(f"skipped: {problem}")
    sys.exit(77)

if torch.__version__.startswith("1."):
    # From 2.8 on SB3 loads with weights_only, in which torch 1.13 cannot read any optimizer's file.
    load_of_torch = torch.load

    def load_without_limits(*arguments, **options):
        options.pop("weights_only", None)
        return load_of_torch(*arguments, **options)

    torch.load = load_without_limits

PROGRAM, POLICY_ACT = sys.argv[1:3]
HERE = os.path.dirname(os.path.abspath(__file__))
CURRICULUM = os.path.join(HERE, "building.ini")
N_ENVS, STEPS_OF_ONE = 16, 50  # as in building.ini
UPDATES = 4 * N_ENVS * STEPS_OF_ONE // 200  # of one iteration: epochs x minibatches


class Noise(gymnasium.Env):
    """Stands for the building, of which this script needs no more than the spaces."""

    def __init__(self, width):
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (width,), np.float32)
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (1,), np.float32)
        self.random = np.random.default_rng(1)
        self.steps = 0

    def observe(self):
        return self.random.normal(size=self.observation_space.shape).astype(np.float32)

    def reset(self, *, seed=None, options=None):
        self.steps = 0
        return self.observe(), {}

    def step(self, action):
        self.steps += 1
        return self.observe(), -float(action[0]) ** 2, False, self.steps >= 30, {}


def aftershock(*arguments, expect=0):
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True)
    assert done.returncode == expect, (arguments, done.returncode, done.stdout, done.stderr)
    return done.stdout


def inspect(path):
    return json.loads(aftershock("inspect", "--json", path))


def train_and_interrupt(models):
    aftershock("train", CURRICULUM, "--models", models)
    cut = [PROGRAM, "train", CURRICULUM, "--models", models, "--run-name", "cut", "--set",
           "stage 1.timesteps=1e9", "--set", "recovery.checkpoint_every_steps=1600"]
    with subprocess.Popen(cut, stdout=subprocess.DEVNULL) as process:
        while not glob.glob(os.path.join(models, "cut", "checkpoints", "*.zip")):
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130
    run = os.path.join(models, "small")
    return [os.path.join(run, "stage1_50kN.zip"), os.path.join(run, "stage2_100kN.zip"),
            os.path.join(run, "final_small.zip"), os.path.join(run, "best_model.zip"),
            os.path.join(models, "cut", "stage1_INTERRUPTED_50kN.zip")]


def state_of(path):
    """Every tensor of weights and optimizer as bytes, and the optimizer's step."""
    with zipfile.ZipFile(path) as archive:
        policy = torch.load(io.BytesIO(archive.read("policy.pth")), map_location="cpu")
        adam = torch.load(io.BytesIO(archive.read("policy.optimizer.pth")), map_location="cpu")
    tensors = [(name, tensor.numpy().tobytes()) for name, tensor in policy.items()]
    for i, state in sorted(adam["state"].items()):
        tensors += [((i, key), state[key].numpy().tobytes()) for key in ("exp_avg", "exp_avg_sq")]
    steps = {float(state["step"]) for state in adam["state"].values()}
    assert len(steps) == 1 and len(tensors) == 3 * len(policy)
    return tensors, steps.pop()


def adam_step(model):
    steps = {float(state["step"]) for state in model.policy.optimizer.state.values()}
    assert len(steps) == 1
    return steps.pop()


def check_forward_pass(model, path):
    rows, width = 1000, model.observation_space.shape[0]
    observations = 2 * np.random.default_rng(3).normal(size=(rows, width)).astype(np.float32)
    answer = subprocess.run([POLICY_ACT, path, str(rows), str(width)], check=True,
                            input=observations.tobytes(), capture_output=True).stdout
    ours = np.frombuffer(answer, dtype=np.float32).reshape(2, rows)
    actions, _ = model.predict(observations, deterministic=True)
    with torch.no_grad():
        values = model.policy.predict_values(torch.as_tensor(observations))[:, 0].numpy()
    action_gap = np.abs(actions[:, 0] - np.clip(ours[0], -1, 1)).max()
    value_gap = (np.abs(values - ours[1]) / np.maximum(1, np.abs(values))).max()
    assert action_gap <= 1e-6 and value_gap <= 1e-6, (path, action_gap, value_gap)
    return max(action_gap, value_gap)


def check_load(path, folder):
    """PPO.load, predict, save: nothing changes."""
    manifest = inspect(path)["manifest"]
    model = PPO.load(path, device="cpu", verbose=0)
    tensors, step = state_of(path)
    assert step == manifest["counters"]["adam_step"] == adam_step(model)
    assert model.num_timesteps == manifest["counters"]["total_steps"]
    gap = check_forward_pass(model, path)
    again = os.path.join(folder, "saved.zip")
    model.save(again)
    assert state_of(again) == (tensors, step)
    back = inspect(again)
    assert back["weights_sha256"] == manifest["weights_sha256"]
    assert back["stable_baselines3"]["adam_step"] == step
    assert back["stable_baselines3"]["num_timesteps"] == model.num_timesteps
    return gap


def check_learning(path, folder):
    """learn goes on from our counters and our Adam state, and train from what it saved."""
    width = PPO.load(path, device="cpu", verbose=0).observation_space.shape[0]
    env = DummyVecEnv([lambda: Noise(width)] * N_ENVS)
    model = PPO.load(path, env=env, device="cpu", verbose=0)
    steps, step = model.num_timesteps, adam_step(model)
    before, _ = state_of(path)
    assert steps > 0 and step > 0
    model.learn(N_ENVS * STEPS_OF_ONE, reset_num_timesteps=False)
    assert model.num_timesteps == steps + N_ENVS * STEPS_OF_ONE
    assert adam_step(model) == step + UPDATES
    learned = os.path.join(folder, "learned.zip")
    model.save(learned)
    after, _ = state_of(learned)
    assert all(a != b for a, b in zip(before, after)), "a tensor was not trained"
    models = os.path.join(folder, "models")
    aftershock("train", CURRICULUM, "--models", models, "--run-name", "back", "--resume", learned,
               "--stop-after-stage", "1")
    counters = inspect(os.path.join(models, "back", "stage1_50kN.zip"))["manifest"]["counters"]
    assert counters["total_steps"] == model.num_timesteps + counters["steps"]
    assert counters["adam_step"] == adam_step(model) + counters["updates"]
    aftershock("evaluate", learned, "--curriculum", CURRICULUM, "--motions-per-stage", "1",
               "--controllers", "policy", "--json")


def main():
    torch.set_num_threads(1)
    worst = 0.0
    with tempfile.TemporaryDirectory() as models:
        for path in train_and_interrupt(models):
            with tempfile.TemporaryDirectory() as folder:
                worst = max(worst, check_load(path, folder))
                check_learning(path, folder)
    print(f"Stable-Baselines3 {stable_baselines3.__version__}, Gymnasium {gymnasium.__version__}, "
          f"torch {torch.__version__}: round trip agrees, forward pass to {worst:.1e}")


main()
