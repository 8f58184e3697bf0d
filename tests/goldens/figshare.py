"""Writes figshare/NAME.mat: three small files as MATLAB 7.3 writes those of Cheng et al., of two patients, by h5py 3.16.0.

    python tests/goldens/figshare.py        (needs h5py and numpy)

MATLAB stores a matrix by columns, so that HDF5 has it transposed. The tumour is rows 1 to 2, columns 3 to 5.
"""
import pathlib

import h5py
import numpy as np

folder = pathlib.Path(__file__).parent / "figshare"
folder.mkdir(exist_ok=True)
for k, patient in enumerate(["100360", "100360", "MR0402"]):
  with h5py.File(folder / f"{k + 1}.mat", "w", libver="earliest", userblock_size=512) as f:
    row, column = np.mgrid[0:6, 0:9]
    mask = (row >= 1) & (row <= 2) & (column >= 3) & (column <= 5)
    group = f.create_group("cjdata")
    group["image"] = (10 * row + column + 40 * ((row * k + column * (k + 1)) % 3)).astype("<i2").T
    group["tumorMask"] = mask.astype("u1").T
    group["PID"] = np.array([[ord(c)] for c in patient], "<u2")
    group["label"] = np.array([[1.0]])
