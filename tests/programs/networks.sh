#!/usr/bin/env bash
# networks.sh PROGRAMS FOLDER: every network that is built is trained, evaluated, predicts, goes on to the same bits, and is summarised, by the same programs; an
# option of one network is refused by the others. Exit code 77: the programs were not built.
set -u
. "$(dirname "$0")/common.sh"

works "$bin/dcs_synthesize" --out set --kind mri --size 64 --train 4 --val 2 --test 3 --seed 1
nets=$("$bin/dcs_train" --help | sed -n 's/.*Networks: \(.*\)\. What.*/\1/p' | tr -d ',')
check test -n "$nets"
for net in $nets; do
  case $net in
    small-scratch | resnet* | paper | no-* | base-* | mask-rcnn) continue ;; # run.sh trains the first; the others want weights, or an hour
  esac
  echo "== $net"
  new() { train --net "$net" --data set --size 64 --seed 1 --rate 1e-3 --batch 2 "$@"; }
  works new --epochs 2 --out "$net.whole"
  check test "$(rows "$net.whole" | wc -l)" = 2
  works new --epochs 1 --out "$net.parts"
  works train --resume --out "$net.parts" --epochs 2
  check cmp "$net.whole/last.safetensors" "$net.parts/last.safetensors"
  check diff <(rows "$net.whole") <(rows "$net.parts")
  # As many columns as the network has terms, twice, and what else there is.
  check test "$(head -1 "$net.whole/results.csv" | tr ',' '\n' | sort | uniq -d)" = ""
  check test "$(head -1 "$net.whole/results.csv" | tr ',' '\n' | wc -l)" = "$(tail -1 "$net.whole/results.csv" | tr ',' '\n' | wc -l)"
  works "$bin/dcs_evaluate" --run "$net.whole" --overlays 1
  check grep -qE "$measures" out
  works "$bin/dcs_evaluate" --run "$net.whole" --overlays 0 --tta --native
  works "$bin/dcs_predict" --run "$net.whole" --out "$net.predicted" set/test/images/*.png
  check test "$(ls "$net.predicted"/*.png | wc -l)" = 6
  works "$bin/dcs_summary" --net "$net" --size 64
  check grep -qE '^parameters [0-9]+$' out
  works new --epochs 1 --out "$net.sgd" --optimizer sgd --nesterov --rate-schedule polynomial --ema 0.9 --no-decay-norms
  check grep -q '"decay_norms": false' "$net.sgd/config.json"
  works train --resume --out "$net.sgd" --epochs 2
  works "$bin/dcs_evaluate" --run "$net.sgd" --overlays 0
  case $net in
    mask-rcnn*)
      works "$bin/dcs_evaluate" --run "$net.whole" --overlays 0 --boxes truth
      works new --epochs 1 --out "$net.native" --native-targets
      works new --epochs 1 --out "$net.own" --box-samples 64 --anchors 8,16,32,64,128 --backbone-rate 0.1 --no-decay-norms
      works train --resume --out "$net.own" --epochs 2
      check grep -q '"box_samples": 64' "$net.own/config.json"
      works new --epochs 1 --out "$net.auto" --anchors auto --instances
      check grep -qE '^anchors, from [0-9]+ boxes: \[' out
      check grep -q '"instances": true' "$net.auto/config.json"
      # The configuration has the numbers that were chosen: those of a run that is told them are the same bits, and so is what goes on.
      chosen=$(sed -n 's/^anchors, from .*: \[\(.*\)\]$/\1/p' out)
      works new --epochs 1 --out "$net.told" --anchors "$chosen" --instances
      check cmp "$net.auto/last.safetensors" "$net.told/last.safetensors"
      works train --resume --out "$net.auto" --epochs 2
      fails "expected auto or 5 numbers, not 2" new --out "$net.few" --anchors 8,16
      fails "not in range" new --out "$net.none" --anchors 0,16,32,64,128
      fails "expected auto or 5 numbers, not 1" new --out "$net.word" --anchors large
      ;;
    *)
      fails "has no encoder" new --epochs 1 --out "$net.encoder" --backbone-rate 0.1
      fails "looks into no boxes" "$bin/dcs_evaluate" --run "$net.whole" --overlays 0 --boxes truth
      fails "learns no regions" new --epochs 1 --out "$net.native" --native-targets
      fails "--box-samples" new --epochs 1 --out "$net.own" --box-samples 64
      ;;
  esac
  rm -rf "$net".*
done
finish
