"""Dropout by element and of whole channels: x · mask / (1 − p) with gradients, in f64. The masks are those of the generator Philox4x32-10 (Salmon et al.
2011), written here a second time: number i of a stream is word i mod 4 of counter (i / 4, stream), and what it stands for is kept where the upper 24 bits
of the word, over 2^24, are at least p. Elements count in memory order; of channels, n · C + c."""
import torch
from write import case, normal, write


def words(key, stream, index):
    c = [index & 0xFFFFFFFF, index >> 32, stream & 0xFFFFFFFF, stream >> 32]
    k = [key & 0xFFFFFFFF, key >> 32]
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [b >> 32 ^ c[1] ^ k[0], b & 0xFFFFFFFF, a >> 32 ^ c[3] ^ k[1], a & 0xFFFFFFFF]
        k = [k[0] + 0x9E3779B9 & 0xFFFFFFFF, k[1] + 0xBB67AE85 & 0xFFFFFFFF]
    return c


def mask(key, stream, count, p):
    return torch.tensor([(words(key, stream, i // 4)[i % 4] >> 8) / 2**24 >= p for i in range(count)]).double()


torch.manual_seed(0)
out = {}
for i, (size, p) in enumerate([((2, 3, 4, 5), 0.2), ((3, 1, 7), 0.5), ((1, 1), 0.25), ((2, 6, 33), 0.9), ((4, 2, 1), 0.3)]):
    key, stream = 0x123456789ABCDEF0 + i, 7 << 33 | i
    x = normal(*size)
    kept = mask(key, stream, x.numel(), p).view(size)
    out |= {f"element.{i}/{k}": v for k, v in case(lambda x: x * kept / (1 - p), x=x).items()}
    kept = mask(key, stream, size[0] * size[-1], p).view(size[0], *[1] * (len(size) - 2), size[-1])
    out |= {f"channel.{i}/{k}": v for k, v in case(lambda x: x * kept / (1 - p), x=x).items()}
write(__file__, out)
