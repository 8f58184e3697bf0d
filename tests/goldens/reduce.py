"""Sums and means over each axis, over several and over all, with gradients, in f64."""
import torch
from write import case, normal, write

torch.manual_seed(0)
out = {}


def add(name, f, x):
    out.update({f"{name}/{k}": v for k, v in case(f, x=x).items()})


x = normal(2, 3, 4, 5)
for axes in ((0,), (1,), (2,), (3,), (1, 2), (0, 1, 2), (0, 3), (0, 1, 2, 3)):
    name = "".join(map(str, axes))
    add(f"sum.{name}", lambda x: x.sum(axes, keepdim=True), x)
    add(f"mean.{name}", lambda x: x.mean(axes, keepdim=True), x)
add("sum.all", lambda x: x.sum(), x)
add("mean.all", lambda x: x.mean(), x)
vector, one, long = normal(9), normal(1, 1), normal(3, 200)
for name, x in (("vector", vector), ("one", one), ("long", long)):
    add(f"{name}.sum", lambda x: x.sum(-1, keepdim=True), x)
    add(f"{name}.mean", lambda x: x.mean(0, keepdim=True), x)
    add(f"{name}.all", lambda x: x.sum(), x)
write(__file__, out)
