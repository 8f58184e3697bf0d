#!/usr/bin/env bash
# native.sh PROGRAMS FOLDER: a run whose targets are from native masks is resumed to the same bits, evaluated and asked at the images' own size; without the flag it
# is another run. Exit code 77: the programs were not built.
set -u
. "$(dirname "$0")/common.sh"

works "$bin/dcs_synthesize" --out set --kind mri --size 160 --train 4 --val 2 --test 3 --seed 1
works fresh --native-targets --epochs 2 --out run
check grep -q '"native_targets": true' run/config.json
works fresh --native-targets --epochs 1 --out run.parts
works train --resume --out run.parts --epochs 2
check cmp run/last.safetensors run.parts/last.safetensors
works fresh --epochs 1 --out run.plain
check grep -q '"native_targets": false' run.plain/config.json
cmp -s <(rows run | head -1) <(rows run.plain) && wrong "the losses are those of masks at the network's size"
fails "--native-targets: a resumed run keeps its configuration" train --resume --out run.plain --epochs 2 --native-targets
# A configuration that an earlier version wrote has no such key: targets are of the network's size.
cp -r run.plain run.earlier
sed -i '/"native_targets"/d' run.earlier/config.json
works train --resume --out run.earlier --epochs 2
for more in "" --native "--native --boxes truth" "--native --tta"; do
  works "$bin/dcs_evaluate" --run run --overlays 0 $more
  check grep -qE "$measures" out
done
works "$bin/dcs_predict" --run run --out predicted set/test/images/*.png
check test "$(find predicted -name '*.mask.png' | wc -l)" = 3
finish
