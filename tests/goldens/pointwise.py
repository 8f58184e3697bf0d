"""Every function of an element, and chains of them over operands that broadcast, with gradients, in f64. Where a derivative jumps (at 0, at equal
operands) some elements stand at the jump."""
import torch
import torch.nn.functional as F
from write import case, normal, write

torch.manual_seed(0)
out = {}


def add(name, f, **inputs):
    out.update({f"{name}/{k}": v for k, v in case(f, **inputs).items()})


def ties(*shape):
    return torch.randint(-2, 3, shape).double().requires_grad_()


def corners(*shape):
    """Multiples of 3 / 2, among them 0, 3 and -3, where the functions with corners have theirs, and 6."""
    return (torch.randint(-4, 5, shape) * 1.5).double().requires_grad_()


def positive(*shape):
    return (torch.rand(*shape) * 4 + 0.125).double().requires_grad_()


def softplus(x):
    return F.softplus(x, threshold=700)  # by default it is x above 20


size = (2, 19)
x = normal(*size, scale=2)
for name, f in {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "exp": torch.exp, "square": torch.square, "negative": torch.neg, "relu": torch.relu,
                "abs": torch.abs, "softplus": softplus}.items():  # fmt: skip
    add(name, f, x=x)
for name, f in {"relu": torch.relu, "abs": torch.abs, "square": torch.square}.items():
    add(name + ".ties", f, x=ties(*size))
for name, f in {"log": torch.log, "sqrt": torch.sqrt}.items():
    add(name, f, x=positive(*size))
for name, f in {"add": torch.add, "subtract": torch.sub, "multiply": torch.mul, "maximum": torch.maximum, "minimum": torch.minimum}.items():
    add(name, lambda a, b: f(a, b), a=x, b=normal(*size))
    add(name + ".ties", lambda a, b: f(a, b), a=ties(*size), b=ties(*size))
add("divide", lambda a, b: a / b, a=x, b=positive(*size))
for name, f in {"softplus": softplus, "sigmoid": torch.sigmoid, "tanh": torch.tanh}.items():  # far from 0, where a naive formula overflows or cancels
    add(name + ".far", f, x=normal(*size, scale=30))
image = normal(2, 3, 4, 5)
add("chain", lambda a, b: torch.sigmoid(a) * b - a / (b * b + 2), a=x, b=normal(*size))
add("numbers", lambda x: (2 * x + 1 - 0.5 * torch.exp(-x * x)) / 3, x=x)
add("norm", lambda x, scale, shift: F.relu(x * scale + shift), x=image, scale=normal(5), shift=normal(5))
add("gate", lambda x, s: x * torch.sigmoid(s), x=image, s=normal(2, 1, 1, 5))
add("rows", lambda x, row, column: x * row + column, x=image, row=normal(2, 3, 1, 1), column=normal(4, 1))
add("outer", lambda a, b: a * b, a=normal(4, 1), b=normal(7))
add("number", lambda x, s: x * s + s, x=image, s=normal(1).squeeze().detach().requires_grad_())
add("twice", lambda x, c: (x * c + c) * x, x=image, c=normal(5))
add("position", lambda x, e: x + e, x=normal(2, 6, 5), e=normal(6, 5))
add("level", lambda x, e: x + e[2:3], x=normal(2, 6, 5), e=normal(4, 5))
add("position and level", lambda x, level, position: x + level[1:2] + position, x=normal(3, 6, 5), level=normal(4, 5), position=normal(6, 5))
ACTIVATIONS = {  # F.hardsigmoid has a gradient of f32 in f64
    "erf": torch.erf, "gelu": F.gelu, "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"), "silu": F.silu, "hard_sigmoid": lambda x: F.relu6(x + 3) / 6,
    "hard_swish": F.hardswish, "mish": F.mish, "leaky_relu": lambda x: F.leaky_relu(x, 0.1), "elu": lambda x: F.elu(x, 1.5),
    "relu6": lambda x: torch.clip(x, 0, 6), "pow3": lambda x: torch.pow(x, 3),
}  # fmt: skip
for name, f in ACTIVATIONS.items():
    for suffix, at in {"": x, ".far": normal(*size, scale=30), ".ties": corners(*size)}.items():
        add(name + suffix, lambda x: f(x), x=at)
add("prelu", lambda a, b: F.prelu(a, b), a=x, b=normal(19))
add("clip", torch.clip, input=x, min=normal(*size), max=normal(*size))
add("pow", torch.pow, input=positive(*size), exponent=normal(*size))
add("where", lambda c, a, b: torch.where(c > 0.25, a, b * c), c=x, a=normal(*size), b=normal(19))
write(__file__, out)
