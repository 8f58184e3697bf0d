"""Weighted box fusion by ensemble-boxes, the reference implementation of its paper, and temperatures by SciPy. Written with ensemble-boxes 1.0.9, scipy 1.17.1
and torch 2.15; the versions that wrote the file are in its metadata."""
import numpy as np
import torch
from ensemble_boxes import weighted_boxes_fusion
from scipy import optimize, special
from write import write

rng = np.random.default_rng(11)
out = {}


def fusion():
    """Views of a few objects, each found by some views near its place, and boxes that only one view has. Corners are parts of the image's side."""
    for i, (views, objects, iou) in enumerate([(4, 5, 0.55), (3, 12, 0.55), (5, 9, 0.4), (2, 6, 0.7), (4, 0, 0.55)]):
        places = rng.uniform(0.1, 0.7, (objects, 2))
        rows = []
        for v in range(views):
            for x, y in places:
                if rng.uniform() < 0.75:
                    rows.append([v, *(np.array([x, y, x + 0.2, y + 0.15]) + rng.normal(0, 0.015, 4)), rng.uniform(0.35, 1)])
            for _ in range(rng.integers(0, 3)):
                x, y = rng.uniform(0, 0.8, 2)
                rows.append([v, x, y, x + rng.uniform(0.05, 0.2), y + rng.uniform(0.05, 0.2), rng.uniform(0.35, 1)])
        rows = np.array(rows, dtype=np.float32).reshape(-1, 6)
        of_view = [rows[rows[:, 0] == v] for v in range(views)]
        boxes, scores, _ = weighted_boxes_fusion([r[:, 1:5] for r in of_view], [r[:, 5] for r in of_view], [np.zeros(len(r)) for r in of_view], iou_thr=iou,
                                                 conf_type="avg")
        out.update({f"fusion.{i}/boxes": torch.from_numpy(rows), f"fusion.{i}/settings": torch.tensor([views, iou], dtype=torch.float64),
                    f"fusion.{i}/fused": torch.from_numpy(np.concatenate([boxes, scores[:, None]], 1).astype(np.float64).reshape(-1, 5))})


def temperature():
    """Logits of which the true ones are another multiple; some probabilities are exactly 0 or 1."""
    for i, scale in enumerate([2.5, 0.4, 1.0]):
        logits = rng.normal(-0.5, 2, 1500)
        truth = rng.uniform(size=1500) < special.expit(logits / scale)
        p = special.expit(logits).astype(np.float32)
        p[:50], p[50:60] = 0, 1
        inside = (p > 0) & (p < 1)
        z, y = special.logit(p[inside].astype(np.float64)), truth[inside]

        def likelihood(t):
            return np.mean(np.logaddexp(0, z / t) - y * z / t)

        best = optimize.minimize_scalar(likelihood, bounds=(0.25, 20), method="bounded", options={"xatol": 1e-9}).x
        out.update({f"temperature.{i}/probability": torch.from_numpy(p), f"temperature.{i}/truth": torch.from_numpy(truth.astype(np.float32)),
                    f"temperature.{i}/best": torch.tensor([best, likelihood(1), likelihood(best)], dtype=torch.float64)})


fusion(), temperature()
write(__file__, out, "ensemble-boxes", "scipy", "numpy")
