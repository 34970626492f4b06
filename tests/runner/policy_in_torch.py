"""Reads policy.pth of an archive with torch and compares its forward pass.

usage: policy_in_torch.py ARCHIVE ROWS.f32 HIDDEN,HIDDEN
ROWS holds float32 rows of observation, mean action and value, as computed by
the native engine. Exits 0 when names, shapes and figures agree.
"""
import io
import struct
import sys
import zipfile

import torch

archive, rows_path, layers = sys.argv[1], sys.argv[2], [int(n) for n in sys.argv[3].split(",")]
with zipfile.ZipFile(archive) as members:
    assert members.testzip() is None
    policy = torch.load(io.BytesIO(members.read("policy.pth")), map_location="cpu")

obs_dim = policy["mlp_extractor.policy_net.0.weight"].shape[1]
expected = [("log_std", (1,))]
for net in ("policy_net", "value_net"):
    before = obs_dim
    for i, width in enumerate(layers):
        expected.append((f"mlp_extractor.{net}.{2 * i}.weight", (width, before)))
        expected.append((f"mlp_extractor.{net}.{2 * i}.bias", (width,)))
        before = width
for net in ("action_net", "value_net"):
    expected.append((f"{net}.weight", (1, layers[-1])))
    expected.append((f"{net}.bias", (1,)))
found = [(name, tuple(tensor.shape)) for name, tensor in policy.items()]
assert found == expected, f"names or shapes differ: {found}"
assert all(tensor.dtype == torch.float32 for tensor in policy.values())


def forward(net, head, obs):
    x = obs
    for i in range(len(layers)):
        weight = policy[f"mlp_extractor.{net}.{2 * i}.weight"]
        bias = policy[f"mlp_extractor.{net}.{2 * i}.bias"]
        x = torch.tanh(torch.nn.functional.linear(x, weight, bias))
    return torch.nn.functional.linear(x, policy[f"{head}.weight"], policy[f"{head}.bias"])[:, 0]


raw = open(rows_path, "rb").read()
width = obs_dim + 2
values = struct.unpack(f"<{len(raw) // 4}f", raw)
rows = torch.tensor(values, dtype=torch.float32).reshape(-1, width)
obs = rows[:, :obs_dim]
worst_action = (forward("policy_net", "action_net", obs) - rows[:, obs_dim]).abs().max().item()
worst_value = (forward("value_net", "value_net", obs) - rows[:, obs_dim + 1]).abs().max().item()
print(f"largest differences: action {worst_action:.2e}, value {worst_value:.2e}")
assert worst_action <= 1e-5 and worst_value <= 1e-5
assert rows[:, obs_dim].abs().max() > 1e-4, "the actions are all zero: nothing was compared"
