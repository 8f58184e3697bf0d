"""PyTorch's times of what bench/gpu/*.cu measures, under the same names and in the same way: "NAME/TYPE milliseconds", or "-" where it has no such kernel.

Every run stands between two events of its own, behind an overwritten 256 MiB; the median of 30 runs counts.
"""

import math
import statistics

import torch
import torch.nn.functional as F

try:
    import torchvision
except ImportError:
    torchvision = None

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
    """Forward without a graph, backward over a graph that is kept."""
    with torch.no_grad():
        report(name + "_forward", dtype, lambda: f(*inputs))
    leaves = [x.detach().clone().requires_grad_() for x in inputs]
    try:
        y = f(*leaves)
        outputs = y if isinstance(y, (list, tuple)) else [y]
        gradients = [torch.randn_like(o) for o in outputs]
    except (RuntimeError, NotImplementedError):
        return print(f"{name}_backward/{'bf16' if dtype == torch.bfloat16 else 'f32'} -", flush=True)
    report(name + "_backward", dtype, lambda: torch.autograd.grad(outputs, leaves, gradients, retain_graph=True))


def normal(*shape, dtype):
    return torch.randn(*shape, device="cuda", dtype=dtype)


def some_rois(count, low, high, dtype):
    rows = []
    for i in range(count):
        w, h = low + i * 53 % (high - low + 1), low + i * 31 % (high - low + 1)
        x, y = i * 37 % (256 - w), i * 71 % (256 - h)
        rows.append([i % 4, x, y, x + w, y + h])
    return torch.tensor(rows, device="cuda", dtype=dtype)


def roi_align(dtype):
    if torchvision is None:
        return
    sides = (64, 32, 16, 8)
    maps = [normal(4, 256, s, s, dtype=dtype) for s in sides]
    align = torchvision.ops.roi_align
    boxes = some_rois(2048, 16, 112, dtype)
    rows = [torch.nonzero(torch.arange(2048, device="cuda") // 4 % 4 == level)[:, 0] for level in range(4)]

    def pooled(*levels):
        out = torch.zeros(2048, 256, 7, 7, device="cuda", dtype=dtype)
        for x, at, side in zip(levels, rows, sides):
            out = out.index_put((at,), align(x, boxes[at], 7, side / 256, 2))
        return out

    both_ways("roi_align_boxes", dtype, maps, pooled)
    few = some_rois(16, 20, 80, dtype)
    both_ways("roi_align_crops", dtype, maps, lambda *levels: [align(x, few, side, side / 256, 2) for x, side in zip(levels, sides)])


def fusion(dtype):
    logits = normal(16, 4, 64, 64, dtype=dtype).contiguous(memory_format=torch.channels_last)
    maps = [normal(16, 256, 64, 64, dtype=dtype).contiguous(memory_format=torch.channels_last) for _ in range(4)]

    def f(z, *x):
        w = torch.softmax(z, 1)
        return w[:, 0:1] * x[0] + w[:, 1:2] * x[1] + w[:, 2:3] * x[2] + w[:, 3:4] * x[3]

    both_ways("fusion", dtype, [logits, *maps], f)


def attention(dtype, batch, tokens):
    """The fastest backend, forward and backward each."""
    from torch.nn.attention import SDPBackend, sdpa_kernel

    label = "bf16" if dtype == torch.bfloat16 else "f32"
    leaves = [normal(batch, 8, tokens, 32, dtype=dtype).requires_grad_() for _ in range(3)]
    dy = normal(batch, 8, tokens, 32, dtype=dtype)
    best = {"forward": math.inf, "backward": math.inf}
    for backend in (SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.CUDNN_ATTENTION, SDPBackend.MATH):
        try:
            with sdpa_kernel([backend]):
                with torch.no_grad():
                    best["forward"] = min(best["forward"], milliseconds(lambda: F.scaled_dot_product_attention(*leaves)))
                y = F.scaled_dot_product_attention(*leaves)
                best["backward"] = min(best["backward"], milliseconds(lambda: torch.autograd.grad(y, leaves, dy, retain_graph=True)))
        except RuntimeError:  # not for this type or size
            continue
    for way, time in best.items():
        print(f"attention_{tokens}_{way}/{label} {time:.4f}" if time < math.inf else f"attention_{tokens}_{way}/{label} -", flush=True)


def softmax(dtype, rows, n):
    both_ways(f"softmax_{n}", dtype, [normal(rows, n, dtype=dtype)], lambda x: torch.softmax(x, -1))


def norms(dtype):
    x = normal(4, 256, 64, 64, dtype=dtype).contiguous(memory_format=torch.channels_last)
    weight, bias = (normal(256, dtype=torch.float32) for _ in range(2))
    mean, variance = torch.zeros(256, device="cuda"), torch.ones(256, device="cuda")
    both_ways("batch_norm", dtype, [x, weight, bias], lambda a, g, b: F.batch_norm(a, mean, variance, g, b, True))
    tokens, gamma, beta = normal(4 * 5440, 256, dtype=dtype), normal(256, dtype=dtype), normal(256, dtype=dtype)
    both_ways("layer_norm", dtype, [tokens, gamma, beta], lambda a, g, b: F.layer_norm(a, (256,), g, b))


def chain(dtype):
    inputs = [normal(65536, 256, dtype=dtype), normal(256, dtype=dtype), normal(256, dtype=dtype)]
    both_ways("chain", dtype, inputs, lambda x, s, t: torch.relu(x * s + t) * torch.sigmoid(x))


def adamw():
    parameters = [torch.nn.Parameter(torch.randn(n, device="cuda")) for _ in range(40) for n in (1 << 20, 1 << 18, 1 << 16, 256)]
    for p in parameters:
        p.grad = torch.randn_like(p)
    optimiser = torch.optim.AdamW(parameters, lr=1e-4, weight_decay=1e-4, fused=True)

    def step():
        torch.nn.utils.clip_grad_norm_(parameters, 1.0, foreach=True)
        optimiser.step()

    report("adamw_clipped", torch.float32, step)


def main():
    print(f"# torch {torch.__version__}, torchvision {torchvision.__version__ if torchvision else 'missing'}, {torch.cuda.get_device_name()}")
    torch.backends.cuda.matmul.allow_tf32 = False  # as accurate as what it is compared with
    for dtype in (torch.float32, torch.bfloat16):
        roi_align(dtype)
        fusion(dtype)
        attention(dtype, 16, 256)
        attention(dtype, 4, 1360)
        attention(dtype, 1, 5440)
        softmax(dtype, 65536, 256)
        softmax(dtype, 4096, 5440)
        norms(dtype)
        chain(dtype)
    adamw()


if __name__ == "__main__":
    main()
