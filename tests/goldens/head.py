"""The segmentation head of the reference (bench/reference/dcsnet.py) alone, width 32, base 32, on given crops. Written with torch 2.15 and torchvision
0.29; the versions that wrote the file are in its metadata.

weight/NAME: the state dict. input/crop.I (N,C,H,W), input/masks.
head/: evaluation mode, tokens, attended, weights, fused and logits; loss/total.
train/: training mode (batch statistics, every dropout 0), logits, each loss, and stat/NAME, the running statistics after it.
grad/NAME, grad/crop.I: of train/total. Computed in f64 and stored as f32, which is exact to 3e-8 of each norm.
"""
import pathlib
import sys

import torch
from torch import nn

from write import write

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "bench" / "reference"))
import dcsnet  # noqa: E402

torch.manual_seed(0)
regions, width, base = 2, 32, 32
head = dcsnet.SegmentationHead(width, base)
head.align = [lambda crop, rois: crop] * 4
for m in head.modules():
    if isinstance(m, nn.BatchNorm2d):  # statistics that a wrong batch norm would not survive
        m.running_mean.normal_(0, 0.1)
        m.running_var.uniform_(0.5, 1.5)
        m.weight.data.uniform_(0.5, 1.5)
        m.bias.data.normal_(0, 0.1)
    if isinstance(m, (nn.Dropout, nn.Dropout2d)):
        m.p = 0.0
    if isinstance(m, nn.MultiheadAttention):
        m.dropout = 0.0
crops = [torch.randn(regions, width, base >> i, base >> i) for i in range(4)]
masks = torch.zeros(regions, 1, base, base)
masks[0, :, 6:22, 9:27] = 1
masks[1, :, 12:31, 3:13] = 1
blob = {f"weight/{k}": v.clone() for k, v in head.state_dict().items() if v.is_floating_point()}
blob |= {f"input/crop.{i}": x for i, x in enumerate(crops)} | {"input/masks": masks}

head.double().eval()
leaves, target, trace = [x.double().requires_grad_() for x in crops], masks.double(), {}
with torch.no_grad():
    out = head(leaves, leaves[0], trace)
blob |= {f"head/{k}": v for k, v in (trace | out).items() if not k.startswith("crop.")}
blob["loss/total"] = dcsnet.total_loss(out, target)

head.train()
out = head(leaves, leaves[0])
total = dcsnet.total_loss(out, target)
total.backward()
p = torch.sigmoid(out["main"])
blob |= {f"train/{k}": v for k, v in out.items()} | {"train/total": total}
blob |= {"train/dice": dcsnet.dice_loss(p, target), "train/focal": dcsnet.focal_loss(out["main"], target),
         "train/boundary": dcsnet.dice_loss(dcsnet.soft_edge(p), dcsnet.soft_edge(target)),
         "train/segmentation": dcsnet.segmentation_loss(out["main"], target)}
blob |= {f"stat/{k}": v for k, v in head.state_dict().items() if "running" in k}
blob |= {f"grad/{k}": v.grad for k, v in head.named_parameters()} | {f"grad/crop.{i}": x.grad for i, x in enumerate(leaves)}
write(__file__, {k: v.float() for k, v in blob.items()})
