"""Batch norm in training (with its running statistics after one and two steps) and frozen, layer norm with and without a residual, with gradients, in f64.
Maps are N,H,W,C."""
import torch
import torch.nn.functional as F
from torchvision.ops import FrozenBatchNorm2d
from write import case, first, last, normal, write

torch.manual_seed(0)
out = {}
for c, image in [(3, (2, 5, 4)), (16, (3, 2, 2)), (19, (2, 4, 7)), (2, (3, 1, 1))]:
    x, residual, gamma, beta = normal(*image, c, scale=2), normal(*image, c), normal(c), normal(c)
    mean, variance = normal(c).detach(), (torch.rand(c) + 0.5).double()
    out |= {f"batch.{c}/mean": mean.float(), f"batch.{c}/variance": variance.float()}

    def batch_norm(x, gamma, beta, mean, variance, momentum=0.1, eps=1e-5):
        return last(F.batch_norm(first(x), mean, variance, gamma, beta, True, momentum, eps))

    for name, options in (("usual", {}), ("other", {"momentum": 0.3, "eps": 0.01})):
        moved = mean.clone(), variance.clone()
        batch_norm(x, gamma, beta, *moved, **options)
        out |= {f"batch.{c}/{name}.mean.1": moved[0].clone(), f"batch.{c}/{name}.variance.1": moved[1].clone()}
        batch_norm(residual, gamma, beta, *moved, **options)
        out |= {f"batch.{c}/{name}.mean.2": moved[0], f"batch.{c}/{name}.variance.2": moved[1]}
    scratch = lambda: (mean.clone(), variance.clone())
    out |= {f"batch.{c}/{k}": v for k, v in case(lambda x, gamma, beta: batch_norm(x, gamma, beta, *scratch()), x=x, gamma=gamma, beta=beta).items()}
    out |= {f"batch.other.{c}/{k}": v for k, v in case(
        lambda x, gamma, beta: batch_norm(x, gamma, beta, *scratch(), 0.3, 0.01), x=x, gamma=gamma, beta=beta).items()}
    out |= {f"batch.relu.{c}/{k}": v for k, v in case(
        lambda x, gamma, beta, residual: F.relu(batch_norm(x, gamma, beta, *scratch()) + residual), x=x, gamma=gamma, beta=beta, residual=residual).items()}
    frozen = FrozenBatchNorm2d(c, eps=1e-5).double()
    frozen.weight, frozen.bias, frozen.running_mean, frozen.running_var = gamma.detach(), beta.detach(), mean, variance
    out |= {f"frozen.{c}/{k}": v for k, v in case(lambda x: last(frozen(first(x))), x=x).items()}
for c, leading in [(7, (4, 3)), (32, (5,)), (100, (2, 3)), (3, (6,))]:
    x, residual, gamma, beta = normal(*leading, c, scale=2), normal(*leading, c), normal(c), normal(c)
    out |= {f"layer.{c}/{k}": v for k, v in case(lambda x, gamma, beta: F.layer_norm(x, (c,), gamma, beta), x=x, gamma=gamma, beta=beta).items()}
    out |= {f"layer.residual.{c}/{k}": v for k, v in case(
        lambda x, residual, gamma, beta: F.layer_norm(x + residual, (c,), gamma, beta, 0.01), x=x, residual=residual, gamma=gamma, beta=beta).items()}
write(__file__, out)
