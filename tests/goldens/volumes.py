"""Convolutions, transposed convolutions, pooling and resizing of rows and volumes, with gradients, in f64: maps as N,L,C and N,D,H,W,C, weights as
K,in/groups,out and H,W,D,in/groups,out (of a transposed one K,out/groups,in). "ties" has small integers, so that windows hold their maximum more
than once. Layers are as in layers.py; "block" is a step of a 3-D UNet: convolution, batch norm and ReLU, pooled, and doubled again beside the skip."""
import torch
import torch.nn.functional as F
from torch import nn
from write import case, normal, write

torch.manual_seed(0)
out = {}


def first(x):
    """Channels from the last to the second axis."""
    return x.movedim(-1, 1)


def last(x):
    return x.movedim(1, -1)


def kernel(w):
    """K,in,out to out,in,K; H,W,D,in,out to out,in,D,H,W."""
    return w.permute(2, 1, 0) if w.dim() == 3 else w.permute(4, 3, 2, 0, 1)


def add(name, f, **inputs):
    out.update({f"{name}/{k}": v for k, v in case(f, **inputs).items()})


# name: (map without channels, kernel, in, out, stride, padding, dilation, groups, bias); kernels of volumes as H,W,D
convolutions = {
    "conv1d.same": ((2, 9), (3,), 5, 7, 1, 1, 1, 1, True), "conv1d.wide": ((1, 20), (5,), 24, 32, 1, 2, 1, 1, True),
    "conv1d.strided": ((2, 11), (4,), 6, 4, 3, 1, 1, 1, False), "conv1d.dilated": ((2, 12), (3,), 4, 6, 1, 2, 2, 1, True),
    "conv1d.grouped": ((2, 8), (3,), 6, 9, 2, 1, 1, 3, True), "conv1d.depthwise": ((1, 9), (3,), 8, 8, 1, 1, 1, 8, False),
    "conv1d.point": ((3, 4), (1,), 8, 5, 1, 0, 1, 1, True), "conv1d.one": ((2, 1), (3,), 2, 3, 1, 1, 1, 1, True),
    "conv3d.same": ((2, 4, 5, 6), (3, 3, 3), 3, 5, 1, 1, 1, 1, True), "conv3d.wide": ((1, 3, 8, 8), (3, 3, 3), 16, 18, 1, 1, 1, 1, True),
    "conv3d.strided": ((1, 7, 6, 5), (3, 3, 3), 4, 6, 2, 1, 1, 1, False), "conv3d.dilated": ((1, 6, 7, 5), (3, 3, 3), 3, 4, 1, 2, 2, 1, True),
    "conv3d.grouped": ((2, 4, 3, 5), (3, 3, 3), 6, 4, 1, 1, 1, 2, True), "conv3d.depthwise": ((1, 4, 4, 4), (3, 3, 3), 6, 6, 2, 1, 1, 6, False),
    "conv3d.point": ((2, 3, 2, 4), (1, 1, 1), 8, 3, 1, 0, 1, 1, True), "conv3d.slices": ((1, 4, 6, 5), (3, 3, 1), 3, 4, 1, 0, 1, 1, True),
    "conv3d.uneven": ((1, 5, 6, 4), (2, 1, 4), 3, 4, 1, 0, 1, 1, False), "conv3d.one": ((2, 1, 1, 1), (3, 3, 3), 2, 3, 1, 1, 1, 1, True),
}  # fmt: skip
for name, (size, k, channels, outputs, stride, padding, dilation, groups, bias) in convolutions.items():
    conv = F.conv1d if len(k) == 1 else F.conv3d
    inputs = {"x": normal(*size, channels), "w": normal(*k, channels // groups, outputs, scale=0.3)} | ({"b": normal(outputs)} if bias else {})
    add(name, lambda x, w, b=None: last(conv(first(x), kernel(w), b, stride, padding, dilation, groups)), **inputs)

# name: (map without channels, kernel, in, out, stride, padding, output padding, groups, dilation, bias)
transposed = {
    "up1d.double": ((2, 5), (2,), 6, 4, 2, 0, 0, 1, 1, True), "up1d.overlapping": ((1, 6), (4,), 5, 3, 2, 1, 0, 1, 1, False),
    "up1d.grouped": ((2, 4), (3,), 6, 8, 2, 1, 1, 2, 1, True),
    "up3d.double": ((2, 2, 3, 4), (2, 2, 2), 6, 4, 2, 0, 0, 1, 1, True), "up3d.plain": ((1, 4, 3, 5), (3, 3, 3), 4, 5, 1, 1, 0, 1, 1, False),
    "up3d.overlapping": ((1, 3, 4, 2), (3, 3, 3), 4, 3, 2, 1, 1, 1, 1, True), "up3d.grouped": ((1, 2, 3, 3), (3, 3, 3), 6, 4, 2, 1, 0, 2, 1, True),
    "up3d.dilated": ((1, 3, 4, 3), (3, 3, 3), 3, 2, 2, 2, 1, 1, 2, True), "up3d.uneven": ((1, 3, 2, 4), (2, 1, 3), 3, 4, 2, 0, 0, 1, 1, False),
    "up3d.point": ((2, 2, 3, 2), (1, 1, 1), 5, 4, 1, 0, 0, 1, 1, True),
}  # fmt: skip
for name, (size, k, channels, outputs, stride, padding, output_padding, groups, dilation, bias) in transposed.items():
    conv = F.conv_transpose1d if len(k) == 1 else F.conv_transpose3d
    inputs = {"x": normal(*size, channels), "w": normal(*k, outputs // groups, channels, scale=0.3)} | ({"b": normal(outputs)} if bias else {})
    add(name, lambda x, w, b=None: last(conv(first(x), kernel(w), b, stride, padding, output_padding, groups, dilation)), **inputs)

for name, size in {"1d.rows": (2, 9, 5), "1d.long": (1, 12, 19), "3d.odd": (2, 5, 7, 5, 3), "3d.even": (1, 4, 6, 4, 5), "3d.small": (1, 3, 3, 3, 1)}.items():
    largest, average, mean = (F.max_pool1d, F.avg_pool1d, F.adaptive_avg_pool1d) if name[0] == "1" else (F.max_pool3d, F.avg_pool3d, F.adaptive_avg_pool3d)
    for k, stride, padding in ((3, 2, 1), (3, 1, 1), (2, 2, 0)):
        add(f"max{name}.{k}.{stride}.{padding}", lambda x: last(largest(first(x), k, stride, padding)), x=normal(*size))
        add(f"average{name}.{k}.{stride}.{padding}", lambda x: last(average(first(x), k, stride, padding, count_include_pad=False)), x=normal(*size))
    add(f"global{name}", lambda x: last(mean(first(x), 1)), x=normal(*size))
for name, size, largest in (("1d", (2, 13, 3), F.max_pool1d), ("3d", (2, 5, 6, 5, 2), F.max_pool3d)):
    x = torch.randint(0, 3, size).double().requires_grad_()
    add(f"max{name}.ties.3.1.1", lambda x: last(largest(first(x), 3, 1, 1)), x=x)
    add(f"max{name}.ties.3.2.1", lambda x: last(largest(first(x), 3, 2, 1)), x=x)

# Sizes from and to: grow, shrink, some of each, to the same size, from and to one.
sizes = {"linear": [((5,), (9,)), ((9,), (4,)), ((4,), (4,)), ((1,), (3,)), ((5,), (1,))],
         "trilinear": [((3, 5, 4), (6, 9, 7)), ((6, 5, 7), (3, 2, 4)), ((2, 6, 5), (5, 3, 5)), ((1, 1, 1), (2, 3, 2)), ((3, 4, 2), (1, 1, 1))]}  # fmt: skip
for mode, pairs in sizes.items():
    for i, (size, to) in enumerate(pairs):
        x = normal(2, *size, 3)
        add(f"{mode}.aligned.{i}", lambda x: last(F.interpolate(first(x), to, mode=mode, align_corners=True)), x=x)
        add(f"{mode}.half_pixel.{i}", lambda x: last(F.interpolate(first(x), to, mode=mode, align_corners=False)), x=x)
        add(f"{mode}.nearest.{i}", lambda x: last(F.interpolate(first(x), to, mode="nearest")), x=x)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv3d(2, 4, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm3d(4)
        self.deep = nn.Conv3d(4, 6, 3, padding=1)
        self.up = nn.ConvTranspose3d(6, 4, 2, stride=2)
        self.head = nn.Conv3d(8, 1, 1)

    def forward(self, x):
        skip = torch.relu(self.norm(self.conv(x)))
        deep = torch.relu(self.deep(F.max_pool3d(skip, 2)))
        return self.head(torch.cat([skip, self.up(deep)], 1))


layers = {
    "rows": (nn.Conv1d(6, 4, 3, stride=2, padding=1, groups=2), (2, 9, 6)),
    "rows up": (nn.ConvTranspose1d(4, 6, 4, stride=2, padding=1, bias=False), (2, 5, 4)),
    "volumes": (nn.Conv3d(3, 4, 3, padding=1), (1, 3, 4, 5, 3)),
    "volumes dilated": (nn.Conv3d(4, 6, 3, padding=2, dilation=2, groups=2, bias=False), (1, 4, 5, 4, 4)),
    "volumes up": (nn.ConvTranspose3d(4, 6, 2, stride=2), (1, 2, 3, 2, 4)),
    "block": (Block(), (2, 4, 6, 4, 2)),
}  # fmt: skip
for name, (layer, size) in layers.items():
    out |= {f"{name}/weight/{k}": v.detach().clone() for k, v in layer.state_dict().items() if "num_batches" not in k}
    layer.double()
    x = normal(*size)
    training = {f"{name}.0/{k}": v for k, v in case(lambda x: last(layer(first(x))), x=x).items()}
    y = last(layer(first(x)))
    gradients = torch.autograd.grad(y, list(layer.parameters()), training[f"{name}.0/dy"].double())
    out |= training | {f"{name}.0/gradient/{k}": g for (k, _), g in zip(layer.named_parameters(), gradients)}
# Inference, and what training left in the norm's statistics, of a block that has seen one batch.
block = Block()
out |= {f"trained/weight/{k}": v.detach().clone() for k, v in block.state_dict().items() if "num_batches" not in k}
block.double()
x = normal(2, 4, 6, 4, 2)
out |= {"trained/x": x.float(), "trained/y": last(block(first(x)))}
out |= {"trained/mean": block.norm.running_mean, "trained/var": block.norm.running_var}
block.eval()
out |= {"trained/inferred": last(block(first(x)))}
for mode, size in {"linear": (4,), "trilinear": (2, 3, 4)}.items():
    for factor in (2, 3):
        x = normal(2, *size, 3)
        add(f"{mode}.aligned.by.{factor}", lambda x: last(F.interpolate(first(x), scale_factor=factor, mode=mode, align_corners=True)), x=x)
        add(f"{mode}.half_pixel.by.{factor}", lambda x: last(F.interpolate(first(x), scale_factor=factor, mode=mode, align_corners=False)), x=x)
        add(f"{mode}.nearest.by.{factor}", lambda x: last(F.interpolate(first(x), scale_factor=factor, mode="nearest")), x=x)
write(__file__, out)
