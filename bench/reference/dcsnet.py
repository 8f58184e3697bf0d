"""DCSNet's network and losses in PyTorch + torchvision: what dcs is compared with.

An oracle (`python dcsnet.py goldens OUT`) and a peer to time (`python dcsnet.py time`), never a dependency.
`python3 -m venv v && v/bin/pip install torch torchvision numpy` suffices (tried: torch 2.15 with torchvision 0.29; 5.4 GB, two
minutes; no GPU needed). Feature maps are N,C,H,W here and N,H,W,C in dcs; the state-dict names are the ones dcs reads
and writes, so a checkpoint moves between the two. What surrounds the network (boxes from masks, jitter, choice of RoIs, target crops,
pasting, metrics, augmentation, schedule) is not here.
"""
import argparse
import json
import struct
import time

import torch
import torch.nn.functional as F
import torchvision
from torch import nn
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection._utils import BalancedPositiveNegativeSampler
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.ops import FrozenBatchNorm2d, RoIAlign

STRIDES = (4, 8, 16, 32)  # of P2..P5
TOKENS = 8  # token grid side per level, less where the crop is smaller


def upsample(x, size):
    return F.interpolate(x, size=size, mode="bilinear", align_corners=True)


class Enhance(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.pointwise = nn.Conv2d(d, d, 1)
        self.depthwise = nn.Conv2d(d, d, 3, padding=1, groups=d)

    def forward(self, x):
        return F.relu(self.depthwise(self.pointwise(x)))


class Encoder(nn.Module):
    def __init__(self, d, dropout):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(d, d, 3, padding=1), nn.BatchNorm2d(d)
        self.conv2, self.norm2 = nn.Conv2d(d, d, 3, padding=1), nn.BatchNorm2d(d)
        self.dropout = nn.Dropout2d(dropout)

    def forward(self, x):
        x = self.dropout(F.relu(self.norm1(self.conv1(x))))
        return F.relu(self.norm2(self.conv2(x)))


class SkipFusion(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(2 * d, d, 1), nn.BatchNorm2d(d)

    def forward(self, skip, deeper):
        deeper = upsample(deeper, skip.shape[-2:])
        return F.relu(self.norm(self.conv(torch.cat([skip, deeper], 1))))


class Refine(nn.Module):
    """Depthwise-separable 3x3 with squeeze-and-excite and a 1x1 shortcut; one instance serves five calls."""

    def __init__(self, d):
        super().__init__()
        self.depthwise = nn.Conv2d(d, d, 3, padding=1, groups=d)
        self.pointwise = nn.Conv2d(d, d, 1)
        self.squeeze, self.excite = nn.Conv2d(d, d // 4, 1), nn.Conv2d(d // 4, d, 1)
        self.shortcut = nn.Conv2d(d, d, 1)

    def forward(self, x):
        y = F.relu(self.pointwise(self.depthwise(x)))
        scale = torch.sigmoid(self.excite(F.relu(self.squeeze(y.mean((2, 3), keepdim=True)))))
        return F.relu(y * scale + self.shortcut(x))


class Gate(nn.Module):
    """Eq. 8: per-pixel softmax weights over the four levels, from their concatenation (deepest first)."""

    def __init__(self, d, levels=4):
        super().__init__()
        g = d // 4
        self.conv1, self.norm1 = nn.Conv2d(levels * d, g, 3, padding=1), nn.BatchNorm2d(g)
        self.conv2, self.norm2 = nn.Conv2d(g, g, 3, padding=1), nn.BatchNorm2d(g)
        self.conv3 = nn.Conv2d(g, levels, 1)

    def forward(self, features):
        x = F.relu(self.norm1(self.conv1(torch.cat(features, 1))))
        return torch.softmax(self.conv3(F.relu(self.norm2(self.conv2(x)))), 1)


class Head(nn.Module):
    """A chain of 3x3 conv + BN + ReLU (+ dropout) and a 1x1 projection to one logit."""

    def __init__(self, *widths, dropout=0.0):
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in zip(widths, widths[1:]))
        self.norms = nn.ModuleList(nn.BatchNorm2d(b) for b in widths[1:])
        self.project = nn.Conv2d(widths[-1], 1, 1)
        self.dropout = nn.Dropout2d(dropout)

    def forward(self, x):
        for conv, norm in zip(self.convs, self.norms):
            x = self.dropout(F.relu(norm(conv(x))))
        return self.project(x)


class SegmentationHead(nn.Module):
    """RoIs of one size -> logits. `msfa=False` is the ablation of the paper's Table 5."""

    def __init__(self, d=256, base=64, layers=4, heads=8, dropout=0.2, msfa=True):
        super().__init__()
        self.sizes = [base >> i for i in range(4)]
        self.align = [RoIAlign(s, 1 / t, sampling_ratio=2, aligned=False) for s, t in zip(self.sizes, STRIDES)]
        self.msfa = msfa
        self.enhance = nn.ModuleList(Enhance(d) for _ in range(4))
        self.encoder = nn.ModuleList(Encoder(d, dropout) for _ in range(4))
        self.grids = [min(s, TOKENS) for s in self.sizes]
        patch = [s // g for s, g in zip(self.sizes, self.grids)]
        self.embed = nn.ModuleList(nn.Conv2d(d, d, p, stride=p) for p in patch)
        self.level_embedding = nn.Parameter(torch.empty(4, d))
        self.position_embedding = nn.Parameter(torch.empty(sum(g * g for g in self.grids), d))
        nn.init.trunc_normal_(self.level_embedding, std=0.02)
        nn.init.trunc_normal_(self.position_embedding, std=0.02)
        if msfa:
            self.transformer = nn.ModuleList(
                nn.TransformerEncoderLayer(d, heads, 4 * d, dropout, batch_first=True) for _ in range(layers))
            self.refine = Refine(d)
            self.gate = Gate(d)
        self.decoder = nn.ModuleList(SkipFusion(d) for _ in range(3))  # P2, P3, P4
        self.level_head = nn.ModuleList(Head(d, d // 2) for _ in range(4))
        self.main_head = Head(d, d // 2, d // 4, dropout=dropout)
        self.edge_head = Head(d, d // 4)

    def forward(self, pyramid, rois, trace=None):
        note = (lambda k, v: None) if trace is None else trace.__setitem__
        encoded, tokens = [], []
        for i in range(4):
            crop = self.align[i](pyramid[i], rois)
            note(f"crop.{i}", crop)
            e = self.encoder[i](self.enhance[i](crop))
            encoded.append(e)
            tokens.append(self.embed[i](e).flatten(2).transpose(1, 2) + self.level_embedding[i])
        x = torch.cat(tokens, 1) + self.position_embedding
        note("tokens", x)
        if self.msfa:
            for layer in self.transformer:
                x = layer(x)
        note("attended", x)
        n, d, g = len(rois), x.shape[-1], self.grids[3]
        deepest = x[:, -g * g:].transpose(1, 2).reshape(n, d, g, g)
        decoded = [upsample(deepest, encoded[3].shape[-2:])]  # deepest first: D5, D4, D3, D2
        for i in (2, 1, 0):
            decoded.append(self.decoder[i](encoded[i], decoded[-1]))
        full = [upsample(f, self.sizes[0]) for f in decoded]
        if self.msfa:
            full = [self.refine(f) for f in full]
        out = {f"level.{i}": self.level_head[i](full[3 - i]) for i in range(4)}
        if self.msfa:
            weights = self.gate(full)
            note("weights", weights)
            fused = self.refine(sum(f * weights[:, i:i + 1] for i, f in enumerate(full)))
        else:
            fused = sum(full) / 4
        note("fused", fused)
        out["main"], out["edge"] = self.main_head(fused), self.edge_head(fused)
        return out


class DCSNet(nn.Module):
    """`scratch`: a backbone with trainable batch norm and stem, as training without ImageNet weights needs."""

    def __init__(self, size=256, base=64, d=256, msfa=True, depth=50, scratch=False):
        super().__init__()
        norm = nn.BatchNorm2d if scratch else FrozenBatchNorm2d
        resnet = torchvision.models.get_model(f"resnet{depth}", weights=None, norm_layer=norm)
        resnet.conv1.requires_grad_(scratch)
        width = resnet.inplanes // 8  # channels of C2
        backbone = BackboneWithFPN(resnet, {f"layer{i + 1}": str(i) for i in range(4)}, [width << i for i in range(4)], d)
        self.detector = FasterRCNN(backbone, 2, min_size=size, max_size=size, image_mean=[0.0] * 3,
                                   image_std=[1.0] * 3, box_score_thresh=0.35, box_nms_thresh=0.5,
                                   box_detections_per_img=3)
        self.head = SegmentationHead(d, base, msfa=msfa)

    def losses(self, images, targets, rois, masks):
        """images: list of 3,H,W; targets: list of {boxes, labels}; rois: K,5; masks: K,1,base,base."""
        kept = {}
        hook = self.detector.backbone.register_forward_hook(lambda m, i, o: kept.update(o))
        detection = self.detector(images, targets)
        hook.remove()
        return {**detection, "segmentation": total_loss(self.head([kept[k] for k in "0123"], rois), masks)}


def soft_edge(x):
    return F.max_pool2d(x, 3, 1, 1) - x


def dice_loss(p, t, smooth=1e-6):
    return 1 - (2 * (p * t).sum() + smooth) / (p.sum() + t.sum() + smooth)


def focal_loss(logits, t, alpha=0.25, gamma=2.0):
    ce = F.binary_cross_entropy_with_logits(logits, t, reduction="none")
    return (alpha * (1 - torch.exp(-ce)) ** gamma * ce).mean()


def segmentation_loss(logits, t):
    p = torch.sigmoid(logits)
    return 0.5 * dice_loss(p, t) + 0.3 * focal_loss(logits, t) + 0.2 * dice_loss(soft_edge(p), soft_edge(t))


def laplacian_edges(t):
    kernel = -torch.ones(1, 1, 3, 3, dtype=t.dtype, device=t.device)
    kernel[0, 0, 1, 1] = 8
    return (F.conv2d(t, kernel, padding=1) > 0.1).to(t.dtype)


def total_loss(out, t, w=(0.7, 0.8, 0.9, 1.0), edge_weight=0.2, consistency_weight=0.05):
    """Eq. 11 with the levels P2..P5 weighted w."""
    levels = [out[f"level.{i}"] for i in range(4)]
    loss = segmentation_loss(out["main"], t) + sum(wi * segmentation_loss(y, t) for wi, y in zip(w, levels))
    edge = F.binary_cross_entropy_with_logits(out["edge"], laplacian_edges(t), pos_weight=torch.full((), 10.0, device=t.device))
    p = [torch.sigmoid(y) for y in levels]
    consistency = sum(F.mse_loss(a, b) for a, b in zip(p, p[1:])) / 3
    return loss + edge_weight * edge + consistency_weight * consistency


def save_safetensors(path, tensors, **metadata):
    header, at = {"__metadata__": {k: str(v) for k, v in metadata.items()}}, 0
    arrays = {name: tensors[name].detach().contiguous().numpy() for name in sorted(tensors)}
    for name, a in arrays.items():
        kind = {"float32": "F32", "float64": "F64", "int64": "I64"}[str(a.dtype)]
        header[name] = {"dtype": kind, "shape": list(a.shape), "data_offsets": [at, at + a.nbytes]}
        at += a.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for a in arrays.values():
            f.write(a.tobytes())


def random_batch(n, size, rois_per_image, base):
    images = [torch.rand(3, size, size) for _ in range(n)]
    targets, rois = [], []
    for i in range(n):
        centre, half = torch.rand(rois_per_image, 2) * size * 0.8 + size * 0.1, torch.rand(rois_per_image, 2) * 12 + 6
        boxes = torch.cat([centre - half, centre + half], 1).clamp(0, size)
        targets.append({"boxes": boxes, "labels": torch.ones(rois_per_image, dtype=torch.int64)})
        rois.append(torch.cat([torch.full((rois_per_image, 1), float(i)), boxes], 1))
    masks = (torch.rand(n * rois_per_image, 1, base, base) > 0.5).float()
    return images, targets, torch.cat(rois), masks


def outcomes(net, images, targets, rois, masks):
    """All that the network makes of its inputs, in their precision, by name."""
    net.eval()
    trace, blob = {}, {}
    with torch.no_grad():
        pyramid = net.detector.backbone(torch.stack(images))
        out = net.head([pyramid[k] for k in "0123"], rois, trace)
        blob.update({f"pyramid/{k}": v for k, v in pyramid.items()})
        blob.update({f"head/{k}": v for k, v in {**trace, **out}.items()})
        blob["loss/total"] = total_loss(out, masks)
        for i, found in enumerate(net.detector(images)):
            blob.update({f"detections/{i}.{k}": v for k, v in found.items()})

    net.train()
    leaves = [pyramid[k].clone().requires_grad_() for k in "0123"]
    out = net.head(leaves, rois)
    loss = total_loss(out, masks)
    loss.backward()
    blob.update({f"train/{k}": v for k, v in out.items()} | {"train/loss": loss})
    blob.update({f"grad/pyramid.{i}": v.grad for i, v in enumerate(leaves)})
    blob.update({f"grad/{k}": v.grad for k, v in net.named_parameters() if v.grad is not None})

    net.zero_grad(set_to_none=True)
    kept = {}
    hook = net.detector.rpn.register_forward_hook(lambda m, i, o: kept.update(proposals=o[0]))
    losses = net.detector(images, targets)
    hook.remove()
    sum(losses.values()).backward()
    blob.update({f"train.detector/{k}": v for k, v in losses.items()})
    blob.update({f"train.detector/proposals.{i}": v for i, v in enumerate(kept["proposals"])})
    blob.update({f"grad.detector/{k}": v.grad for k, v in net.named_parameters() if v.grad is not None})
    net.zero_grad(set_to_none=True)
    return {k: v.detach().clone() for k, v in blob.items()}


def goldens(path, net, seed, metadata):
    """One file with the weights and inputs (f32) and what the network makes of them (computed in f64).

    pyramid/, head/, loss/, detections/: evaluation mode.
    train/, grad/, train.detector/, grad.detector/: training mode (batch statistics), every dropout 0, samplers that take
    every candidate, so that nothing is random. grad/ is of the segmentation loss (grad/pyramid.* too), grad.detector/ of
    the sum of the four detector losses.
    f32_error/NAME: norm(f32 - f64) / norm(f64) of PyTorch's own f32, where both have one shape.
    """
    for m in net.modules():
        if isinstance(m, (nn.BatchNorm2d, FrozenBatchNorm2d)):  # statistics that a wrong batch norm would not survive
            m.running_mean.normal_(0, 0.1)
            m.running_var.uniform_(0.5, 1.5)
            m.weight.data.uniform_(0.5, 1.5)
            m.bias.data.normal_(0, 0.1)
        if isinstance(m, (nn.Dropout, nn.Dropout2d)):
            m.p = 0.0
        if isinstance(m, nn.MultiheadAttention):
            m.dropout = 0.0
    net.detector.rpn.fg_bg_sampler = BalancedPositiveNegativeSampler(10**6, 0.5)
    net.detector.roi_heads.fg_bg_sampler = BalancedPositiveNegativeSampler(10**6, 0.25)
    images, targets, rois, masks = random_batch(2, metadata["size"], 2, metadata["base"])
    weights = {k: v.clone() for k, v in net.state_dict().items() if v.is_floating_point()}
    single = outcomes(net, images, targets, rois, masks)
    net.load_state_dict(weights, strict=False)
    net.double()
    double = outcomes(net, [x.double() for x in images], [{**t, "boxes": t["boxes"].double()} for t in targets],
                      rois.double(), masks.double())
    blob = {f"weight/{k}": v for k, v in weights.items()} | double
    blob |= {"input/images": torch.stack(images), "input/rois": rois, "input/masks": masks}
    blob |= {f"input/boxes.{i}": t["boxes"] for i, t in enumerate(targets)}
    for k, v in double.items():
        if v.is_floating_point() and v.shape == single[k].shape and v.norm() > 0:
            blob[f"f32_error/{k}"] = (single[k].double() - v).norm() / v.norm()
    save_safetensors(path, blob, seed=seed, torch=torch.__version__, **metadata)
    print(path, len(blob), "tensors")


def clock(net, size, batch, base, dtype, steps, inference):
    """Seconds of each step: `batch` images, one given RoI each; training is forward, backward, clipping and AdamW."""
    net.to(memory_format=torch.channels_last)
    images, targets, rois, masks = random_batch(batch, size, 1, base)
    kept = {}
    net.detector.backbone.register_forward_hook(lambda m, i, o: kept.update(o))
    optimiser = torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], 2e-4, weight_decay=1e-4)
    for step in range(steps):
        start, loss = time.perf_counter(), torch.zeros(())
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == "bf16"), torch.inference_mode(inference):
            if inference:
                net.eval().detector(images)
                net.head([kept[k] for k in "0123"], rois)
            else:
                loss = sum(net.train().losses(images, targets, rois, masks).values())
        if not inference:
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
        print(f"step {step} loss {loss.item():.4f} {time.perf_counter() - start:.3f} s", flush=True)


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("command", choices=["count", "goldens", "time"])
    p.add_argument("out", nargs="?", default="goldens.safetensors")
    p.add_argument("--size", type=int, default=256, help="image side, pixels")
    p.add_argument("--base", type=int, default=64, help="H, side of the largest crop")
    p.add_argument("--depth", type=int, default=50, help="of the ResNet: 18, 34, 50, 101")
    p.add_argument("--width", type=int, default=256, help="d, channels of pyramid and head")
    p.add_argument("--no-msfa", action="store_true", help="Table 5: mean fusion")
    p.add_argument("--scratch", action="store_true", help="backbone with trainable batch norm and stem")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--batch", type=int, default=4, help="time: images a step")
    p.add_argument("--steps", type=int, default=3, help="time: how many")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--dtype", choices=["f32", "bf16"], default="f32", help="time: bf16 is autocast")
    p.add_argument("--inference", action="store_true", help="time: evaluation mode, no gradients")
    a = p.parse_args()
    torch.manual_seed(a.seed)
    torch.set_num_threads(a.threads)
    net = DCSNet(a.size, a.base, a.width, not a.no_msfa, a.depth, a.scratch)
    if a.command == "count":
        total, trained = (sum(x.numel() for x in net.parameters() if x.requires_grad or every) for every in (True, False))
        print("all", total, "trainable", trained, "head", sum(x.numel() for x in net.head.parameters()))
    elif a.command == "goldens":
        goldens(a.out, net, a.seed, {"size": a.size, "base": a.base, "depth": a.depth, "width": a.width,
                                     "msfa": not a.no_msfa, "scratch": a.scratch})
    else:
        clock(net, a.size, a.batch, a.base, a.dtype, a.steps, a.inference)
