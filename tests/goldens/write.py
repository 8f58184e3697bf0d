"""What the golden scripts share: a dictionary of tensors to a safetensors file, with the versions that made it.

The scripts need torch and torchvision; the tests need only the files, which are committed:

    python tests/goldens/NAME.py        (writes tests/goldens/NAME.safetensors)
"""
import json
import pathlib
import struct

import torch
import torchvision


def write(script, tensors):
    """Writes SCRIPT.safetensors beside the script: f32, f64 and int64 tensors, names sorted, versions as metadata."""
    header = {"__metadata__": {"torch": torch.__version__, "torchvision": torchvision.__version__}}
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
