"""The draws of dcs::bootstrap (metrics/bootstrap.hpp), written again in Python."""


def philox(key, stream, index):
    """The four words of Philox4x32-10 at counter (index, stream)."""
    c, k = [index & 0xFFFFFFFF, index >> 32, stream & 0xFFFFFFFF, stream >> 32], [key & 0xFFFFFFFF, key >> 32]
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k[0], b & 0xFFFFFFFF, (a >> 32) ^ c[3] ^ k[1], a & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def resampled(seed, r, groups):
    """The groups that replicate r draws."""
    w = philox(seed, 0x626F6F74 ^ (2**64 - 1), r)
    key, stream = seed ^ (w[0] << 32 | w[1]), w[2] << 32 | w[3]
    return [philox(key, stream, j // 4)[j % 4] * groups >> 32 for j in range(groups)]
