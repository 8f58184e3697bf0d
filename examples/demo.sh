#!/usr/bin/env bash
# From nothing to overlays: installs what is missing, builds, makes a synthetic set of small lesions, trains a small DCSNet from scratch, and evaluates it on
# images it has not seen. Usage: bash examples/demo.sh [folder] [device: cpu or cuda]. The last line holds the metrics.
set -euo pipefail
cd "$(dirname "$0")/.."
bash cmake/packages.sh
out=${1:-build/demo} device=${2:-cpu}
preset=release
[ "$device" = cpu ] || preset=$device
cmake --preset "$preset" -B "build/demo-$preset" -DDCS_BUILD_TESTS=OFF -DDCS_BUILD_BENCH=OFF -DDCS_NETWORKS=small-scratch >/dev/null
cmake --build "build/demo-$preset" -j "$(nproc)" --target dcs_synthesize dcs_train dcs_evaluate
bin=build/demo-$preset/examples
rm -rf "$out/set" "$out/run"
"$bin/dcs_synthesize" --out "$out/set" --kind mri --size 128 --train 400 --val 40 --test 80 --seed 1
"$bin/dcs_train" --net small-scratch --data "$out/set" --out "$out/run" --size 128 --epochs 10 --rate 1e-3 --cosine --box-samples 128 --seed 1 --device "$device"
"$bin/dcs_evaluate" --run "$out/run" --split test --overlays 16 --device "$device"
