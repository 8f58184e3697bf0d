"""PyTorch's times of what bench/gpu/*.cu measures, under the same names and in the same way (peer_measure.py): "NAME/TYPE milliseconds", or "-" where it
has no such kernel.
"""

import math

import torch
import torch.nn.functional as F

from peer_measure import both_ways, channels_last, milliseconds, normal, report

try:
    import torchvision
except ImportError:
    torchvision = None


def some_rois(count, low, high, dtype):
    rows = []
    for i in range(count):
        w, h = low + i * 53 % (high - low + 1), low + i * 31 % (high - low + 1)
        x, y = i * 37 % (256 - w), i * 71 % (256 - h)
        rows.append([i % 4, x, y, x + w, y + h])
    return torch.tensor(rows, device="cuda", dtype=dtype)


def roi_align(dtype):
    if torchvision is None:
        return
    sides = (64, 32, 16, 8)
    maps = [normal(4, 256, s, s, dtype=dtype) for s in sides]
    align = torchvision.ops.roi_align
    boxes = some_rois(2048, 16, 112, dtype)
    rows = [torch.nonzero(torch.arange(2048, device="cuda") // 4 % 4 == level)[:, 0] for level in range(4)]

    def pooled(*levels):
        out = torch.zeros(2048, 256, 7, 7, device="cuda", dtype=dtype)
        for x, at, side in zip(levels, rows, sides):
            out = out.index_put((at,), align(x, boxes[at], 7, side / 256, 2))
        return out

    both_ways("roi_align_boxes", dtype, maps, pooled)
    few = some_rois(16, 20, 80, dtype)
    both_ways("roi_align_crops", dtype, maps, lambda *levels: [align(x, few, side, side / 256, 2) for x, side in zip(levels, sides)])


def fusion(dtype):
    logits = channels_last(16, 4, 64, 64, dtype=dtype)
    maps = [channels_last(16, 256, 64, 64, dtype=dtype) for _ in range(4)]

    def f(z, *x):
        w = torch.softmax(z, 1)
        return w[:, 0:1] * x[0] + w[:, 1:2] * x[1] + w[:, 2:3] * x[2] + w[:, 3:4] * x[3]

    both_ways("fusion", dtype, [logits, *maps], f)


def attention(dtype, batch, tokens, depth=32):
    """The fastest backend, forward and backward each."""
    from torch.nn.attention import SDPBackend, sdpa_kernel

    label = "bf16" if dtype == torch.bfloat16 else "f32"
    leaves = [normal(batch, 8, tokens, depth, dtype=dtype).requires_grad_() for _ in range(3)]
    dy = normal(batch, 8, tokens, depth, dtype=dtype)
    best = {"forward": math.inf, "backward": math.inf}
    for backend in (SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.CUDNN_ATTENTION, SDPBackend.MATH):
        try:
            with sdpa_kernel([backend]):
                with torch.no_grad():
                    best["forward"] = min(best["forward"], milliseconds(lambda: F.scaled_dot_product_attention(*leaves)))
                y = F.scaled_dot_product_attention(*leaves)
                best["backward"] = min(best["backward"], milliseconds(lambda: torch.autograd.grad(y, leaves, dy, retain_graph=True)))
        except RuntimeError:  # not for this type or size
            continue
    name = f"attention_{tokens}" + ("" if depth == 32 else f"_depth_{depth}")
    for way, time in best.items():
        print(f"{name}_{way}/{label} {time:.4f}" if time < math.inf else f"{name}_{way}/{label} -", flush=True)


def softmax(dtype):
    for name, *shape in (("softmax_256", 65536, 256, 1), ("softmax_5440", 4096, 5440, 1), ("softmax_columns", 64, 4, 65536)):
        both_ways(name, dtype, [normal(*shape, dtype=dtype)], lambda x: torch.softmax(x, 1))


def norms(dtype):
    x = channels_last(4, 256, 64, 64, dtype=dtype)
    weight, bias = (normal(256, dtype=torch.float32) for _ in range(2))
    mean, variance = torch.zeros(256, device="cuda"), torch.ones(256, device="cuda")
    both_ways("batch_norm", dtype, [x, weight, bias], lambda a, g, b: F.batch_norm(a, mean, variance, g, b, True))
    report("batch_norm_inference", dtype, lambda: F.batch_norm(x, mean, variance, weight, bias))
    tokens, gamma, beta = normal(4 * 5440, 256, dtype=dtype), normal(256, dtype=dtype), normal(256, dtype=dtype)
    both_ways("layer_norm", dtype, [tokens, gamma, beta], lambda a, g, b: F.layer_norm(a, (256,), g, b))


def chain(dtype):
    inputs = [normal(65536, 256, dtype=dtype), normal(256, dtype=dtype), normal(256, dtype=dtype)]
    both_ways("chain", dtype, inputs, lambda x, s, t: torch.relu(x * s + t) * torch.sigmoid(x))


def in_place(dtype):
    x, more, shift = normal(65536, 256, dtype=dtype), normal(65536, 256, dtype=dtype), normal(256, dtype=dtype)
    report("epilogue", dtype, lambda: x.add_(shift).relu_())
    report("add_into", dtype, lambda: x.add_(more))
    report("fill", dtype, lambda: x.fill_(1))


def windows(dtype):
    x = channels_last(16, 256, 32, 32, dtype=dtype)
    for name, how in (
        ("resize_aligned", dict(mode="bilinear", align_corners=True)),
        ("resize_half_pixel", dict(mode="bilinear", align_corners=False)),
        ("resize_nearest", dict(mode="nearest")),
    ):
        both_ways(name, dtype, [x], lambda a: F.interpolate(a, (64, 64), **how))
    both_ways("max_pool", dtype, [channels_last(4, 64, 128, 128, dtype=dtype)], lambda a: F.max_pool2d(a, 3, 2, 1))
    x = channels_last(16, 256, 64, 64, dtype=dtype)
    both_ways("avg_pool", dtype, [x], lambda a: F.avg_pool2d(a, 2))
    both_ways("global_avg_pool", dtype, [x], lambda a: a.mean((2, 3), keepdim=True))
    rows = x.permute(0, 2, 3, 1).reshape(-1, 256)
    report("sum_rows", dtype, lambda: rows.sum(0))
    w = channels_last(256, 1, 3, 3, dtype=dtype)
    both_ways("depthwise", dtype, [x, w], lambda a, k: F.conv2d(a, k, padding=1, groups=256))
    w = channels_last(256, 256, 3, 3, dtype=dtype)
    both_ways("conv2d_3x3", dtype, [channels_last(4, 256, 64, 64, dtype=dtype), w], lambda a, k: F.conv2d(a, k, padding=1))
    both_ways("conv2d_1x1", dtype, [x, channels_last(256, 256, 1, 1, dtype=dtype)], F.conv2d)
    up = [channels_last(4, 256, 64, 64, dtype=dtype), channels_last(256, 128, 2, 2, dtype=dtype), normal(128, dtype=dtype)]
    both_ways("conv_transpose2d_2x2", dtype, up, lambda a, k, b: F.conv_transpose2d(a, k, b, stride=2))


def moves(dtype):
    both_ways("permute_heads", dtype, [normal(16, 1024, 8, 32, dtype=dtype)], lambda x: x.permute(0, 2, 1, 3).contiguous())
    for name in ("transpose", "transposition"):
        both_ways(name, dtype, [normal(16, 1024, 256, dtype=dtype)], lambda x: x.transpose(1, 2).contiguous())
    both_ways("concat", dtype, [normal(16, 32, 32, 256, dtype=dtype) for _ in range(4)], lambda *x: torch.cat(x, 3))
    both_ways("slice", dtype, [normal(16, 32, 32, 1024, dtype=dtype)], lambda x: x[..., 256:512].contiguous())
    maps = [normal(4, side, side, 12, dtype=dtype) for side in (64, 32, 16, 8, 4)]
    first = [sum(m.numel() // 4 for m in maps[:level]) for level in range(4)]
    taken = [first[i % 4] + i // 4 * 37 % (maps[i % 4].numel() // 4) for i in range(1024)]
    rows = torch.tensor(taken, device="cuda")
    for name in ("gather_rows", "gather_device_rows"):
        both_ways(name, dtype, maps, lambda *x: torch.cat([m.reshape(-1, 4) for m in x])[rows])
    x = channels_last(16, 256, 64, 64, dtype=dtype)
    both_ways("dropout", dtype, [x], lambda a: F.dropout(a, 0.1))
    both_ways("channel_dropout", dtype, [x], lambda a: F.dropout2d(a, 0.1))
    other = torch.float32 if dtype == torch.bfloat16 else torch.bfloat16
    wide = normal(16 << 20, dtype=dtype)
    report("cast", dtype, lambda: wide.to(other))


def losses(dtype):
    y, x = torch.meshgrid(*(torch.arange(64, device="cuda") - 32 for _ in range(2)), indexing="ij")
    radius = 8 + torch.arange(1024, device="cuda")[:, None, None] % 20
    t = ((y * y + x * x) < radius * radius).to(dtype)[:, None]
    logits = normal(1024, 1, 64, 64, dtype=dtype)
    around = -torch.ones(1, 1, 3, 3, device="cuda", dtype=dtype)
    around[..., 1, 1] = 8

    def dice(p, q):
        return 1 - (2 * (p * q).sum() + 1e-6) / (p.sum() + q.sum() + 1e-6)

    def focal(z):
        ce = F.binary_cross_entropy_with_logits(z, t, reduction="none")
        return (0.25 * (1 - torch.exp(-ce)) ** 2 * ce).mean()

    def rise(p):
        return F.max_pool2d(p, 3, 1, 1) - p

    def boundary(p):
        return dice(rise(p), rise(t))

    def segmentation(z):
        p = torch.sigmoid(z)
        return 0.5 * dice(p, t) + 0.3 * focal(z) + 0.2 * boundary(p)

    def edges():
        return (F.conv2d(t, around, padding=1) > 0.1).to(dtype)

    weight = torch.tensor(10.0, device="cuda", dtype=dtype)

    def consistency(*levels):
        p = [torch.sigmoid(z) for z in levels]
        return sum(F.mse_loss(a, b) for a, b in zip(p, p[1:])) / 3

    both_ways("dice", dtype, [logits], lambda z: dice(torch.sigmoid(z), t))
    both_ways("focal", dtype, [logits], focal)
    both_ways("boundary", dtype, [logits], lambda z: boundary(torch.sigmoid(z)))
    both_ways("segmentation", dtype, [logits], segmentation)
    both_ways("edge", dtype, [logits], lambda z: F.binary_cross_entropy_with_logits(z, edges(), pos_weight=weight))
    both_ways("binary_cross_entropy", dtype, [logits], lambda z: F.binary_cross_entropy_with_logits(z, t))
    both_ways("consistency", dtype, [normal(1024, 1, 64, 64, dtype=dtype) for _ in range(4)], consistency)
    report("laplacian_edges", dtype, edges)
    target = normal(1 << 20, 4, dtype=dtype)
    both_ways("smooth_l1", dtype, [normal(1 << 20, 4, dtype=dtype)], lambda z: F.smooth_l1_loss(z, target, beta=1 / 9, reduction="sum"))
    labels = (torch.arange(2048, device="cuda") % 4 == 0).long()
    both_ways("cross_entropy", dtype, [normal(2048, 2, dtype=dtype)], lambda z: F.cross_entropy(z, labels))


def boxes_within(count, size, dtype):
    rows = []
    for i in range(count):
        w, h = 20 + i * 53 % 81, 20 + i * 31 % 81
        x, y = i * 37 % (size - w), i * 71 % (size - h)
        rows.append([x, y, x + w, y + h])
    return torch.tensor(rows, device="cuda", dtype=dtype)


def suppression(dtype):
    if torchvision is None:
        return
    boxes, i = boxes_within(4096, 512, dtype), torch.arange(4096, device="cuda")
    scores = ((i * 2731 % 4096) / 4096).to(dtype)
    report("nms", dtype, lambda: torchvision.ops.nms(boxes.float(), scores.float(), 0.7))
    report("nms_levels", dtype, lambda: torchvision.ops.batched_nms(boxes.float(), scores.float(), i % 5, 0.7))


def detector(dtype):
    """torchvision's own proposals and samples, of a head's results that are flat already."""
    if torchvision is None:
        return
    from torchvision.models.detection.anchor_utils import AnchorGenerator
    from torchvision.models.detection.image_list import ImageList
    from torchvision.models.detection.roi_heads import RoIHeads
    from torchvision.models.detection.rpn import RegionProposalNetwork

    sides, most = (64, 32, 16, 8, 4), dict(training=2000, testing=1000)
    generator = AnchorGenerator(tuple((32 << level,) for level in range(5)), ((0.5, 1.0, 2.0),) * 5)
    rpn = RegionProposalNetwork(generator, None, 0.7, 0.3, 256, 0.5, most, most, 0.7)
    heads = RoIHeads(None, None, None, 0.5, 0.5, 512, 0.25, None, 0.35, 0.5, 3)
    images = ImageList(torch.zeros(4, 3, 256, 256, device="cuda"), [(256, 256)] * 4)
    anchors = generator(images, [normal(4, 1, side, side, dtype=torch.float32) for side in sides])
    per_level = [side * side * 3 for side in sides]
    scores, deltas = normal(4 * sum(per_level), 1, dtype=dtype), normal(4 * sum(per_level), 4, dtype=dtype)

    def propose():
        with torch.no_grad():
            boxes = rpn.box_coder.decode(deltas.float(), anchors).view(4, -1, 4)
            return rpn.filter_proposals(boxes, scores.float(), images.image_sizes, per_level)[0]

    report("propose", dtype, propose)
    if dtype != torch.float32:
        return
    truth = boxes_within(32, 256, dtype).view(4, 8, 4)
    targets = [dict(boxes=b, labels=torch.ones(8, dtype=torch.int64, device="cuda")) for b in truth]

    def sample_anchors():
        labels, matched = rpn.assign_targets_to_anchors(anchors, targets)
        return rpn.fg_bg_sampler(labels), rpn.box_coder.encode(matched, anchors)

    proposals = propose()
    report("sample_anchors", dtype, sample_anchors)
    report("sample_proposals", dtype, lambda: heads.select_training_samples(list(proposals), targets))


def adamw():
    parameters = [torch.nn.Parameter(torch.randn(n, device="cuda")) for _ in range(40) for n in (1 << 20, 1 << 18, 1 << 16, 256)]
    for p in parameters:
        p.grad = torch.randn_like(p)
    optimiser = torch.optim.AdamW(parameters, lr=1e-4, weight_decay=1e-4, fused=True)

    def step():
        torch.nn.utils.clip_grad_norm_(parameters, 1.0, foreach=True)
        optimiser.step()

    report("adamw_clipped", torch.float32, step)


def main():
    print(f"# torch {torch.__version__}, torchvision {torchvision.__version__ if torchvision else 'missing'}, {torch.cuda.get_device_name()}")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False  # as accurate as what it is compared with
    torch.backends.cudnn.benchmark = True
    for dtype in (torch.float32, torch.bfloat16):
        roi_align(dtype)
        fusion(dtype)
        attention(dtype, 16, 256)
        attention(dtype, 4, 1360)
        attention(dtype, 1, 5440)
        attention(dtype, 4, 1360, 64)
        attention(dtype, 4, 1360, 48)
        softmax(dtype)
        norms(dtype)
        chain(dtype)
        in_place(dtype)
        windows(dtype)
        moves(dtype)
        losses(dtype)
        suppression(dtype)
        detector(dtype)
    adamw()


if __name__ == "__main__":
    main()
