"""Writes the same 20 images with a square each (one without) as COCO, YOLO and Kvasir-SEG have them, and a volume with labels as NIfTI.

Usage: python3 sources.py FOLDER
"""
import gzip
import json
import os
import random
import struct
import sys

from pictures import write_png

root = sys.argv[1]
for folder in ("images", "masks", "labels"):
  os.makedirs(f"{root}/{folder}")
r = random.Random(2)
side = 64
images, annotations, boxes = [], [], {}
for k in range(20):
  name = f"p{k % 5}_{k:02}"
  y, x, n = r.randrange(4, 40), r.randrange(4, 40), r.randrange(5, 16)
  n = 0 if k == 7 else n
  inside = lambda i, j: y <= i < y + n and x <= j < x + n
  write_png(f"{root}/images/{name}.png", [[200 if inside(i, j) else r.randrange(120) for j in range(side)] for i in range(side)], 8)
  write_png(f"{root}/masks/{name}.png", [[255 if inside(i, j) else 0 for j in range(side)] for i in range(side)], 8)
  images.append({"id": k, "file_name": name + ".png", "height": side, "width": side})
  corners = [(x, y), (x + n, y), (x + n, y + n), (x, y + n)]
  boxes[name] = {"height": side, "width": side, "bbox": []}
  if n == 0:
    continue
  annotations.append({"image_id": k, "category_id": 1, "segmentation": [[v for c in corners for v in c]]})
  boxes[name]["bbox"].append({"label": "polyp", "xmin": x, "ymin": y, "xmax": x + n - 1, "ymax": y + n - 1})
  with open(f"{root}/labels/{name}.txt", "w") as f:
    f.write("0 " + " ".join(str(v / side) for c in corners for v in c) + "\n")
with open(f"{root}/coco.json", "w") as f:
  json.dump({"images": images, "categories": [{"id": 1, "name": "polyp"}, {"id": 2, "name": "tool"}], "annotations": annotations}, f)
with open(f"{root}/kavsir_bboxes.json", "w") as f:
  json.dump(boxes, f)


def nifti(extents, spacing, values):
  """int16, little-endian."""
  header = bytearray(352)
  struct.pack_into("<i", header, 0, 348)
  struct.pack_into("<8h", header, 40, 3, *extents, 1, 1, 1, 1)
  struct.pack_into("<2h", header, 70, 4, 16)
  struct.pack_into("<8f", header, 76, 1, *spacing, 1, 1, 1, 1)
  struct.pack_into("<f", header, 108, 352)
  header[123] = 2
  header[344:348] = b"n+1\0"
  return bytes(header) + struct.pack(f"<{len(values)}h", *values)


extents = (64, 48, 16)
lesion = lambda i, j, k: 6 <= k < 10 and 20 <= i < 35 and 10 <= j < 30
voxels = [(i, j, k) for k in range(extents[2]) for j in range(extents[1]) for i in range(extents[0])]
with open(f"{root}/volume.nii.gz", "wb") as f:
  f.write(gzip.compress(nifti(extents, (0.5, 0.75, 3), [r.randrange(-1000, 200) + 500 * lesion(*v) for v in voxels])))
with open(f"{root}/labels.nii", "wb") as f:
  f.write(nifti(extents, (0.5, 0.75, 3), [2 * lesion(*v) for v in voxels]))
