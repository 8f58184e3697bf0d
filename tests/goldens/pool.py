"""Pooling, sums and means, and resizing in each convention of corners, with gradients, in f64; maps as N,H,W,C. "ties" has small integers, so that windows
hold their maximum more than once."""
import torch
import torch.nn.functional as F
from write import case, first, last, normal, write

torch.manual_seed(0)
out = {}


def add(name, f, x):
    out.update({f"{name}/{k}": v for k, v in case(lambda x: last(f(first(x))), x=x).items()})


for image, (n, h, w, c) in {"odd": (2, 7, 9, 5), "even": (1, 8, 6, 19), "small": (1, 3, 3, 1)}.items():
    x = normal(n, h, w, c)
    add(f"max.3.2.1.{image}", lambda x: F.max_pool2d(x, 3, 2, 1), x)
    add(f"max.3.1.1.{image}", lambda x: F.max_pool2d(x, 3, 1, 1), x)
    add(f"max.2.2.0.{image}", lambda x: F.max_pool2d(x, 2), x)
    add(f"average.3.2.1.{image}", lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False), x)
    add(f"average.3.1.1.{image}", lambda x: F.avg_pool2d(x, 3, 1, 1, count_include_pad=False), x)
    add(f"average.2.2.0.{image}", lambda x: F.avg_pool2d(x, 2), x)
    add(f"global.{image}", lambda x: F.adaptive_avg_pool2d(x, 1), x)
    out |= {f"sum.{image}/{k}": v for k, v in case(lambda x: x.sum((0, 2), keepdim=True), x=x).items()}
    out |= {f"mean.{image}/{k}": v for k, v in case(lambda x: x.mean((1, 3), keepdim=True), x=x).items()}
    out |= {f"mean_all.{image}/{k}": v for k, v in case(lambda x: x.mean(), x=x).items()}
add("max.3.1.1.ties", lambda x: F.max_pool2d(x, 3, 1, 1), torch.randint(0, 3, (2, 7, 8, 3)).double().requires_grad_())
# (height, width) from and to: grow, shrink, one of each, by a lot, to the same size, from and to one pixel.
for i, (size, to) in enumerate([((5, 4), (9, 12)), ((9, 11), (4, 6)), ((3, 10), (8, 5)), ((2, 3), (13, 17)), ((4, 4), (4, 4)), ((1, 1), (3, 2)), ((5, 6), (1, 1))]):
    x = normal(2, *size, 6)
    add(f"aligned.{i}", lambda x: F.interpolate(x, to, mode="bilinear", align_corners=True), x)
    add(f"half_pixel.{i}", lambda x: F.interpolate(x, to, mode="bilinear", align_corners=False), x)
    add(f"nearest.{i}", lambda x: F.interpolate(x, to, mode="nearest"), x)
for mode, how in {"aligned": {"mode": "bilinear", "align_corners": True}, "half_pixel": {"mode": "bilinear", "align_corners": False}, "nearest": {}}.items():
    for factor, size in ((2, (4, 3)), (3, (1, 5))):
        add(f"{mode}.by.{factor}", lambda x: F.interpolate(x, scale_factor=factor, **how), normal(2, *size, 6))
write(__file__, out)
