"""Prints the hashes that tests/image/perceptual_hash.cpp expects: SciPy's DCT-II (numpy 2.4.6, scipy 1.17) of pictures of 32 × 32, whose coefficients 1 to 8
along both axes are compared with their median.
"""
import numpy as np
from scipy.fft import dctn

y, x = np.mgrid[0:32, 0:32]
for name, picture in {
    "product": (x * y * 7 + 3 * x + 11 * y) % 256,
    "rings": ((x - 13) ** 2 + (y - 17) ** 2) % 256,
    "waves": (x * x * y + 5 * y * y + 17 * x) % 251,
}.items():
  c = dctn(picture.astype(float), type=2)[1:9, 1:9].ravel()
  print(name, hex(sum(1 << k for k in range(64) if c[k] > np.median(c))), "margin", np.sort(np.abs(c - np.median(c)))[0])
