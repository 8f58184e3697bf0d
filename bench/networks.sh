#!/usr/bin/env bash
# The small networks beside each other: each is trained from scratch on the demo's synthetic set, with the demo's numbers, and evaluated on 80 images that it has not seen.
# Prints a table in Markdown; seconds of a step are the median epoch's, its validation included, over its 100 steps. Usage: bash bench/networks.sh PROGRAMS [FOLDER [NET...]],
# where PROGRAMS is the folder of the built programs, as build/release/examples.
set -euo pipefail
bin=$(cd "${1:?networks.sh PROGRAMS [FOLDER [NET...]]}" && pwd)
out=${2:-build/networks}
shift $(($# < 2 ? $# : 2))
nets=("$@")
[ ${#nets[@]} -gt 0 ] || nets=(small-scratch unet-16 unet++-8 attention-unet-16 mask-rcnn-small-scratch)
mkdir -p "$out"
[ -d "$out/set" ] || "$bin/dcs_synthesize" --out "$out/set" --kind mri --size 128 --train 400 --val 40 --test 80 --seed 1 >/dev/null
number() { grep -oE "$1=[0-9.]+" <<<"$2" | cut -d= -f2; }
echo "| network | parameters | Dice | IoU | 95HD | missed | seconds a step | minutes |"
echo "|---|---|---|---|---|---|---|---|"
for net in "${nets[@]}"; do
  rm -rf "${out:?}/$net"
  "$bin/dcs_train" --net "$net" --data "$out/set" --out "$out/$net" --size 128 --epochs 10 --rate 1e-3 --cosine --seed 1 $(case $net in small-scratch | mask-rcnn*) echo --box-samples 128 ;; esac) >"$out/$net.log" 2>&1
  measured=$("$bin/dcs_evaluate" --run "$out/$net" --split test --overlays 8 | tail -1)
  parameters=$("$bin/dcs_summary" --net "$net" --size 128 | sed -n 's/^parameters //p')
  seconds=$(tail -n +2 "$out/$net/results.csv" | cut -d, -f3 | sort -n)
  step=$(awk '{a[NR] = $1} END {printf "%.2f", (NR % 2 ? a[(NR + 1) / 2] : (a[NR / 2] + a[NR / 2 + 1]) / 2) / 100}' <<<"$seconds")
  minutes=$(awk '{sum += $1} END {printf "%.1f", sum / 60}' <<<"$seconds")
  echo "| $net | $parameters | $(number dice "$measured") | $(number iou "$measured") | $(number hd95 "$measured") | $(number missed "$measured") of 80 | $step | $minutes |"
done
