"""softmax(q kᵀ s) v and softmax over an axis, with gradients, in f64."""
import torch
from write import write

torch.manual_seed(0)
out = {}
shapes = [(1, 1, 1, 1, 1, 1.0), (2, 2, 5, 3, 4, 0.5), (1, 8, 16, 16, 32, 32**-0.5), (1, 1, 9, 40, 64, 0.125), (1, 1, 130, 270, 3, 2.0), (3, 1, 4, 7, 5, -0.7)]
for i, (n, h, lq, lk, d, scale) in enumerate(shapes):
    q = torch.randn(n, h, lq, d, dtype=torch.float64, requires_grad=True)
    k, v = (torch.randn(n, h, lk, d, dtype=torch.float64, requires_grad=True) for _ in range(2))
    o = torch.nn.functional.scaled_dot_product_attention(q, k, v, scale=scale)
    do = torch.randn_like(o)
    dq, dk, dv = torch.autograd.grad(o, (q, k, v), do)
    case = {"q": q, "k": k, "v": v, "o": o, "do": do, "dq": dq, "dk": dk, "dv": dv, "scale": torch.tensor([scale], dtype=torch.float64)}
    out |= {f"attention.{i}/{name}": x for name, x in case.items()}
for i, (shape, axis) in enumerate([((4, 37), 1), ((3, 5, 7), 1), ((2, 9), 0), ((3, 1), 1), ((2, 2, 2, 4), 3), ((2, 33, 20), 1), ((1, 300), 1)]):
    x = (4 * torch.randn(*shape, dtype=torch.float64)).requires_grad_()
    y = torch.softmax(x, axis)
    dy = torch.randn_like(y)
    (dx,) = torch.autograd.grad(y, x, dy)
    out |= {f"softmax.{i}/{name}": t for name, t in {"x": x, "y": y, "dy": dy, "dx": dx, "axis": torch.tensor([axis])}.items()}
write(__file__, out)
