"""Every loss of the reference (bench/reference/dcsnet.py) and of torchvision's detector, with gradients, in f64. Maps are N,H,W,1. Written with torch 2.15
and torchvision 0.29; the versions that wrote the file are in its metadata."""
import pathlib
import sys

import torch
import torch.nn.functional as F
from write import case, first, last, normal, write

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "bench" / "reference"))
import dcsnet  # noqa: E402

torch.manual_seed(0)
out = {}
for i, (n, h, w) in enumerate([(1, 1, 1), (1, 3, 3), (2, 8, 8), (3, 5, 7), (2, 16, 16)]):
    t = (torch.rand(n, h, w, 1) > 0.6).double()
    t[0, 0, 0] = 1
    target = first(t)
    losses = {
        "dice": lambda x: dcsnet.dice_loss(torch.sigmoid(first(x)), target),
        "focal": lambda x: dcsnet.focal_loss(first(x), target),
        "cross_entropy": lambda x: F.binary_cross_entropy_with_logits(first(x), target),
        "edge": lambda x: F.binary_cross_entropy_with_logits(first(x), dcsnet.laplacian_edges(target), pos_weight=torch.tensor(10.0).double()),
    }
    if h > 1:  # one pixel has no soft edge: 0 / 0 but for the smoothing
        losses["boundary"] = lambda x: dcsnet.dice_loss(dcsnet.soft_edge(torch.sigmoid(first(x))), dcsnet.soft_edge(target))
        losses["segmentation"] = lambda x: dcsnet.segmentation_loss(first(x), target)
    for name, f in losses.items():
        out |= {f"{name}.{i}/{k}": v for k, v in case(f, x=normal(n, h, w, 1, scale=2)).items()}
    levels = {f"level.{k}": normal(n, h, w, 1, scale=2) for k in range(4)}
    p = lambda x: torch.sigmoid(first(x))  # noqa: E731
    consistency = lambda **x: sum(F.mse_loss(p(x[f"level.{k}"]), p(x[f"level.{k + 1}"])) for k in range(3)) / 3  # noqa: E731
    out |= {f"consistency.{i}/{k}": v for k, v in case(consistency, **levels).items()}
    out |= {f"target.{i}": t, f"edges.{i}": last(dcsnet.laplacian_edges(target))}
    d = normal(n * h, 4, scale=0.2)
    out |= {f"smooth_l1.{i}/{k}": v for k, v in case(lambda x: F.smooth_l1_loss(x, torch.zeros_like(x), beta=1 / 9, reduction="sum"), x=d).items()}
    labels = torch.randint(0, 3, (n * h,))
    out |= {f"classes.{i}/{k}": v for k, v in case(lambda x: F.cross_entropy(x, labels), x=normal(n * h, 3, scale=3)).items()}
    out[f"labels.{i}"] = labels
write(__file__, out)
