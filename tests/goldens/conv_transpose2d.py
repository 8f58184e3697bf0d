"""Transposed convolutions with gradients, in f64: maps as N,H,W,C, weights as H,W,out/groups,in."""
import torch
import torch.nn.functional as F
from write import case, first, last, normal, write

torch.manual_seed(0)
out = {}
# name: ((batch, height, width), (kernel height, kernel width), in, out, stride, padding, output padding, groups, dilation, bias)
cases = {
    "up": ((2, 5, 6), (2, 2), 16, 8, 2, 0, 0, 1, 1, True), "plain": ((1, 6, 5), (3, 3), 5, 7, 1, 1, 0, 1, 1, False),
    "wide": ((1, 7, 6), (3, 3), 18, 20, 1, 1, 0, 1, 1, True), "doubled": ((2, 4, 5), (3, 3), 6, 6, 2, 1, 1, 1, 1, False),
    "overlapping": ((1, 5, 4), (4, 4), 8, 5, 2, 1, 0, 1, 1, True), "with gaps": ((1, 4, 3), (2, 2), 3, 4, 3, 0, 2, 1, 1, True),
    "pointwise": ((2, 5, 3), (1, 1), 12, 10, 1, 0, 0, 1, 1, True), "grouped": ((2, 4, 6), (3, 3), 8, 12, 2, 1, 1, 4, 1, True),
    "depthwise": ((1, 5, 4), (3, 3), 21, 21, 2, 1, 0, 21, 1, True), "depthwise halved": ((1, 4, 4), (2, 2), 8, 4, 2, 0, 0, 4, 1, False),
    "dilated": ((1, 5, 6), (3, 3), 6, 5, 2, 2, 1, 1, 2, True), "uneven": ((1, 4, 5), (3, 2), 4, 5, 2, 0, 0, 1, 1, False),
    "one pixel": ((3, 1, 1), (3, 3), 2, 3, 2, 1, 1, 1, 1, True),
}  # fmt: skip
for name, (image, kernel, channels, outputs, stride, padding, output_padding, groups, dilation, bias) in cases.items():
    inputs = {"x": normal(*image, channels), "w": normal(*kernel, outputs // groups, channels, scale=0.3)} | ({"b": normal(outputs)} if bias else {})
    out |= {f"{name}/{k}": v for k, v in case(
        lambda x, w, b=None: last(F.conv_transpose2d(first(x), w.permute(3, 2, 0, 1), b, stride, padding, output_padding, groups, dilation)),
        **inputs).items()}
write(__file__, out)
