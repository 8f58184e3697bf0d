#!/usr/bin/env bash
# Times DCSNet's training step (the paper's network, batch 4, 256 × 256, f32, two threads, one given RoI per image) and inference (batch 1) beside the PyTorch
# reference, the two in turn. Needs a Python with torch and torchvision: DCS_PYTHON, else python3. Usage: bash bench/compare.sh [rounds]
# The last line is step_ratio=… inference_ratio=…, the peer's median time over ours.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${DCS_PYTHON:-python3}
rounds=${1:-3}
"$python" -c 'import torch, torchvision' 2>/dev/null || { echo "compare.sh: $python has no torch and torchvision; set DCS_PYTHON" >&2; exit 1; }
cmake --preset bench -DDCS_BUILD_TESTS=OFF -DDCS_BUILD_EXAMPLES=OFF -B build/bench >/dev/null
cmake --build build/bench --target step -j 2
grep -m1 'model name' /proc/cpuinfo || true
"$python" -c 'import torch, torchvision; print("torch", torch.__version__, "torchvision", torchvision.__version__)'
seconds() { grep -oE '[0-9]+\.[0-9]+ s$' | cut -d' ' -f1 | tail -n +2; }  # the first step warms up
times=$(mktemp -d)
trap 'rm -rf "$times"' EXIT
for _ in $(seq "$rounds"); do
  DCS_THREADS=2 build/bench/bench/step --steps 4 | seconds >>"$times/ours.step"
  "$python" bench/reference/dcsnet.py time --steps 3 --threads 2 | seconds >>"$times/peer.step"
  DCS_THREADS=2 build/bench/bench/step --inference --batch 1 --steps 6 | seconds >>"$times/ours.inference"
  "$python" bench/reference/dcsnet.py time --inference --batch 1 --steps 6 --threads 2 | seconds >>"$times/peer.inference"
done
median() { sort -n "$1" | awk '{a[NR]=$1} END {print (NR % 2) ? a[(NR + 1) / 2] : (a[NR / 2] + a[NR / 2 + 1]) / 2}'; }
for what in step inference; do
  echo "$what: dcs $(median "$times/ours.$what") s, PyTorch $(median "$times/peer.$what") s"
done
awk -v a="$(median "$times/peer.step")" -v b="$(median "$times/ours.step")" -v c="$(median "$times/peer.inference")" -v d="$(median "$times/ours.inference")" \
  'BEGIN {printf "step_ratio=%.2f inference_ratio=%.2f\n", a / b, c / d}'
