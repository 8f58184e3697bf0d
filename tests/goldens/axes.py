"""squeeze, unsqueeze, stack, expand, flip and roll, with gradients, in f64."""
import torch
from write import case, normal, write

torch.manual_seed(0)
out = {}


def add(name, f, **inputs):
    out.update({f"{name}/{k}": v for k, v in case(f, **inputs).items()})


x = normal(2, 3, 4, 5)
add("squeeze.middle", lambda x: x.squeeze(1), x=normal(2, 1, 4, 5))
add("squeeze.two", lambda x: x.squeeze((0, -1)), x=normal(1, 3, 4, 1))
add("unsqueeze.first", lambda x: x.unsqueeze(0), x=x)
add("unsqueeze.last", lambda x: x.unsqueeze(-1), x=x)
add("unsqueeze.middle", lambda x: x.unsqueeze(-3), x=x)
add("stack.first", lambda a, b: torch.stack([a, b], 0), a=normal(2, 3, 5), b=normal(2, 3, 5))
add("stack.middle", lambda a, b, c: torch.stack([a, b, c, a], 1), a=normal(2, 3, 5), b=normal(2, 3, 5), c=normal(2, 3, 5))
add("stack.last", lambda a, b: torch.stack([a, b], -1), a=normal(2, 3, 5), b=normal(2, 3, 5))
add("expand.rows", lambda x: x.expand(2, 3, 4, 5), x=normal(2, 1, 4, 5))
add("expand.channels", lambda x: x.expand(2, 3, 4, 5), x=normal(2, 3, 4, 1))
add("expand.both_ends", lambda x: x.expand(2, 3, 4, 5), x=normal(1, 3, 4, 1))
add("expand.new_axes", lambda x: x.expand(2, 3, 4, 5), x=normal(4, 5))
add("expand.number", lambda x: x.expand(3, 7), x=normal(1).reshape(()).detach().requires_grad_())
add("expand.not_at_all", lambda x: x.expand(2, 3, 4, 5), x=x)
for axes in ((0,), (1,), (2,), (3,), (0, 3), (1, 2), (2, 0, 1, 3)):
    add("flip." + "".join(map(str, axes)), lambda x: x.flip(axes), x=x)
for axis, shift in ((0, 1), (1, 2), (2, -1), (3, 7), (3, -11), (1, 3)):
    add(f"roll.{axis}.{shift}", lambda x: x.roll(shift, axis), x=x)
write(__file__, out)
