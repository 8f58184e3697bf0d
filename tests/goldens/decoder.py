"""Attention to keys of another length, causal and banded masks, masks of padding, and the Transformer's encoder and decoder layers with the norms behind and before each part, of
torch.nn, without dropout: weights, inputs, results, and the gradients of inputs and weights, in f64."""
import torch
from torch import nn
from write import normal, write

torch.manual_seed(0)
out = {}


def causal(length):
    return torch.full((length, length), -torch.inf, dtype=torch.float64).triu(1)


def padded(shape):
    """Of each sequence but the first, two of three keys."""
    n, length = shape[:2]
    return torch.arange(length).repeat(n, 1) >= torch.tensor([length] + [max(1, 2 * length // 3)] * (n - 1))[:, None]


def banded(queries, keys):
    """Query i sees the keys i to i + 2, of the last ones the last."""
    distance = torch.arange(keys) - torch.arange(queries).clamp(max=keys - 1)[:, None]
    return torch.where((distance >= 0) & (distance <= 2), 0.0, -torch.inf).double()


attention = nn.MultiheadAttention(6, 2, batch_first=True)
layer = lambda kind, first: kind(6, 2, 5, dropout=0.0, batch_first=True, norm_first=first)
both = [((2, 5, 6), (2, 7, 6)), ((1, 1, 6), (1, 2, 6))]
alone = [(size,) for size, _ in both]
for name, module, sizes, f in (
    ("cross", attention, both, lambda m, x, memory: m(x, memory, memory, need_weights=False)[0]),
    ("causal", attention, alone, lambda m, x: m(x, x, x, need_weights=False, attn_mask=causal(x.shape[1]))[0]),
    ("pre", layer(nn.TransformerEncoderLayer, True), alone, lambda m, x: m(x)),
    ("causal layer", layer(nn.TransformerEncoderLayer, False), alone, lambda m, x: m(x, src_mask=causal(x.shape[1]))),
    ("causal pre", layer(nn.TransformerEncoderLayer, True), alone, lambda m, x: m(x, src_mask=causal(x.shape[1]))),
    ("decoder", layer(nn.TransformerDecoderLayer, False), both, lambda m, x, memory: m(x, memory)),
    ("decoder pre", layer(nn.TransformerDecoderLayer, True), both, lambda m, x, memory: m(x, memory)),
    ("causal decoder", layer(nn.TransformerDecoderLayer, True), both, lambda m, x, memory: m(x, memory, tgt_mask=causal(x.shape[1]))),
    ("banded cross", attention, both,
     lambda m, x, memory: m(x, memory, memory, need_weights=False, attn_mask=banded(x.shape[1], memory.shape[1]))[0]),
    ("padded cross", attention, both, lambda m, x, memory: m(x, memory, memory, need_weights=False, key_padding_mask=padded(memory.shape))[0]),
    ("padded layer", layer(nn.TransformerEncoderLayer, False), alone, lambda m, x: m(x, src_key_padding_mask=padded(x.shape))),
    ("padded decoder", layer(nn.TransformerDecoderLayer, False), both, lambda m, x, memory: m(x, memory, memory_key_padding_mask=padded(memory.shape))),
    ("masked decoder", layer(nn.TransformerDecoderLayer, True), both,
     lambda m, x, memory: m(x, memory, tgt_mask=causal(x.shape[1]), memory_mask=banded(x.shape[1], memory.shape[1]))),
):
    with torch.no_grad():
        for p in module.parameters():
            p.copy_(0.4 * torch.randn_like(p) + (p.dim() == 1 and p.mean() == 1))
    out |= {f"{name}/weight/{k}": v.float() for k, v in module.state_dict().items()}
    module.float().double().train()
    for i, shapes in enumerate(sizes):
        inputs = dict(zip(("x", "memory"), (normal(*s) for s in shapes)))
        y = f(module, **inputs)
        dy = torch.randn(y.shape)
        parameters = dict(module.named_parameters())
        gradients = torch.autograd.grad(y, [*inputs.values(), *parameters.values()], dy.double())
        out |= {f"{name}.{i}/{k}": v.float() for k, v in inputs.items()} | {f"{name}.{i}/y": y, f"{name}.{i}/dy": dy}
        out |= {f"{name}.{i}/d{k}": g for k, g in zip(inputs, gradients)}
        out |= {f"{name}.{i}/gradient/{k}": g for k, g in zip(parameters, gradients[len(inputs) :])}
write(__file__, out)
