"""Convolutions with gradients, in f64: maps as N,H,W,C, weights as H,W,in/groups,out. The last has scale, shift, residual and ReLU behind it."""
import torch
import torch.nn.functional as F
from write import case, first, last, normal, write

torch.manual_seed(0)
out = {}
# name: ((batch, height, width), (kernel height, kernel width), in, out, stride, padding, dilation, groups, bias)
cases = {
    "plain": ((2, 10, 13), (3, 3), 16, 24, 1, 1, 1, 1, False), "narrow": ((1, 6, 5), (3, 3), 5, 7, 1, 1, 1, 1, True),
    "strided": ((2, 9, 10), (3, 3), 8, 12, 2, 1, 1, 1, True), "stem": ((1, 15, 16), (7, 7), 3, 16, 2, 3, 1, 1, False),
    "pointwise": ((2, 5, 7), (1, 1), 24, 10, 1, 0, 1, 1, True), "pointwise strided": ((2, 5, 8), (1, 1), 8, 9, 2, 0, 1, 1, False),
    "grouped": ((2, 6, 7), (3, 3), 8, 12, 1, 1, 1, 4, True), "depthwise": ((2, 7, 6), (3, 3), 21, 21, 1, 1, 1, 21, True),
    "depthwise strided": ((1, 9, 8), (5, 5), 16, 16, 2, 2, 1, 16, False), "depthwise doubled": ((1, 5, 6), (3, 3), 4, 8, 1, 1, 1, 4, True),
    "dilated": ((1, 9, 8), (3, 3), 6, 5, 1, 2, 2, 1, True), "dilated strided": ((1, 11, 12), (3, 3), 4, 6, 2, 0, 3, 1, False),
    "patches": ((2, 8, 6), (2, 2), 8, 8, 2, 0, 1, 1, True), "uneven": ((1, 6, 7), (3, 2), 4, 5, 1, 1, 1, 1, False),
    "wide border": ((1, 3, 4), (3, 3), 3, 4, 1, 4, 1, 1, False), "one pixel": ((3, 1, 1), (3, 3), 2, 3, 1, 1, 1, 1, True),
}  # fmt: skip
for name, (image, kernel, channels, outputs, stride, padding, dilation, groups, bias) in cases.items():
    inputs = {"x": normal(*image, channels), "w": normal(*kernel, channels // groups, outputs, scale=0.3)} | ({"b": normal(outputs)} if bias else {})
    out |= {f"{name}/{k}": v for k, v in case(
        lambda x, w, b=None: last(F.conv2d(first(x), w.permute(3, 2, 0, 1), b, stride, padding, dilation, groups)), **inputs).items()}
out |= {f"fused/{k}": v for k, v in case(
    lambda x, w, scale, shift, residual: F.relu(last(F.conv2d(first(x), w.permute(3, 2, 0, 1), padding=1)) * scale + shift + residual),
    x=normal(2, 5, 6, 6), w=normal(3, 3, 6, 9, scale=0.3), scale=normal(9), shift=normal(9), residual=normal(2, 5, 6, 9)).items()}
write(__file__, out)
