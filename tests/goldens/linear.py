"""Linear layers (weights as in,out) and batched matrix products with transposes on either side, with gradients, in f64."""
import torch
from write import case, normal, write

torch.manual_seed(0)
out = {}
for name, leading, inputs, outputs in [("linear", (4, 3), 17, 33), ("linear one", (1,), 1, 1), ("linear wide", (2, 5), 40, 2), ("linear tall", (70,), 3, 65)]:
    x, w, b = normal(*leading, inputs), normal(inputs, outputs, scale=0.3), normal(outputs)
    out |= {f"{name}/{k}": v for k, v in case(lambda x, w, b: x @ w + b, x=x, w=w, b=b).items()}
    out |= {f"{name} unbiased/{k}": v for k, v in case(lambda x, w: x @ w, x=x, w=w).items()}
for name, left, right in [("nn", 0, 0), ("tn", 1, 0), ("nt", 0, 1), ("tt", 1, 1)]:
    for i, (batch, m, k, n) in enumerate([((2, 3), 5, 7, 4), ((1, 1), 1, 1, 1), ((1, 2), 33, 18, 35)]):
        a = normal(*batch, *((k, m) if left else (m, k)))
        b = normal(*batch, *((n, k) if right else (k, n)))
        out |= {f"matmul.{name}.{i}/{j}": v for j, v in case(lambda a, b: (a.mT if left else a) @ (b.mT if right else b), a=a, b=b).items()}
write(__file__, out)
