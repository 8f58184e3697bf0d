"""Multi-head attention and the Transformer's encoder layer (post-norm, ReLU) of torch.nn, without dropout: weights, inputs, results, and the gradients of
inputs and weights, in f64."""
import torch
from torch import nn
from write import normal, write

torch.manual_seed(0)
out = {}
for name, module, sizes in (
    ("attention", nn.MultiheadAttention(12, 3, batch_first=True), [(2, 5, 12), (1, 1, 12), (3, 17, 12)]),
    ("layer", nn.TransformerEncoderLayer(12, 3, 20, dropout=0.0, batch_first=True), [(2, 5, 12), (1, 1, 12), (3, 9, 12)]),
):
    with torch.no_grad():
        for p in module.parameters():
            p.copy_(0.4 * torch.randn_like(p) + (p.dim() == 1 and p.mean() == 1))  # biases and norms too begin somewhere
    out |= {f"{name}/weight/{k}": v.clone() for k, v in module.state_dict().items()}
    module.double().train()
    for i, size in enumerate(sizes):
        x = normal(*size)
        y = module(x, x, x, need_weights=False)[0] if name == "attention" else module(x)
        dy = torch.randn(size)
        parameters = dict(module.named_parameters())
        dx, *gradients = torch.autograd.grad(y, [x, *parameters.values()], dy.double())
        out |= {f"{name}.{i}/x": x.float(), f"{name}.{i}/y": y, f"{name}.{i}/dy": dy, f"{name}.{i}/dx": dx}
        out |= {f"{name}.{i}/gradient/{k}": g for k, g in zip(parameters, gradients)}
write(__file__, out)
