"""Conversions between f64, f32, bf16 and f16: inputs, and the bits of what they become as integers. Inputs are numbers of 16 bits, what lies just beside
them and halfway to the next, of either sign: zeros, subnormals, the ends of the ranges, infinities, NaN."""
import numpy
import torch
from write import write


def bits(x):
    unsigned = {2: numpy.uint16, 4: numpy.uint32, 8: numpy.uint64}[x.element_size()]
    signed = {2: torch.int16, 4: torch.int32, 8: torch.int64}[x.element_size()]
    return torch.from_numpy(x.view(signed).numpy().view(unsigned).astype(numpy.int64))


def around(exponents, mantissas, exponent_bits, mantissa_bits, low_bits):
    """f32 or f64 (by the number of bits) whose upper bits are such a number of 16 bits, and whose lower ones are at and around halfway."""
    half = 1 << low_bits - 1
    return [((s << exponent_bits | e) << mantissa_bits | m) << low_bits | low
            for s in (0, 1) for e in exponents for m in mantissas for low in (0, 1, half - 1, half, half + 1, 2 * half - 1)]  # fmt: skip


exponents = [0, 1, 2, 102, 103, 111, 112, 113, 126, 127, 128, 141, 142, 143, 253, 254, 255]
f32 = around(exponents, [0, 1, 64, 126, 127], 8, 7, 16)  # around numbers of bf16
f32 += around((101, 102, 103, 111, 112, 113, 114, 127, 140, 141, 142, 143), [0, 1, 0x3FF], 8, 10, 13)  # around numbers of f16, beyond both of its ends too
f32 = torch.from_numpy(numpy.array(f32, dtype=numpy.uint32)).view(torch.float32)
f64 = around([0, 1, 896, 897, 1000, 1022, 1023, 1024, 1150, 1151, 2046, 2047], [0, 1, 0x7FFFFE, 0x7FFFFF], 11, 23, 29)  # around numbers of f32
f64 += around([872, 873, 874, 895], [0, 1, 0x400000, 0x7FFFFF], 11, 23, 29)  # its subnormals
f64 = torch.from_numpy(numpy.array(f64, dtype=numpy.uint64)).view(torch.float64)
out = {"f32": f32, "f64": f64}
for name, x in (("f32", f32), ("f64", f64)):
    for to in ("bf16", "f16", "f32", "f64"):
        if to != name:
            out[f"{name}.{to}"] = bits(x.to({"bf16": torch.bfloat16, "f16": torch.float16, "f32": torch.float32, "f64": torch.float64}[to]))
# Back: the numbers of 16 bits at hand, and what they are in f32.
for name, kind in (("bf16", torch.bfloat16), ("f16", torch.float16)):
    x = f32.to(kind).unique(sorted=False)
    out |= {f"{name}": bits(x), f"{name}.f32": bits(x.float())}
write(__file__, out)
