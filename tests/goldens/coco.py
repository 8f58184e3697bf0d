"""Writes coco.json: a file of COCO instances with each kind of segmentation, and what pycocotools 2.0.11 makes of it.

    python tests/goldens/coco.py        (needs pycocotools and numpy)

"expected" has a mask for each annotation as rows of 0 and 1. Runs are exact; pycocotools draws polygons on a grid five times as fine, so that pixels which
an outline passes through may differ from those whose centre is inside.
"""
import json
import pathlib

import numpy as np
from pycocotools import mask as tools

H, W = 40, 50
rng = np.random.default_rng(1)
y, x = np.mgrid[0:H, 0:W]
blobs = [((y - 12) ** 2 + (x - 20) ** 2 < 60), ((y - 25) ** 2 / 4 + (x - 33) ** 2 < 40) & (rng.random((H, W)) < 0.8), np.zeros((H, W), bool), np.ones((H, W), bool)]


def rle(mask, text):
  compressed = tools.encode(np.asfortranarray(mask.astype(np.uint8)))
  if text:
    return {"size": [H, W], "counts": compressed["counts"].decode()}
  flat, counts, last, run = mask.astype(int).ravel(order="F"), [], 0, 0
  for v in flat:
    if v != last:
      counts.append(run)
      last, run = v, 0
    run += 1
  return {"size": [H, W], "counts": counts + [run]}


segmentations = [rle(b, text) for b in blobs for text in (False, True)]
segmentations += [
    [[5.0, 5.0, 30.5, 7.25, 28.0, 30.0, 10.0, 24.75]],
    [[2.2, 2.2, 12.9, 3.1, 8.4, 14.6], [30.0, 10.0, 45.5, 12.5, 44.0, 35.0, 29.5, 33.0]],
    [[25.0, 2.0, 31.0, 18.0, 48.0, 18.0, 34.0, 26.0, 40.0, 38.0, 25.0, 30.0, 10.0, 38.0, 16.0, 26.0, 2.0, 18.0, 19.0, 18.0]],
    [[-10.0, 20.0, 25.0, -8.0, 60.0, 20.0, 25.0, 48.0]],
]
expected = []
for s in segmentations:
  runs = tools.frPyObjects(s, H, W) if isinstance(s, list) or isinstance(s["counts"], list) else s
  m = tools.decode(tools.merge(runs) if isinstance(runs, list) else runs)
  expected.append(["".join(map(str, row)) for row in m.tolist()])
out = {
    "images": [{"id": 7 + k, "file_name": f"sub/{k}.png", "height": H, "width": W} for k in range(len(segmentations))],
    "categories": [{"id": 1, "name": "polyp"}, {"id": 2, "name": "tool"}],
    "annotations": [{"id": k, "image_id": 7 + k, "category_id": 1, "iscrowd": 0, "segmentation": s} for k, s in enumerate(segmentations)],
    "expected": expected,
}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(out, separators=(",", ":")) + "\n")
