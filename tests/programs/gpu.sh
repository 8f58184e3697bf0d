#!/usr/bin/env bash
# gpu.sh PROGRAMS FOLDER: the programs with --device cuda on a small synthetic set. The loss of the first epoch is the host's; the host continues
# a run that the GPU began, and each evaluates what the other has trained. Exit code 77: no GPU, or no network for one was built.
set -u
. "$(dirname "$0")/common.sh"

evaluate() {
  works "$bin/dcs_evaluate" --run run --overlays 0 "$@"
  check grep -qE "$measures" out
}

works "$bin/dcs_synthesize" --out set --kind mri --size 64 --train 8 --val 3 --test 3 --seed 1
fresh --device cuda --epochs 1 --out run >out 2>err
code=$?
if [ $code != 0 ] && grep -q 'no GPU to run on' err; then
  echo "skipped: $(cat err)"
  exit 77
fi
if [ $code != 0 ] || [ -s err ]; then wrong "exit code $code: an epoch on a GPU: $(head -c 500 err)"; fi
check test "$(rows run | wc -l)" = 1
works fresh --device cpu --epochs 1 --out host
# The same images, weights and random numbers: totals differ by rounding, of maps in bf16 too.
loss() { rows "$1" | cut -d, -f3; }
check awk -v there="$(loss run)" -v here="$(loss host)" 'BEGIN { exit !(here > 0 && there > 0.9 * here && there < 1.1 * here) }'
evaluate --device cuda
evaluate --device cpu

# elsewhere ARGUMENTS...: the run goes on on another device, and says that its bits will differ.
elsewhere() {
  train --resume --out run "$@" >out 2>err || wrong "exit code $?: $(head -c 500 err)"
  check test "$(wc -l <err)" = 1
  check grep -q 'warning: run/last.safetensors was trained with' err
}
elsewhere --epochs 2 --device cpu
check grep -qF 'epochs 2 to 2' out
check test "$(rows run | wc -l)" = 2
evaluate --checkpoint last --device cpu
evaluate --checkpoint last --device cuda
works "$bin/dcs_predict" --run run --checkpoint last --device cuda --out predicted set/test/images/000011.png
check test -s predicted/000011.mask.png
elsewhere --epochs 3 --device cuda
check test "$(rows run | wc -l)" = 3
finish
