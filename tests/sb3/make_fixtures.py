"""Writes the fixtures of this Stable-Baselines3: archives, and what its policies compute.

usage: PYTHONPATH=SB3:GYMNASIUM make_fixtures.py FOLDER

Which ones depends on the version that is found (README.md); a file that exists is
written anew. Beside an archive that is to be read stands NAME.txt: the model's
figures, hashes over its numbers, and observations with mean action and value, all
computed by Stable-Baselines3 and torch themselves.
"""
import hashlib
import os
import platform
import sys
import warnings

import numpy as np
import torch
from torch import nn

warnings.simplefilter("ignore")
import gymnasium
import stable_baselines3
from gymnasium import spaces
from stable_baselines3 import A2C, PPO, SAC
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

platform.platform = platform.version = lambda: "Linux"  # for system_info.txt: whose machine it was

FOLDER = sys.argv[1]
VERSION = stable_baselines3.__version__
ACTION = spaces.Box(-1.0, 1.0, (1,), np.float32)


def box(n):
    return spaces.Box(-np.inf, np.inf, (n,), np.float32)


class Sway(gymnasium.Env):
    """A swaying point with noise: something to learn from, of any spaces."""

    def __init__(self, observations=None, actions=None):
        self.observation_space = observations or box(5)
        self.action_space = actions or ACTION
        self.random = np.random.default_rng(7)

    def observe(self):
        if isinstance(self.observation_space, spaces.Box) and \
                self.observation_space.dtype == np.float32:
            return self.random.normal(size=self.observation_space.shape).astype(np.float32)
        return self.observation_space.sample()

    def reset(self, *, seed=None, options=None):
        self.steps = 0
        self.last = self.observe()
        return self.last, {}

    def step(self, action):
        self.steps += 1
        force = float(np.asarray(action, dtype=np.float64).reshape(-1)[0])
        state = float(np.ravel(self.last)[0]) if isinstance(self.last, np.ndarray) else 0.0
        self.last = self.observe()
        return self.last, -(state - force) ** 2, False, self.steps >= 20, {}


class TinyCnn(BaseFeaturesExtractor):
    """A convolution of a few weights, for a CnnPolicy that is no megabyte."""

    def __init__(self, observation_space):
        super().__init__(observation_space, 2)
        self.cnn = nn.Sequential(nn.Conv2d(1, 2, 36), nn.Flatten())

    def forward(self, observations):
        return self.cnn(observations)


def ppo(env=None, steps=64, policy="MlpPolicy", **kwargs):
    arguments = dict(n_steps=32, batch_size=16, n_epochs=2, seed=3, device="cpu")
    arguments.update(kwargs)
    model = PPO(policy, env or Sway(), **arguments)
    if steps:
        model.learn(steps)
    return model


def kwargs(activation=nn.Tanh, **others):
    return dict(activation_fn=activation, **others)


def without_class(model):
    """policy_kwargs of JSON alone, as a user has who names no class."""
    model.policy_kwargs.pop("activation_fn", None)
    return model


def within_vec_normalize():
    env = VecNormalize(DummyVecEnv([Sway, Sway]))
    return ppo(env, 64, policy_kwargs=kwargs(net_arch=dict(pi=[6], vf=[6])))


def small():
    """A new dict: SB3 adds to the one that it is given."""
    return dict(net_arch=[2])


GOOD = {
    "2.0.0": {
        "default": lambda: ppo(Sway(box(3)), 0),  # 64, 64 tanh, nothing learned
        "list": lambda: without_class(ppo(policy_kwargs=dict(net_arch=[8]))),
    },
    "2.2.1": {
        "relu": lambda: ppo(policy_kwargs=kwargs(nn.ReLU, net_arch=dict(pi=[8, 6], vf=[8, 6]))),
    },
    "2.3.2": {
        # for tests/sb3/building.ini
        "building": lambda: ppo(Sway(box(11)), 96, policy_kwargs=kwargs(
            net_arch=dict(pi=[8, 8], vf=[8, 8]), optimizer_kwargs=dict(eps=1e-5))),
    },
    "2.6.0": {
        "three-layers": lambda: ppo(steps=0, policy_kwargs=kwargs(
            nn.ReLU, net_arch=[7, 6, 5], log_std_init=-0.5, ortho_init=False)),
    },
    "2.8.0": {
        "old-style-list": lambda: ppo(steps=0, policy_kwargs=kwargs(
            nn.ReLU, net_arch=[dict(pi=[8], vf=[8])])),
    },
    "2.9.0a4": {
        "vec-normalize": within_vec_normalize,
    },
}

PIXELS = spaces.Box(0, 255, (36, 36, 1), np.uint8)
REFUSED = {
    "2.2.1": {
        "discrete": lambda: ppo(Sway(actions=spaces.Discrete(3)), 0, policy_kwargs=small()),
        "two-actions": lambda: ppo(Sway(actions=spaces.Box(-1, 1, (2,), np.float32)), 0,
                                   policy_kwargs=small()),
    },
    "2.3.2": {
        "a2c": lambda: A2C("MlpPolicy", Sway(), policy_kwargs=small(), device="cpu"),
        "sac": lambda: SAC("MlpPolicy", Sway(), policy_kwargs=small(), device="cpu"),
        "sde": lambda: ppo(steps=0, use_sde=True, policy_kwargs=small()),
        "other-bounds": lambda: ppo(Sway(actions=spaces.Box(-2, 2, (1,), np.float32)), 0,
                                    policy_kwargs=small()),
        "two-networks": lambda: ppo(steps=0, policy_kwargs=dict(net_arch=dict(pi=[3], vf=[2]))),
        "no-layers": lambda: ppo(steps=0, policy_kwargs=dict(net_arch=[])),
    },
    "2.8.0": {
        "dict": lambda: ppo(Sway(spaces.Dict({"a": box(2), "b": box(1)})), 0, "MultiInputPolicy",
                            policy_kwargs=small()),
        "cnn": lambda: ppo(Sway(PIXELS), 0, "CnnPolicy", policy_kwargs=dict(
            net_arch=[2], features_extractor_class=TinyCnn)),
        "elu": lambda: ppo(steps=0, policy_kwargs=kwargs(nn.ELU, net_arch=[2])),
        "adamw": lambda: ppo(steps=0, policy_kwargs=kwargs(net_arch=[2], optimizer_class=torch.optim.AdamW)),
        "weight-decay": lambda: ppo(policy_kwargs=dict(
            net_arch=[2], optimizer_kwargs=dict(weight_decay=0.01))),
    },
}


def sha256(tensors):
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(tensor.detach().cpu().numpy().astype("<f4").tobytes())
    return digest.hexdigest()


def number(value):
    return format(float(value), ".9g")


def describe(model, path):
    """What a reader should find, from the model itself."""
    policy = model.policy
    adam = policy.optimizer.state_dict()["state"]
    parameters = list(policy.parameters())
    moments = [adam[i][key] for key in ("exp_avg", "exp_avg_sq") for i in range(len(parameters))
               ] if adam else []
    steps = {float(adam[i]["step"]) for i in adam} or {0.0}
    assert len(steps) == 1
    lines = [f"version {VERSION}",
             f"activation {policy.activation_fn.__name__}",
             f"num_timesteps {model.num_timesteps}",
             f"adam_step {int(steps.pop())}",
             f"weights_sha256 {sha256(policy.state_dict().values())}",
             f"moments_sha256 {sha256(moments) if adam else 'none'}"]
    n = model.observation_space.shape[0]
    observations = np.random.default_rng(11).normal(size=(12, n)).astype(np.float32) * 2
    with torch.no_grad():
        inputs = torch.as_tensor(observations)
        means = policy.get_distribution(inputs).distribution.mean[:, 0]
        values = policy.predict_values(inputs)[:, 0]
    predicted, _ = model.predict(observations, deterministic=True)
    assert np.allclose(predicted[:, 0], np.clip(means.numpy(), -1, 1), atol=1e-6)
    for row, mean, value in zip(observations, means, values):
        lines.append("row " + " ".join(number(x) for x in (*row, mean, value)))
    with open(path, "w", encoding="ascii") as file:
        file.write("\n".join(lines) + "\n")


def main():
    torch.set_num_threads(1)
    for name, make in GOOD.get(VERSION, {}).items():
        model = make()
        model.save(os.path.join(FOLDER, f"{name}.zip"))
        describe(model, os.path.join(FOLDER, f"{name}.txt"))
    for name, make in REFUSED.get(VERSION, {}).items():
        make().save(os.path.join(FOLDER, f"refused-{name}.zip"))
    print(f"Stable-Baselines3 {VERSION}, Gymnasium {gymnasium.__version__}, "
          f"torch {torch.__version__}, Python {sys.version.split()[0]}: "
          f"{', '.join([*GOOD.get(VERSION, {}), *REFUSED.get(VERSION, {})]) or 'nothing'}")


main()
