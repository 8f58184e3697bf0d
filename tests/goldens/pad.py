"""Padding along an axis, with gradients, in f64."""
import torch
from torch.nn.functional import pad
from write import case, normal, write

torch.manual_seed(0)
out = {}


def along(x, axis, before, after, **how):
    return pad(x.movedim(axis, -1), (before, after), **how).movedim(-1, axis)


for axis, before, after, how in (
    (0, 1, 1, {"value": 0.0}), (1, 1, 2, {"value": -2.5}), (2, 0, 3, {"value": 1.0}), (2, 2, 0, {}),
    (1, 2, 1, {"mode": "reflect"}), (2, 0, 4, {"mode": "reflect"}), (0, 1, 0, {"mode": "reflect"}), (2, 3, 3, {"mode": "reflect"}),
    (1, 2, 1, {"mode": "replicate"}), (2, 0, 6, {"mode": "replicate"}), (0, 1, 1, {"mode": "replicate"}),
):
    values = case(lambda x: along(x, axis, before, after, **how), x=normal(2, 3, 5))
    out.update({f"{how.get('mode', 'constant')}.{axis}.{before}.{after}/{k}": v for k, v in values.items()})
write(__file__, out)
