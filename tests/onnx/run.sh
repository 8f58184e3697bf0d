#!/usr/bin/env bash
# run.sh FOLDER TEST...: the cases of the export's tests, written to FOLDER, through onnxruntime. Exit code 77: the Python that DCS_PYTHON names (python3
# where it names none) has no onnx, onnxruntime and numpy: pip install onnx onnxruntime numpy.
set -euo pipefail
folder=$1
shift
python=${DCS_PYTHON:-python3}
if ! "$python" -c 'import numpy, onnx, onnxruntime' 2>/dev/null; then
  echo "skipped: $python has no onnx, onnxruntime and numpy; DCS_PYTHON names another"
  exit 77
fi
rm -rf "$folder"
mkdir -p "$folder"
for test in "$@"; do DCS_ONNX_CASES=$folder "$test"; done
"$python" "$(dirname "$0")/compare.py" "$folder"
