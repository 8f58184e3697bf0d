"""Slices, concatenations, permutations, transposes and reshapes, with gradients, in f64; maps as N,H,W,C."""
import torch
from write import case, normal, write

torch.manual_seed(0)
out = {}


def add(name, f, **inputs):
    out.update({f"{name}/{k}": v for k, v in case(f, **inputs).items()})


x = normal(2, 3, 4, 5)
add("slice.channels", lambda x: x[..., 1:4], x=x)
add("slice.last", lambda x: x[..., 4:], x=x)
add("slice.row", lambda x: x[:, 1:2], x=x)
add("slice.image", lambda x: x[1:], x=x)
add("concat.channels", lambda a, b, c: torch.cat([a, b, c, a], 3), a=x, b=normal(2, 3, 4, 2), c=normal(2, 3, 4, 1))
add("concat.rows", lambda a, b: torch.cat([a, b], 1), a=x, b=normal(2, 2, 4, 5))
add("concat.images", lambda a, b: torch.cat([a, b, b], 0), a=x, b=normal(1, 3, 4, 5))
add("concat.tokens", lambda a, b, c: torch.cat([a, b, c], 1), a=normal(3, 4, 6), b=normal(3, 1, 6), c=normal(3, 9, 6))
for order in ((0, 3, 1, 2), (0, 2, 1, 3), (3, 2, 1, 0), (1, 0, 2, 3), (0, 1, 2, 3)):
    add("permute." + "".join(map(str, order)), lambda x: x.permute(order), x=x)
add("permute.201", lambda x: x.permute(2, 0, 1), x=normal(3, 17, 2))
add("transpose", lambda x: x.mT, x=x)
add("transpose.long", lambda x: x.mT, x=normal(35, 18))
add("reshape.tokens", lambda x: x.reshape(2, 12, 5), x=x)
add("reshape.rows", lambda x: x.reshape(6, 20), x=x)
add("reshape.heads", lambda x: x.reshape(2, 3, 2, 2, 5), x=x)
write(__file__, out)
