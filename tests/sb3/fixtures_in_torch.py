"""The fixtures through PyTorch: what NAME.txt says of NAME.zip is what torch computes.

usage: fixtures_in_torch.py AFTERSHOCK POLICY_ACT

So the figures that the C tests compare with do not rest on the library that wrote them
alone. And `aftershock inspect` hashes the same weights, and the native engine (policy_act)
computes what torch computes, here on many more observations. Exit status 77 (skipped) where
python3-torch is not installed.
"""
import glob
import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile

try:
    import torch
except ImportError as problem:
    print(f"skipped: {problem}")
    sys.exit(77)

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures")


def read_text(path):
    figures, rows = {}, []
    with open(path, encoding="ascii") as file:
        for line in file:
            key, rest = line.split(maxsplit=1)
            if key == "row":
                rows.append([float(word) for word in rest.split()])
            else:
                figures[key] = rest.strip()
    return figures, torch.tensor(rows, dtype=torch.float32)


def forward(policy, net, head, inputs, activation):
    layer = 0
    while f"mlp_extractor.{net}.{layer}.weight" in policy:
        name = f"mlp_extractor.{net}.{layer}"
        inputs = activation(torch.nn.functional.linear(
            inputs, policy[f"{name}.weight"], policy[f"{name}.bias"]))
        layer += 2
    assert layer > 0
    return torch.nn.functional.linear(inputs, policy[f"{head}.weight"],
                                      policy[f"{head}.bias"])[:, 0]


def check_engine(policy_act, path, policy, activation, width):
    torch.manual_seed(5)
    rows = 1000
    inputs = 2 * torch.randn(rows, width)
    found = subprocess.run([policy_act, path, str(rows), str(width)], check=True,
                           input=inputs.numpy().tobytes(), capture_output=True).stdout
    found = torch.frombuffer(bytearray(found), dtype=torch.float32)
    for part, net, head in ((found[:rows], "policy_net", "action_net"),
                            (found[rows:], "value_net", "value_net")):
        wanted = forward(policy, net, head, inputs, activation)
        assert torch.allclose(part, wanted, rtol=1e-6, atol=1e-6), \
            (path, net, (part - wanted).abs().max())


def check(program, policy_act, path):
    figures, rows = read_text(path[:-4] + ".txt")
    with zipfile.ZipFile(path) as archive:
        policy = torch.load(io.BytesIO(archive.read("policy.pth")), map_location="cpu")
        adam = torch.load(io.BytesIO(archive.read("policy.optimizer.pth")), map_location="cpu")
    weights = b"".join(tensor.numpy().tobytes() for tensor in policy.values())
    assert hashlib.sha256(weights).hexdigest() == figures["weights_sha256"]
    steps = {int(state["step"]) for state in adam["state"].values()} or {0}
    assert steps == {int(figures["adam_step"])}
    activation = {"Tanh": torch.tanh, "ReLU": torch.relu}[figures["activation"]]
    inputs = rows[:, :-2]
    for column, net, head in ((-2, "policy_net", "action_net"), (-1, "value_net", "value_net")):
        found = forward(policy, net, head, inputs, activation)
        assert torch.allclose(found, rows[:, column], rtol=1e-6, atol=1e-6), (path, net)
    check_engine(policy_act, path, policy, activation, inputs.shape[1])
    found = subprocess.run([program, "inspect", "--json", path], check=True, capture_output=True)
    document = json.loads(found.stdout)
    assert document["weights_sha256"] == figures["weights_sha256"]
    assert document["stable_baselines3"]["adam_step"] == int(figures["adam_step"])


def main():
    paths = [path for path in sorted(glob.glob(os.path.join(FIXTURES, "*.zip")))
             if not os.path.basename(path).startswith("refused-")]
    assert len(paths) >= 7
    for path in paths:
        check(sys.argv[1], sys.argv[2], path)
    print(f"torch {torch.__version__}: {len(paths)} fixtures agree")


main()
