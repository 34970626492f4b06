"""Checks one exported form of a policy against what the policy did.

usage: exported_in_python.py safetensors|onnx|torchscript FOLDER N_SENSORS FORCE_LIMIT
FOLDER holds policy.ENDING and rows.f32 (tests/runner/policy_rows.h). Exits 0 when
every row agrees within 1e-6 of the force limit.
"""
import json
import struct
import sys

import numpy as np

form, folder, n_sensors, limit = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])


def read_rows(obs_dim):
    rows = np.fromfile(f"{folder}/rows.f32", dtype="<f4").reshape(-1, 2 + n_sensors + obs_dim + 2)
    assert len(rows) == 10000
    obs = np.ascontiguousarray(rows[:, 2 + n_sensors : 2 + n_sensors + obs_dim])
    return obs, rows[:, -2], rows[:, -1], rows[:, 0] > 1e-5


def compare(what, got, expected, rows=slice(None)):
    got = np.asarray(got, dtype=np.float64).reshape(-1)
    worst = np.abs(got - expected.astype(np.float64))[rows].max()
    print(f"{folder}: {form}, {what}: differs by at most {worst:.2e}")
    assert worst <= 1e-6
    assert np.abs(got).max() > 1e-2, "nothing was compared"


def check_metadata(metadata, obs_dim):
    assert all(isinstance(value, str) for value in metadata.values())
    entries = json.loads(metadata["observation"])
    assert len(entries) == obs_dim
    assert all(entry["name"] and entry["unit"] and entry["scale"] > 0 for entry in entries)
    assert float(metadata["force_limit_n"]) == limit
    assert metadata["stage"] == "1" and metadata["run"] == "small"
    return metadata


def check_safetensors():
    raw = open(f"{folder}/policy.safetensors", "rb").read()
    (length,) = struct.unpack("<Q", raw[:8])
    assert length % 8 == 0
    header, data = json.loads(raw[8 : 8 + length]), raw[8 + length :]
    metadata = header.pop("__metadata__")
    tensors, end = {}, 0
    for name, entry in header.items():
        first, last = entry["data_offsets"]
        assert entry["dtype"] == "F32" and first == end
        tensors[name] = np.frombuffer(data[first:last], "<f4").reshape(entry["shape"])
        end = last
    assert end == len(data)
    layers = sorted(int(n.split(".")[2]) for n in tensors if n.startswith("mlp_extractor.policy_net") and n.endswith("weight"))
    obs_dim = tensors["mlp_extractor.policy_net.0.weight"].shape[1]
    assert tensors["mlp_extractor.value_net.0.weight"].shape[1] == obs_dim
    assert tensors["log_std"].shape == (1,) and tensors["value_net.bias"].shape == (1,)
    metadata = check_metadata(metadata, obs_dim)
    obs, actions, _, _ = read_rows(obs_dim)
    x = obs.astype(np.float64)
    if "observation_clip" in metadata:
        clip = float(metadata["observation_clip"])
        x = (x - tensors["observation.shift"]) * tensors["observation.scale"]
        x = np.clip(x, -clip, clip)
    activation = {"tanh": np.tanh, "relu": lambda v: np.maximum(v, 0)}[metadata["activation"]]
    for i in layers:
        net = f"mlp_extractor.policy_net.{i}"
        x = activation(x @ tensors[f"{net}.weight"].T + tensors[f"{net}.bias"])
    x = x @ tensors["action_net.weight"].T + tensors["action_net.bias"]
    compare("action", np.clip(x, -1, 1), actions)
    try:
        import safetensors.numpy
    except ImportError:
        return
    for name, value in safetensors.numpy.load(raw).items():
        assert np.array_equal(value, tensors[name])


def evaluate(graph, feeds):
    """The graph in numpy, by the operators' definitions in the ONNX specification."""
    import onnx.numpy_helper

    operators = {
        "Sub": np.subtract, "Mul": np.multiply, "Add": np.add, "Abs": np.abs, "Tanh": np.tanh,
        "Sign": np.sign, "Neg": np.negative, "Greater": np.greater, "And": np.logical_and,
        "Where": np.where, "Relu": lambda x: np.maximum(x, 0), "Clip": np.clip,
        "Slice": lambda x, first, end, axis: np.take(x, range(first[0], end[0]), axis[0]),
        "Gemm": lambda x, w, b: x @ w.T + b,
    }
    values = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    values.update(feeds)
    for node in graph.node:
        attributes = {a.name: a.i for a in node.attribute}
        assert attributes == ({"transB": 1} if node.op_type == "Gemm" else {})
        inputs = [values[name] for name in node.input]
        values[node.output[0]] = operators[node.op_type](*inputs)
    return [values[output.name] for output in graph.output]


def check_onnx():
    import onnx

    model = onnx.load(f"{folder}/policy.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert model.ir_version == 8 and [(o.domain, o.version) for o in model.opset_import] == [("", 13)]
    (graph_input,) = model.graph.input
    batch, width = graph_input.type.tensor_type.shape.dim
    assert graph_input.name == "obs" and batch.dim_param and width.dim_value > 0
    assert [output.name for output in model.graph.output] == ["force_n", "action"]
    check_metadata({p.key: p.value for p in model.metadata_props}, width.dim_value)
    obs, actions, shares, sure = read_rows(width.dim_value)
    force_n, action = evaluate(model.graph, {"obs": obs})
    compare("action", action, actions)
    compare("force", force_n / limit, shares, sure)
    try:
        from onnx.reference import ReferenceEvaluator
    except ImportError:
        return
    force_n, action = ReferenceEvaluator(model).run(None, {"obs": obs})
    compare("onnx.reference", force_n / limit, shares, sure)


def check_torchscript():
    import io

    import torch

    extra = {"metadata.json": ""}
    module = torch.jit.load(f"{folder}/policy.pt", _extra_files=extra)
    width = dict(module.named_parameters())["weight_0"].shape[1]
    check_metadata(json.loads(extra["metadata.json"]), width)
    obs, actions, shares, sure = read_rows(width)
    again = io.BytesIO()
    torch.jit.save(module, again)
    again.seek(0)
    with torch.no_grad():
        batch = torch.from_numpy(obs)
        compare("action", module.act(batch).numpy(), actions)
        compare("force", module(batch).numpy() / limit, shares, sure)
        compare("frozen", torch.jit.freeze(module.eval())(batch).numpy() / limit, shares, sure)
        compare("saved again", torch.jit.load(again)(batch).numpy() / limit, shares, sure)
        one = torch.stack([module(row) for row in batch[:50]]).numpy()
        assert one.shape == (50, 1), "one observation without a batch"
        assert np.allclose(one, module(batch[:50]).numpy(), rtol=0, atol=1e-6 * limit)


{"safetensors": check_safetensors, "onnx": check_onnx, "torchscript": check_torchscript}[form]()
