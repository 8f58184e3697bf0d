"""Metrics of segmentation and detection, and their statistics, by MONAI, SciPy, scikit-learn and pycocotools: overlap and surface distances of masks, their
components, FROC, average precision of boxes, calibration, the signed-rank test, the bootstrap. Written with monai 1.6.1, scipy 1.17.1, scikit-learn 1.9.1,
pycocotools 2.0.11 and torch 2.15; the versions that wrote the file are in its metadata."""
import contextlib
import io

import numpy as np
import torch
from monai.metrics import (compute_average_surface_distance, compute_dice, compute_froc_curve_data, compute_froc_score, compute_hausdorff_distance, compute_iou,
                           compute_surface_dice)
from monai.metrics.calibration import CalibrationErrorMetric
from philox import resampled
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from scipy import ndimage, stats
from sklearn.calibration import calibration_curve
from sklearn.metrics import precision_score, recall_score
from write import write

rng = np.random.default_rng(7)
out = {}


def f32(a):
    return torch.from_numpy(np.asarray(a, dtype=np.float32))


def f64(a):
    return torch.from_numpy(np.asarray(a, dtype=np.float64))


def i64(a):
    return torch.from_numpy(np.asarray(a, dtype=np.int64))


def blobs(h, w, smooth, level):
    """Some smooth blobs, never none."""
    field = ndimage.gaussian_filter(rng.standard_normal((h, w)), smooth)
    return field > np.quantile(field, level)


def masks():
    for i, (h, w) in enumerate([(9, 12), (16, 16), (24, 31), (32, 20), (40, 40), (28, 36)]):
        truth = blobs(h, w, 1.5, 0.8)
        prediction = truth.copy() if i == 1 else ndimage.shift(truth, (i - 2, 1), order=0) | (blobs(h, w, 1, 0.93) if i > 2 else False)
        y, p = (torch.from_numpy(m)[None, None].float() for m in (truth, prediction))
        out[f"mask.{i}/truth"], out[f"mask.{i}/prediction"] = f32(truth), f32(prediction)
        out[f"mask.{i}/overlap"] = f64([compute_dice(p, y).item(), compute_iou(p, y).item(), precision_score(truth.ravel(), prediction.ravel()),
                                        recall_score(truth.ravel(), prediction.ravel())])
        surfaces = []
        for spacing, tolerance in (((1.0, 1.0), 1.0), ((1.0, 1.0), 2.0), ((0.7, 1.3), 1.0), ((0.5, 0.25), 0.5)):
            surfaces.append([compute_hausdorff_distance(p, y, include_background=True, percentile=95, spacing=spacing).item(),
                             compute_average_surface_distance(p, y, include_background=True, symmetric=True, spacing=spacing).item(),
                             compute_surface_dice(p, y, [tolerance], include_background=True, spacing=spacing).item()])
        out[f"mask.{i}/surfaces"] = f64(surfaces)
        out[f"mask.{i}/components"] = i64(ndimage.label(truth, np.ones((3, 3)))[0])
        out[f"mask.{i}/matches"] = i64(matches(truth, prediction))


def matches(truth, prediction):
    """For each true component the predicted one that it is matched with, or −1: pairs of IoU ≥ 0.1 by falling IoU."""
    (t, nt), (p, np_) = (ndimage.label(m, np.ones((3, 3))) for m in (truth, prediction))
    pairs = []
    for a in range(nt):
        for b in range(np_):
            both, either = ((t == a + 1) & (p == b + 1)).sum(), ((t == a + 1) | (p == b + 1)).sum()
            if both / either >= 0.1:
                pairs.append((-both / either, a, b))
    found = [-1] * nt
    for _, a, b in sorted(pairs):
        if found[a] < 0 and b not in found:
            found[a] = b
    return found


def froc():
    rates = (0.125, 0.25, 0.5, 1, 2, 4, 8)
    for i, (images, hits, misses, wrong) in enumerate([(4, 9, 3, 50), (20, 30, 8, 25), (7, 3, 1, 100)]):
        tp, fp = np.round(rng.beta(4, 2, hits), 2), np.round(rng.beta(2, 3, wrong), 2)  # rounded: some scores are equal
        # A missed lesion has probability 0, which MONAI's curve leaves out as the smallest of all.
        fps, sensitivity = compute_froc_curve_data(fp, np.concatenate([tp, np.zeros(misses)]), hits + misses, images)
        at = [compute_froc_score(fps, sensitivity, (rate,)) for rate in rates]
        out.update({f"froc.{i}/hit": f64(tp), f"froc.{i}/wrong": f64(fp), f"froc.{i}/counts": i64([images, misses]), f"froc.{i}/sensitivity": f64(at)})
        out[f"froc.{i}/mean"] = f64([compute_froc_score(fps, sensitivity, rates)])


def boxes():
    truth, found, rows_t, rows_p = [], [], [], []
    for image in range(12):
        for _ in range(rng.integers(0, 6) if image else 3):
            x, y, w, h = (int(v) for v in (*rng.integers(0, 160, 2), *rng.integers(4, 120, 2)))
            area = int(w * h * rng.uniform(0.6, 1))
            truth.append({"id": len(truth) + 1, "image_id": image, "category_id": 1, "bbox": [x, y, w, h], "area": area, "iscrowd": 0})
            rows_t.append([image, x, y, x + w, y + h, area])
            for _ in range(rng.integers(0, 3)):
                d = [x + int(rng.integers(-4, 5)), y + int(rng.integers(-4, 5)), max(2, w + int(rng.integers(-5, 6))), max(2, h + int(rng.integers(-5, 6)))]
                found.append({"image_id": image, "category_id": 1, "bbox": d, "score": round(float(rng.uniform()), 2)})
        for _ in range(rng.integers(0, 4)):
            d = [int(v) for v in (*rng.integers(0, 160, 2), *rng.integers(4, 120, 2))]
            found.append({"image_id": image, "category_id": 1, "bbox": d, "score": round(float(rng.uniform(0, 0.7)), 2)})
    rows_p = [[d["image_id"], d["bbox"][0], d["bbox"][1], d["bbox"][0] + d["bbox"][2], d["bbox"][1] + d["bbox"][3], d["score"]] for d in found]
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {"info": {}, "images": [{"id": i} for i in range(12)], "categories": [{"id": 1}], "annotations": truth}
        coco.createIndex()
        e = COCOeval(coco, coco.loadRes(found), "bbox")
        e.evaluate(), e.accumulate(), e.summarize()
    # AP, AP at 0.5, and AP of small, medium and large ones.
    out.update({"boxes/truth": f64(rows_t), "boxes/predicted": f64(rows_p), "boxes/ap": f64([e.stats[k] for k in (0, 1, 3, 4, 5)])})


def calibration():
    probability = rng.beta(0.4, 0.9, 3000).astype(np.float32)
    truth = rng.uniform(size=3000) < probability**1.5
    errors = []
    for bins in (10, 15):
        fraction, mean = calibration_curve(truth, probability, n_bins=bins, strategy="uniform")
        count = np.histogram(probability, np.linspace(0, 1, bins + 1))[0]
        errors.append(np.sum(np.abs(fraction - mean) * count[count > 0]) / count.sum())
        metric = CalibrationErrorMetric(num_bins=bins, include_background=True, calibration_reduction="expected")
        metric(torch.from_numpy(probability).reshape(1, 1, -1), torch.from_numpy(truth).reshape(1, 1, -1).float())
        assert abs(metric.aggregate().item() - errors[-1]) < 1e-5
    out.update({"calibration/probability": f32(probability), "calibration/truth": f32(truth), "calibration/error": f64(errors)})


def wilcoxon():
    for i, (n, method) in enumerate([(5, "exact"), (12, "exact"), (30, "exact"), (50, "exact"), (12, "ties"), (7, "ties"), (51, "approx"), (120, "approx")]):
        d = rng.normal(0.3, 1, n)
        if method == "ties" or n == 120:
            d = np.round(d * 2) / 2
        if method == "ties":
            d[d == 0] = 0.5
        r = stats.wilcoxon(d, method=stats.PermutationMethod(n_resamples=2**20) if method == "ties" else "asymptotic" if method == "approx" else method,
                           correction=False)
        out.update({f"wilcoxon.{i}/differences": f64(d), f"wilcoxon.{i}/result": f64([r.statistic, r.pvalue])})


def bootstrap():
    values, group = rng.beta(5, 2, 40), np.sort(rng.integers(0, 11, 40))
    group = np.unique(group, return_inverse=True)[1]
    means = []
    for r in range(300):
        drawn = np.concatenate([np.flatnonzero(group == g) for g in resampled(5, r, group.max() + 1)])
        means.append(values[drawn].mean())
    # SciPy's, each image a group: other random numbers, so equal but for its and our spread.
    s = stats.bootstrap((values,), np.mean, n_resamples=100000, method="percentile", rng=np.random.default_rng(1)).confidence_interval
    out.update({"bootstrap/values": f64(values), "bootstrap/group": i64(group), "bootstrap/interval": f64(np.percentile(means, [2.5, 97.5])),
                "bootstrap/scipy": f64([s.low, s.high])})


masks(), froc(), boxes(), calibration(), wilcoxon(), bootstrap()
write(__file__, out, "monai", "scipy", "scikit-learn", "pycocotools", "numpy")
