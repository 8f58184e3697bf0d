"""Eqs 8 and 9: the softmax-weighted sum of K maps with gradients, in f64; maps and logits as N,H,W,C, maps stacked along a leading axis."""
import torch
from write import write

torch.manual_seed(0)
out = {}
for k in range(2, 9):
    for c in (1, 5, 16, 35):
        logits = (2 * torch.randn(2, 3, 2, k, dtype=torch.float64)).requires_grad_()
        maps = torch.randn(k, 2, 3, 2, c, dtype=torch.float64, requires_grad=True)
        weights = torch.softmax(logits, -1)
        y = sum(weights[..., i : i + 1] * maps[i] for i in range(k))
        dy = torch.randn_like(y)
        dlogits, dmaps = torch.autograd.grad(y, (logits, maps), dy)
        case = {"logits": logits, "maps": maps, "y": y, "dy": dy, "dlogits": dlogits, "dmaps": dmaps}
        out |= {f"{k}.{c}/{name}": t for name, t in case.items()}
write(__file__, out)
