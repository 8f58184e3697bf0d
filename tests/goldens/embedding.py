"""torch.nn.Embedding: rows of a table, some looked up several times, some never, with the gradient of the table; and a torch.nn.Sequential with layers
without parameters among the others, in f64."""
import torch
from torch import nn
from write import case, first, last, normal, write

torch.manual_seed(0)
out = {}
for name, count, width, shape in (("words", 7, 5, (3, 4)), ("one", 1, 1, (1,)), ("wide", 11, 32, (2, 3, 2)), ("none", 4, 3, (0, 2))):
    ids = torch.randint(count, shape)
    out |= {f"{name}/ids": ids}
    out |= {f"{name}/{k}": v for k, v in case(lambda weight: nn.functional.embedding(ids, weight), weight=normal(count, width)).items()}

net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Sequential(nn.Conv2d(8, 4, 1, bias=False), nn.Tanh()), nn.AvgPool2d(3, 1, 1, count_include_pad=False), nn.Sigmoid())
out |= {f"net/weight/{k}": v.detach().clone() for k, v in net.state_dict().items()}
net.double()
x = normal(2, 6, 8, 3)
stored = case(lambda x: last(net(first(x))), x=x)
gradients = torch.autograd.grad(net(first(x)), list(net.parameters()), first(stored["dy"]).double())
out |= {f"net.0/{k}": v for k, v in stored.items()}
out |= {f"net.0/gradient/{k}": g for (k, _), g in zip(net.named_parameters(), gradients)}
write(__file__, out)
