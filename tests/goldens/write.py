"""What the golden scripts share: a dictionary of tensors to a safetensors file, with the versions that made it.

The scripts need torch and torchvision; the tests need only the files, which are committed:

    python tests/goldens/NAME.py        (writes tests/goldens/NAME.safetensors)
"""
import importlib.metadata
import json
import pathlib
import struct

import torch
import torchvision


def normal(*shape, scale=1.0):
    """Normal numbers that f32 holds, as f64 to differentiate by: f32 and f64 have the same inputs."""
    return (scale * torch.randn(*shape)).double().requires_grad_()


def case(f, **inputs):
    """Inputs, f's value y, a random dy, and the gradients d<input> of <dy, y>. What f32 holds is stored as f32, results are f64."""
    assert not inputs.keys() & {"y", "dy"}
    y = f(**inputs)
    dy = torch.randn(y.shape)
    gradients = torch.autograd.grad(y, list(inputs.values()), dy.double())
    stored = {name: x.float() for name, x in inputs.items()}
    return stored | {"y": y, "dy": dy} | {"d" + name: g for name, g in zip(inputs, gradients)}


def first(x):
    """N,H,W,C to N,C,H,W."""
    return x.permute(0, 3, 1, 2)


def last(x):
    """N,C,H,W to N,H,W,C."""
    return x.permute(0, 2, 3, 1)


def write(script, tensors, *packages):
    """Writes SCRIPT.safetensors beside the script: f32, f64 and int64 tensors, names sorted, versions as metadata, those of `packages` too."""
    header = {"__metadata__": {"torch": torch.__version__, "torchvision": torchvision.__version__} | {p: importlib.metadata.version(p) for p in packages}}
    blob = b""
    for name in sorted(tensors):
        a = tensors[name].detach().contiguous().numpy()
        kind = {"float32": "F32", "float64": "F64", "int64": "I64"}[str(a.dtype)]
        header[name] = {"dtype": kind, "shape": list(a.shape), "data_offsets": [len(blob), len(blob) + a.nbytes]}
        blob += a.tobytes()
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path = pathlib.Path(script).with_suffix(".safetensors")
    path.write_bytes(struct.pack("<Q", len(text)) + text + blob)
    print(path.name, len(tensors), "tensors,", path.stat().st_size, "bytes")
