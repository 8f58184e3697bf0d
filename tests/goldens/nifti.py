"""Writes nifti.json: small NIfTI-1 volumes as nibabel 5.4.2 writes them, their bytes in hexadecimal digits, with the values and spacings that nibabel reads.

    python tests/goldens/nifti.py        (needs nibabel and numpy)
"""
import gzip
import json
import pathlib

import nibabel
import numpy as np

rng = np.random.default_rng(1)
out = {}
for dtype in ("uint8", "int8", "int16", "uint16", "int32", "uint32", "float32", "float64", "int64", "uint64"):
  for order in ("<", ">"):
    low, high = (0, 200) if dtype.startswith("u") else (-100, 100)
    data = rng.integers(low, high, (3, 4, 2)).astype(np.dtype(dtype).newbyteorder(order))
    if dtype.startswith("float"):
      data = (data + 0.25).astype(data.dtype)
    header = nibabel.Nifti1Header(endianness=order)
    header.set_data_dtype(data.dtype)
    image = nibabel.Nifti1Image(data, np.diag([0.5, 0.75, 3.0, 1.0]), header)
    image.header.set_xyzt_units("mm")
    if dtype == "int16":
      image.header.set_slope_inter(0.5, -3)
    raw = image.to_bytes()
    if dtype == "uint16" and order == "<":
      raw = gzip.compress(raw, mtime=0)
      read = nibabel.Nifti1Image.from_bytes(gzip.decompress(raw))
    else:
      read = nibabel.Nifti1Image.from_bytes(raw)
    out[f"{dtype} {order}"] = {"file": raw.hex(), "extents": list(read.shape), "spacing": [float(z) for z in read.header.get_zooms()],
                               "values": np.asarray(read.get_fdata()).ravel(order="F").tolist()}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(out, separators=(",", ":")) + "\n")
