"""SGD of torch.optim over eight steps, with clip_grad_norm_, in f64; SGD and AdamW with groups of parameters; and learning rates of torch.optim.lr_scheduler."""
import warnings

import torch
from torch.optim import lr_scheduler
from write import write

warnings.filterwarnings("ignore")  # schedulers are asked without an optimiser's step
torch.manual_seed(0)
out = {}

# NAME: momentum, weight decay, Nesterov, largest norm (0: none)
cases = {
    "plain": (0.0, 0.0, False, 0.0),
    "momentum": (0.9, 0.0, False, 0.0),
    "nesterov": (0.9, 0.0, True, 0.0),
    "decay": (0.9, 0.01, False, 0.0),
    "all": (0.8, 0.05, True, 1.0),
}
start = {"weight": torch.randn(13, dtype=torch.float64), "bias": torch.randn(70, dtype=torch.float64)}
steps = 8
gradients = {name: 0.3 * torch.randn(steps, *x.shape, dtype=torch.float64) for name, x in start.items()}
gradients["bias"][3] *= 0.01
gradients["weight"][3] *= 0.01  # a step that is not clipped
for name in start:
    out |= {f"{name}/start": start[name], f"{name}/gradients": gradients[name]}
for case, (momentum, decay, nesterov, clip) in cases.items():
    leaves = {name: x.clone().requires_grad_() for name, x in start.items()}
    optimizer = torch.optim.SGD(leaves.values(), lr=0.1, momentum=momentum, weight_decay=decay, nesterov=nesterov)
    for step in range(steps):
        for name, x in leaves.items():
            # The bias gets its first gradient in the second step.
            x.grad = None if name == "bias" and step == 0 else gradients[name][step].clone()
        if clip:
            torch.nn.utils.clip_grad_norm_(leaves.values(), clip)
        if step == 5:
            optimizer.param_groups[0]["lr"] = 0.03
        optimizer.step()
    out |= {f"{name}/{case}": x for name, x in leaves.items()}


def rates(make, count):
    """The rates of `count` steps under a scheduler, the highest 0.3."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    scheduler = make(optimizer)
    found = []
    for _ in range(count):
        found.append(optimizer.param_groups[0]["lr"])
        scheduler.step()
    return torch.tensor(found, dtype=torch.float64)


def warmed(main, steps):
    """Linear warm-up over `steps` steps, whose last has the whole rate, then the scheduler `main`."""
    warm = lambda o: lr_scheduler.LinearLR(o, start_factor=1 / steps, total_iters=steps - 1)
    return lambda o: lr_scheduler.SequentialLR(o, [warm(o), main(o)], [steps])


cosine = lambda n, least=0.0: lambda o: lr_scheduler.CosineAnnealingLR(o, n, least)
polynomial = lambda n, power: lambda o: lr_scheduler.PolynomialLR(o, n, power)
out["rate/cosine"] = rates(cosine(10), 10)
out["rate/cosine_least"] = rates(cosine(10, 0.02), 10)
out["rate/polynomial"] = rates(polynomial(10, 0.9), 10)
out["rate/polynomial_2"] = rates(polynomial(10, 2.0), 10)
out["rate/constant_warm"] = rates(warmed(lambda o: lr_scheduler.ConstantLR(o, 1.0), 8), 40)
out["rate/cosine_warm"] = rates(warmed(cosine(32), 8), 40)
out["rate/polynomial_warm"] = rates(warmed(polynomial(32, 0.9), 8), 40)
losses = [1.0, 0.8, 0.9, 0.85, 0.8, 0.7, 0.71, 0.72, 0.73, 0.74, 0.75, 0.76, 0.77, 0.6, 0.9, 0.9]
optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=2, threshold=0.0, min_lr=0.05)
found = []
for loss in losses:
    scheduler.step(loss)
    found.append(optimizer.param_groups[0]["lr"])
out["rate/plateau"] = torch.tensor(found, dtype=torch.float64)
out["rate/plateau_losses"] = torch.tensor(losses, dtype=torch.float64)

# Groups: an encoder at a tenth of the rate and its weights with a decay of 0.2, no decay on what has one axis.
shapes = {"encoder.weight": (3, 5), "encoder.bias": (5,), "head.weight": (5, 2), "head.norm": (4,)}
start = {name: torch.randn(shape, dtype=torch.float64) for name, shape in shapes.items()}
gradients = {name: 0.5 * torch.randn(6, *x.shape, dtype=torch.float64) for name, x in start.items()}
for name in start:
    out |= {f"groups/{name}/start": start[name], f"groups/{name}/gradients": gradients[name]}
for case, make in (
    ("sgd", lambda groups: torch.optim.SGD(groups, lr=0.1, momentum=0.8, weight_decay=0.05, nesterov=True)),
    ("adamw", lambda groups: torch.optim.AdamW(groups, lr=0.1, weight_decay=0.05)),
):
    leaves = {name: x.clone().requires_grad_() for name, x in start.items()}
    optimizer = make(
        [
            {"params": [leaves["encoder.weight"]], "lr": 0.01, "weight_decay": 0.2},
            {"params": [leaves["encoder.bias"]], "lr": 0.01, "weight_decay": 0.0},
            {"params": [leaves["head.weight"]]},
            {"params": [leaves["head.norm"]], "weight_decay": 0.0},
        ]
    )
    for step in range(6):
        for name, x in leaves.items():
            x.grad = gradients[name][step].clone()
        torch.nn.utils.clip_grad_norm_(leaves.values(), 1.0)
        if step == 3:
            for group in optimizer.param_groups:
                group["lr"] *= 0.5
        optimizer.step()
    out |= {f"groups/{name}/{case}": x for name, x in leaves.items()}
write(__file__, out)
