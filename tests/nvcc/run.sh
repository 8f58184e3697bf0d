#!/usr/bin/env bash
# run.sh NVCC SOURCE BUILD: nvcc's front end ends on network.cu; nvcc compiles ops.cu, host and device side, without a warning, and the program passes.
# 77 (skipped) where there is no nvcc.
set -euo pipefail
[ -x "$1" ] || { echo "skipped: nvcc is not installed"; exit 77; }
mkdir -p "$3"
"$1" -std=c++20 -arch=sm_90 -cuda -I "$2/include" "$2/tests/nvcc/network.cu" -o "$3/network.ii"
"$1" -std=c++20 -arch=sm_90 -Werror all-warnings -Xcompiler -Wall,-Wextra,-Werror,-pthread -I "$2/include" "$2/tests/nvcc/ops.cu" -o "$3/ops"
"$3/ops"
