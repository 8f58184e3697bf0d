"""Writes resize.safetensors: what torchvision's resize (bilinear, antialias) makes of random images.

Usage: python resize.py [FILE]. Entries: N.in (height, width, channels; U8), N.out (F32).
"""
import json
import struct
import sys

import torch
import torchvision.transforms.v2.functional as F

# (in height, in width), (out height, out width): shrink, grow, one of each, by a lot, to the same size, to and from one pixel.
SIZES = [((23, 17), (8, 8)), ((7, 9), (20, 16)), ((31, 6), (12, 18)), ((64, 50), (5, 3)), ((11, 11), (11, 11)), ((9, 5), (1, 1)), ((1, 1), (4, 4))]


def main(path):
  g = torch.Generator().manual_seed(5)
  entries = {}
  for n, ((h, w), (oh, ow)) in enumerate(SIZES):
    x = torch.randint(0, 256, (3, h, w), generator=g, dtype=torch.uint8)
    entries[f"{n}.in"] = x.permute(1, 2, 0)
    entries[f"{n}.out"] = F.resize(x.double(), [oh, ow], antialias=True).float().permute(1, 2, 0)
  header, data = {}, b""
  for name, t in sorted(entries.items()):
    b = t.contiguous().numpy().tobytes()
    header[name] = {"dtype": "F32" if t.dtype == torch.float32 else "U8", "shape": list(t.shape), "data_offsets": [len(data), len(data) + len(b)]}
    data += b
  head = json.dumps(header).encode()
  open(path, "wb").write(struct.pack("<Q", len(head)) + head + data)


main(sys.argv[1] if len(sys.argv) > 1 else "resize.safetensors")
