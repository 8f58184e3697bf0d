"""PyTorch's times for the shapes of conv3d.cpp, in milliseconds: forward, and forward with both gradients. Usage: conv3d.py [THREADS]
With one thread it is the time of the processor, which other programs on the machine hardly change; with more the time of the clock."""
import sys
import time

import torch
import torch.nn.functional as F

threads = int(sys.argv[1]) if len(sys.argv) > 1 else 1
clock = time.process_time if threads == 1 else time.perf_counter
torch.set_num_threads(threads)


def best(f, seconds=1.0):
    f()
    times, end = [], clock() + seconds
    while clock() < end or len(times) < 3:
        begin = clock()
        f()
        times.append(clock() - begin)
    return 1000 * min(times)


def measure(name, op, x, w):
    x, w = torch.randn(x, requires_grad=True), torch.randn(w, requires_grad=True)
    dy = torch.ones_like(op(x, w))
    with torch.no_grad():
        forward = best(lambda: op(x, w))
    print(f"{name:32} forward {forward:8.2f} ms, training {best(lambda: torch.autograd.grad(op(x, w), (x, w), dy)):8.2f} ms")


for batch, side, inputs, outputs, stride in ((2, 48, 1, 16, 1), (2, 48, 16, 16, 1), (2, 24, 32, 32, 1), (2, 12, 64, 64, 1), (2, 48, 16, 32, 2)):
    measure(f"volumes {batch}, {side}, {inputs}, {outputs}, {stride}", lambda x, w: F.conv3d(x, w, stride=stride, padding=1),
            (batch, inputs, side, side, side), (outputs, inputs, 3, 3, 3))
measure("doubled 2, 12, 64, 32", lambda x, w: F.conv_transpose3d(x, w, stride=2), (2, 64, 12, 12, 12), (64, 32, 2, 2, 2))
measure("rows 16, 1024, 64, 64", lambda x, w: F.conv1d(x, w, padding=1), (16, 64, 1024), (64, 64, 3))
