"""Group, instance and RMS norm, and a convolution with standardised weights, with gradients, in f64. Maps are N,H,W,C, rows N,L,C."""
import torch
import torch.nn.functional as F
from write import case, first, last, normal, write

torch.manual_seed(0)
out = {}


def add(name, f, **inputs):
    out.update({f"{name}/{k}": v for k, v in case(f, **inputs).items()})


def rows(f):
    """f of N,C,L for an input N,L,C."""
    return lambda x: f(x.transpose(1, 2)).transpose(1, 2)


for groups, c in [(1, 6), (2, 6), (6, 6), (4, 16)]:
    gamma, beta = normal(c), normal(c)
    add(f"group.{groups}.{c}", lambda x, gamma, beta: last(F.group_norm(first(x), groups, gamma, beta)), x=normal(2, 3, 5, c, scale=2), gamma=gamma, beta=beta)
add("group.rows", lambda x, gamma, beta: rows(lambda y: F.group_norm(y, 3, gamma, beta, 0.1))(x), x=normal(3, 7, 9), gamma=normal(9), beta=normal(9))
far = (normal(2, 4, 4, 4).detach() + 50).float().double().requires_grad_()  # what f32 holds
add("group.far", lambda x, gamma, beta: last(F.group_norm(first(x), 2, gamma, beta)), x=far, gamma=normal(4), beta=normal(4))
add("instance", lambda x: last(F.instance_norm(first(x))), x=normal(2, 3, 4, 5, scale=3))
add("instance.rows", lambda x: rows(F.instance_norm)(x), x=normal(2, 9, 3))
add("rms", lambda x, gamma: F.rms_norm(x, (7,), gamma, 1e-5), x=normal(4, 3, 7), gamma=normal(7))


def standardised(x, w):
    """w is K,K,I,O; as big transfer's StdConv2d."""
    kernel = w.permute(3, 2, 0, 1)
    variance, mean = torch.var_mean(kernel, dim=(1, 2, 3), keepdim=True, unbiased=False)
    return last(F.conv2d(first(x), (kernel - mean) / torch.sqrt(variance + 1e-5), stride=2, padding=1))


add("standardised", standardised, x=normal(2, 6, 5, 4), w=normal(3, 3, 4, 6))
write(__file__, out)
