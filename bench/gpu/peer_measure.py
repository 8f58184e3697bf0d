"""How peer.py measures, and what with: bench/gpu/measure.cuh's way. Every run stands between two events of its own, behind an overwritten 256 MiB; the
median of 30 runs counts.
"""

import statistics

import torch

cold = torch.empty(256 << 20, dtype=torch.uint8, device="cuda")


def milliseconds(run):
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    times = []
    for i in range(35):
        cold.zero_()
        begin.record()
        run()
        end.record()
        end.synchronize()
        if i >= 5:
            times.append(begin.elapsed_time(end))
    return statistics.median(times)


def report(name, dtype, run):
    label = f"{name}/{'bf16' if dtype == torch.bfloat16 else 'f32'}"
    try:
        print(f"{label} {milliseconds(run):.4f}", flush=True)
    except (RuntimeError, NotImplementedError):  # no kernel for this type
        print(f"{label} -", flush=True)


def both_ways(name, dtype, inputs, f):
    """Forward without a graph, backward over a graph that is kept. Where a gradient is but a view of what came in, it is copied: dcs writes it."""
    with torch.no_grad():
        report(name + "_forward", dtype, lambda: f(*inputs))
    leaves = [x.detach().clone().requires_grad_() for x in inputs]
    try:
        y = f(*leaves)
        outputs = y if isinstance(y, (list, tuple)) else [y]
        gradients = [torch.randn_like(o) for o in outputs]
    except (RuntimeError, NotImplementedError):
        return print(f"{name}_backward/{'bf16' if dtype == torch.bfloat16 else 'f32'} -", flush=True)
    incoming = {g.untyped_storage().data_ptr() for g in gradients}

    def backward():
        for x, g in zip(leaves, torch.autograd.grad(outputs, leaves, gradients, retain_graph=True)):
            if g.untyped_storage().data_ptr() in incoming:
                torch.empty_like(x).copy_(g)

    report(name + "_backward", dtype, backward)


def normal(*shape, dtype):
    return torch.randn(*shape, device="cuda", dtype=dtype)


def channels_last(*shape, dtype):
    return normal(*shape, dtype=dtype).contiguous(memory_format=torch.channels_last)
