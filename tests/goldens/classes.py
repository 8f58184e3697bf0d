"""Losses over classes, with gradients, in f64: PyTorch's cross-entropy with weights and with pixels that are not labelled, and focal loss, Dice and
generalised Dice in its words. Maps are N,H,W,C; class maps N,H,W,1 with −1 where a pixel is not labelled. Written with torch 2.15; the versions that wrote the
file are in its metadata."""
import torch
import torch.nn.functional as F
from write import case, first, normal, write

torch.manual_seed(0)
out = {}
for i, (n, h, w, k) in enumerate([(1, 1, 1, 2), (1, 3, 3, 4), (2, 8, 8, 4), (3, 5, 7, 4), (2, 9, 9, 4)]):
    labels = torch.randint(0, min(k, 3), (n, h, w))  # of four classes the last occurs nowhere
    if h > 1:
        labels[torch.rand(n, h, w) < 0.2] = -1
    weights = (torch.rand(k) + 0.1).float()
    known = labels >= 0
    t = F.one_hot(labels.clamp(min=0), k) * known[..., None]
    size = t.sum((0, 1, 2)).double()
    present = size > 0

    def overlap(x):
        p = torch.softmax(x, -1) * known[..., None]
        return (p * t).sum((0, 1, 2)), p.sum((0, 1, 2)) + size

    def focal(x):
        ce = F.cross_entropy(first(x), labels, ignore_index=-1, reduction="none")
        return ((1 - torch.exp(-ce)) ** 2 * ce).sum() / known.sum()

    def dice(x, w=torch.ones(k).double()):
        both, total = overlap(x)
        loss = 1 - (2 * both + 1e-6) / (total + 1e-6)
        return (w * loss)[present].sum() / w[present].sum()

    def generalised(x):
        both, total = overlap(x)
        w = 1 / size[present] ** 2
        return 1 - 2 * (w * both[present]).sum() / (w * total[present]).sum()

    losses = {
        "cross_entropy": lambda x: F.cross_entropy(first(x), labels, ignore_index=-1),
        "weighted": lambda x: F.cross_entropy(first(x), labels, weights.double(), ignore_index=-1),
        "focal": focal,
        "dice": dice,
        "weighted_dice": lambda x: dice(x, weights.double()),
        "generalised": generalised,
    }
    for name, f in losses.items():
        out |= {f"{name}.{i}/{key}": v for key, v in case(f, x=normal(n, h, w, k, scale=2)).items()}
    out |= {f"labels.{i}": labels[..., None].float(), f"weights.{i}": weights}
write(__file__, out)
