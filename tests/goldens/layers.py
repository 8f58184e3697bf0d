"""Convolution layers under torch.nn's names and layouts, in f64: LAYER/weight/NAME is its state dict, LAYER.0 its call with the gradients of the
input and, as gradient/NAME, of every parameter. `up` is a UNet's step from a level to the one above: a doubling transposed convolution, beside the
skip, which comes first."""
import torch
from torch import nn
from write import case, first, last, normal, write


class Up(nn.Module):
    def __init__(self):
        super().__init__()
        self.up = nn.ConvTranspose2d(8, 4, 2, stride=2)
        self.conv = nn.Conv2d(8, 4, 3, padding=1, bias=False)

    def forward(self, x, skip):
        return torch.relu(self.conv(torch.cat([skip, self.up(x)], 1)))


torch.manual_seed(0)
out = {}
layers = {
    "dilated": (nn.Conv2d(6, 5, 3, padding=2, dilation=2), [(2, 7, 6, 6)]),
    "dilated depthwise": (nn.Conv2d(8, 8, 3, stride=2, padding=3, dilation=3, groups=8, bias=False), [(1, 9, 8, 8)]),
    "dilated grouped": (nn.Conv2d(6, 4, 3, padding=2, dilation=2, groups=2), [(1, 6, 5, 6)]),
    "transposed": (nn.ConvTranspose2d(6, 9, 3, stride=2, padding=1, output_padding=1, groups=3), [(2, 4, 3, 6)]),
    "transposed without bias": (nn.ConvTranspose2d(5, 4, 3, stride=2, padding=1, dilation=2, bias=False), [(1, 4, 5, 5)]),
    "up": (Up(), [(2, 3, 4, 8), (2, 6, 8, 4)]),
}  # fmt: skip
for name, (layer, shapes) in layers.items():
    weights = {k: v.detach().clone() for k, v in layer.state_dict().items()}
    layer.double()
    inputs = dict(zip(("x", "skip"), (normal(*s) for s in shapes)))
    stored = case(lambda **x: last(layer(*(first(v) for v in x.values()))), **inputs)
    y = layer(*(first(v) for v in inputs.values()))
    gradients = torch.autograd.grad(y, list(layer.parameters()), first(stored["dy"]).double())
    out |= {f"{name}/weight/{k}": v for k, v in weights.items()}
    out |= {f"{name}.0/{k}": v for k, v in stored.items()}
    out |= {f"{name}.0/gradient/{k}": g for (k, _), g in zip(layer.named_parameters(), gradients)}
write(__file__, out)
