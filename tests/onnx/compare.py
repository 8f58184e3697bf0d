"""compare.py FOLDER: every case NAME.onnx of the folder through onnxruntime, against what dcs computed; check_export.hpp writes them.

Also the checker of the package onnx, with its inference of shapes. Exit code 77: onnx, onnxruntime or numpy is not installed.
"""
import glob
import os
import sys

try:
    import numpy as np
    import onnx
    import onnxruntime
except ImportError as e:
    print(f"skipped: {e}")
    sys.exit(77)


def differences(path):
    """The largest difference of each output, relative to the largest value of dcs."""
    onnx.checker.check_model(onnx.load(path), full_check=True)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    prefix = path[: -len(".onnx")]
    feed = {i.name: np.load(f"{prefix}.in.{i.name}.npy") for i in session.get_inputs()}
    names = [o.name for o in session.get_outputs()]
    for name, found in zip(names, session.run(names, feed)):
        wanted = np.load(f"{prefix}.out.{name}.npy")
        if found.shape != wanted.shape:
            raise ValueError(f"{name}: sizes {found.shape}, dcs has {wanted.shape}")
        if not np.isfinite(found).all():
            raise ValueError(f"{name}: not finite")
        scale = max(float(np.abs(wanted).max(initial=0)), 1e-6)
        yield name, float(np.abs(found - wanted).max(initial=0)) / scale


wrong = 0
cases = sorted(glob.glob(os.path.join(sys.argv[1], "*.onnx")))
for path in cases:
    try:
        found = list(differences(path))
        text = ", ".join(f"{name} {d:.1e}" for name, d in found)
        bad = any(d > 1e-4 for _, d in found)
    except Exception as e:
        text, bad = str(e).strip().splitlines()[-1] if str(e).strip() else repr(e), True
    wrong += bad
    print(("WRONG " if bad else "ok    ") + os.path.basename(path) + ": " + text)
print(f"{len(cases)} cases, {wrong} wrong")
sys.exit(1 if wrong or not cases else 0)
