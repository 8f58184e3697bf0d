#!/usr/bin/env bash
# export.sh PROGRAMS FOLDER: a run's network becomes an ONNX file, of the last and of the best checkpoint; what is missing is said, and leaves no file.
# Where Python has onnxruntime (DCS_PYTHON), the file computes what dcs_predict writes. Exit code 77: the programs were not built.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/common.sh"

works "$bin/dcs_synthesize" --out set --kind mri --size 64 --train 4 --val 2 --test 3 --seed 1
works fresh --epochs 1 --out run
works "$bin/dcs_export" --run run --out best.onnx
check grep -q "small-scratch for images of 64 × 64, channels (value / 255 - mean) / deviation, mean 0.5 0.5 0.5" out
works "$bin/dcs_export" --run run --checkpoint last --out last.onnx
check test "$(stat -c %s last.onnx)" -gt 40000000
check cmp -s best.onnx last.onnx # one epoch: the best is the last
fails "none not in {best,last}" "$bin/dcs_export" --run run --checkpoint none --out other.onnx
fails "no_folder" "$bin/dcs_export" --run run --out no_folder/net.onnx
fails "no_run" "$bin/dcs_export" --run no_run --out other.onnx
check test ! -e other.onnx

python=${DCS_PYTHON:-python3}
if "$python" -c 'import numpy, onnxruntime' 2>/dev/null; then
  works "$bin/dcs_predict" --run run --out predicted set/test/images/*.png
  works "$python" "$here/export.py" best.onnx set/test/images predicted
else
  echo "not compared: $python has no onnxruntime and numpy"
fi
finish
