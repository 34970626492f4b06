"""Our archives through PyTorch, and PyTorch's files through our reader.

usage: exchange_with_torch.py TORCH_EXCHANGE   (the program built from torch_exchange.c)

Exit status 77 (skipped) where python3-torch is not installed.
"""
import base64
import hashlib
import inspect
import io
import json
import math
import os
import pickle
import struct
import subprocess
import sys
import tempfile
import zipfile
from collections import OrderedDict

try:
    import torch
except ImportError as problem:
    print(f"skipped: {problem}")
    sys.exit(77)

WIDTH = 8
SHAPES = [("log_std", (1,))]
for net in ("policy_net", "value_net"):
    SHAPES += [(f"mlp_extractor.{net}.0.weight", (WIDTH, 5)), (f"mlp_extractor.{net}.0.bias", (WIDTH,)),
               (f"mlp_extractor.{net}.2.weight", (WIDTH, WIDTH)),
               (f"mlp_extractor.{net}.2.bias", (WIDTH,))]
for net in ("action_net", "value_net"):
    SHAPES += [(f"{net}.weight", (1, WIDTH)), (f"{net}.bias", (1,))]
COUNT = sum(torch.Size(shape).numel() for _, shape in SHAPES)


def fixture_floats():
    """The numbers of fixture.c, by the same generator."""
    word, floats = 12345, []
    for i in range(3 * COUNT):
        word = (word * 1664525 + 1013904223) % 2**32
        floats.append((word >> 8) / 16777216.0 - (0.5 if i < COUNT else 0.0))
    return torch.tensor(floats, dtype=torch.float32)


def expected(block):
    """{name: tensor} of the weights (0) or one of the moments (1, 2)."""
    floats, at, out = fixture_floats()[block * COUNT:(block + 1) * COUNT], 0, OrderedDict()
    for name, shape in SHAPES:
        n = torch.Size(shape).numel()
        out[name] = floats[at:at + n].reshape(shape)
        at += n
    return out


def load(data, has_reals=False):
    """Without running code from the file, where this torch can do that (1.x has no reals then)."""
    arguments = {"map_location": "cpu"}
    knows = "weights_only" in inspect.signature(torch.load).parameters
    if knows and not (has_reals and torch.__version__.startswith("1.")):
        arguments["weights_only"] = True
    return torch.load(io.BytesIO(data), **arguments)


def check_digest(path):
    with open(path, "rb") as file:
        data = file.read()
    with zipfile.ZipFile(path) as archive:
        comment = archive.comment
        assert archive.testzip() is None
    assert data.endswith(comment)
    assert comment.decode() == "sha256:" + hashlib.sha256(data[:-len(comment)]).hexdigest()


def check_manifest(archive):
    manifest = json.loads(archive.read("manifest.json"))
    names = set(archive.namelist()) - {"manifest.json"}
    assert set(manifest["members"]) == names
    for name in names:
        assert hashlib.sha256(archive.read(name)).hexdigest() == manifest["members"][name], name
    weights = b"".join(t.numpy().tobytes() for t in expected(0).values())
    moments = b"".join(t.numpy().tobytes() for b in (1, 2) for t in expected(b).values())
    counters = struct.pack("<7q", *(manifest["counters"][key] for key in (
        "stage", "steps", "total_steps", "iterations", "episodes", "updates", "adam_step")))
    assert manifest["weights_sha256"] == hashlib.sha256(weights).hexdigest()
    assert manifest["training_state_sha256"] == hashlib.sha256(
        weights + moments + counters).hexdigest()


def check_policy(archive):
    policy = load(archive.read("policy.pth"))
    assert isinstance(policy, OrderedDict)
    assert list(policy) == [name for name, _ in SHAPES]
    for name, tensor in expected(0).items():
        assert policy[name].dtype == torch.float32
        assert policy[name].shape == tensor.shape, name
        assert torch.equal(policy[name], tensor), name
    assert load(archive.read("pytorch_variables.pth")) == {}
    return policy


def check_optimizer(archive, policy):
    parameters = [torch.nn.Parameter(tensor.clone()) for tensor in policy.values()]
    adam = torch.optim.Adam(parameters, lr=1.0)
    adam.load_state_dict(load(archive.read("policy.optimizer.pth"), has_reals=True))
    group = adam.param_groups[0]
    assert (group["lr"], group["eps"], tuple(group["betas"])) == (5e-4, 1e-5, (0.9, 0.999))
    for parameter, first, second in zip(parameters, expected(1).values(), expected(2).values()):
        state = adam.state[parameter]
        assert float(state["step"]) == 80
        assert torch.equal(state["exp_avg"], first)
        assert torch.equal(state["exp_avg_sq"], second)
        parameter.grad = torch.ones_like(parameter)
    adam.step()
    assert float(adam.state[parameters[0]]["step"]) == 81


class Recorder(pickle.Unpickler):
    """Names stand for the classes of packages that need not be installed; a call is a tuple."""

    def find_class(self, module, name):
        path = f"{module}.{name}"
        return (lambda *arguments: (path, *arguments)) if name == "Box" else path


def check_data(archive):
    """The pickles inside `data`, which SB3 gives to cloudpickle."""
    data = json.loads(archive.read("data"))
    found = {key: Recorder(io.BytesIO(base64.b64decode(value[":serialized:"]))).load()
             for key, value in data.items()
             if isinstance(value, dict) and ":serialized:" in value}
    assert found == {
        "policy_class": "stable_baselines3.common.policies.ActorCriticPolicy",
        "observation_space": ("gymnasium.spaces.box.Box", -math.inf, math.inf, (5,), "float32"),
        "action_space": ("gymnasium.spaces.box.Box", -1.0, 1.0, (1,), "float32"),
        "policy_kwargs": {
            "net_arch": {"pi": [WIDTH, WIDTH], "vf": [WIDTH, WIDTH]},
            "activation_fn": "torch.nn.modules.activation.Tanh", "log_std_init": -0.7,
            "ortho_init": True, "optimizer_kwargs": {"eps": 1e-5}},
    }, found
    for key in ("verbose", "num_timesteps", "n_steps", "learning_rate", "clip_range", "n_envs"):
        assert key in data, key
    assert data["policy_kwargs"]["net_arch"] == {"pi": [WIDTH, WIDTH], "vf": [WIDTH, WIDTH]}


def digest(tensor):
    return hashlib.sha256(tensor.detach().contiguous().numpy().tobytes()).hexdigest()


def check_reading(program, folder):
    """A network as SB3 has it, one weight transposed and one a slice of a larger storage."""
    torch.manual_seed(1)
    network = torch.nn.Sequential(torch.nn.Linear(5, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
    network[0].weight = torch.nn.Parameter(torch.randn(5, 8).t())
    network[2].weight = torch.nn.Parameter(torch.randn(4, 8)[2:3])
    adam = torch.optim.Adam(network.parameters(), lr=3e-4, eps=1e-5)
    for _ in range(3):
        adam.zero_grad()
        network(torch.randn(7, 5)).square().mean().backward()
        adam.step()
    paths = [os.path.join(folder, name) for name in ("policy.pth", "policy.optimizer.pth")]
    torch.save(network.state_dict(), paths[0])
    torch.save(adam.state_dict(), paths[1])
    wanted = [f"adam 3 {3e-4:.17g} {1e-5:.17g}"]
    for name, parameter in network.named_parameters():
        state = adam.state[parameter]
        shape = " ".join(str(n) for n in (parameter.dim(), *parameter.shape))
        wanted.append(f"{name} {shape} {digest(parameter)} {digest(state['exp_avg'])} "
                      f"{digest(state['exp_avg_sq'])}")
    found = subprocess.run([program, "read", *paths], check=True, capture_output=True, text=True)
    assert found.stdout.splitlines() == wanted, f"\n{found.stdout}\n" + "\n".join(wanted)


def check_refusals(program, folder):
    """What torch can save and we cannot use is refused with a reason."""
    optimizer = os.path.join(folder, "policy.optimizer.pth")
    for what in ({"a": torch.zeros(2, dtype=torch.float64)}, {"a": 1}, [1, 2], torch.zeros(3),
                 {"a": torch.zeros(2, 2, 2)}, {"a": torch.zeros(1).expand(4)}):
        path = os.path.join(folder, "other.pth")
        torch.save(what, path)
        found = subprocess.run([program, "read", path, optimizer], capture_output=True, text=True)
        assert found.returncode == 1 and found.stderr.strip() != "", (what, found)


def main():
    program = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "stage1_50kN.zip")
        subprocess.run([program, "write", path], check=True)
        check_digest(path)
        with zipfile.ZipFile(path) as archive:
            check_manifest(archive)
            check_optimizer(archive, check_policy(archive))
            check_data(archive)
        check_reading(program, folder)
        check_refusals(program, folder)
    print(f"torch {torch.__version__}: archives and files agree")


main()
