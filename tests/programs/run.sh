#!/usr/bin/env bash
# run.sh PROGRAMS FOLDER: the programs on a small synthetic set. What a run leaves; that --resume gives the same bits as no interruption, also after a kill or
# a full disk; and that whatever is wrong is one line on stderr, an exit code that is not 0, and no file lost. Exit code 77: the programs were not built.
set -u
. "$(dirname "$0")/common.sh"

header=epoch,rate,seconds,total,main,levels,edge,consistency,classifier,box,objectness,rpn_box,regions,val_total,val_main,val_levels,val_edge,val_consistency,val_classifier,val_box,val_objectness,val_rpn_box,dice,iou,precision,hd95,missed

echo "== what the programs write"
for p in train evaluate predict tune summary synthesize compare report grid; do
  works "$bin/dcs_$p" --help
  check grep -q -- --help out
done
works "$bin/dcs_synthesize" --out set --kind mri --size 64 --train 8 --val 3 --test 3 --seed 1
for split in "train 8" "val 3" "test 3"; do
  set -- $split
  check test "$(find set/$1/images -name '*.png' | wc -l)" = "$2"
  check diff <(ls set/$1/images) <(ls set/$1/masks)
done
works env DCS_THREADS=2 "$bin/dcs_train" --net small-scratch --data set --size 64 --seed 1 --rate 1e-3 --batch 4 --epochs 2 --out run
check test "$(ls run | tr '\n' ' ')" = "best.safetensors config.json curves.png last.safetensors previous.safetensors results.csv "
check test "$(head -1 run/results.csv)" = $header
check test "$(rows run | wc -l)" = 2
check awk -F, 'NF != 27 { exit 1 } NR > 1 { for (i = 1; i <= NF; ++i) if ($i !~ /^-?[0-9.]+(e[-+]?[0-9]+)?$/) exit 1 }' run/results.csv
if grep -q $'\r' out; then wrong "a progress line is written over, but this is no terminal"; fi
works "$bin/dcs_evaluate" --run run --split test --overlays 2
check grep -qE "$measures" out
check test "$(ls run/overlays | wc -l)" = 2
check test "$(grep -c '"name"' run/evaluation.json)" = 3
check grep -q '"mean"' run/evaluation.json
# The programs' own parser takes it: as a configuration it lacks the network, no more.
mkdir parse && cp run/evaluation.json parse/config.json
fails "key 'net' not found" "$bin/dcs_predict" --run parse --out p set/test/images/000011.png
works "$bin/dcs_evaluate" --run run --split test --boxes truth --native --overlays 0
works "$bin/dcs_evaluate" --run run --split val --tta --checkpoint last --overlays 0
works "$bin/dcs_synthesize" --out larger --kind endoscopy --size 96 --train 1 --val 0 --test 0 --seed 2
works "$bin/dcs_predict" --run run --out predicted larger/train/images/000000.png
# Width and height in a PNG's header: a mask has its image's size.
check test "$(od -An -tu1 -j16 -N8 predicted/000000.mask.png | tr -s ' ')" = " 0 0 0 96 0 0 0 96"
check test -s predicted/000000.overlay.png
works "$bin/dcs_summary" --net small-scratch --size 64
check grep -qE '^parameters [0-9]+$' out

echo "== a run in two parts, on other threads, has the same bits"
works env DCS_THREADS=1 "$bin/dcs_train" --net small-scratch --data set --size 64 --seed 1 --rate 1e-3 --batch 4 --epochs 1 --out parts
check test "$(rows parts | wc -l)" = 1
if cmp -s parts/last.safetensors run/last.safetensors; then wrong "an epoch changes nothing"; fi
# As kills between results.csv and the checkpoint, or in the middle of writing either, leave it.
tail -1 parts/results.csv | sed 's/^1,/2,/' >>parts/results.csv
printf 2,0.001,1.0,9 >>parts/results.csv
echo garbage >parts/last.safetensors.partial
works env DCS_THREADS=3 "$bin/dcs_train" --resume --out parts --epochs 2
check grep -qF 'epochs 2 to 2' out
check cmp run/last.safetensors parts/last.safetensors
check diff <(rows run) <(rows parts)
check diff <("$bin/dcs_evaluate" --run run --overlays 0) <("$bin/dcs_evaluate" --run parts --overlays 0)
works train --resume --out parts
check diff <(rows run) <(rows parts)
works train --net small-scratch --data set --size 64 --seed 2 --rate 1e-3 --batch 4 --epochs 1 --out other
if [ "$(rows other)" = "$(rows run | head -1)" ]; then wrong "another seed gives the same epoch"; fi
rm -rf other

echo "== a run that is killed goes on from its last epoch"
"$bin/dcs_train" --net small-scratch --data set --size 64 --seed 1 --rate 1e-3 --batch 4 --epochs 40 --out killed >out 2>err &
pid=$!
for _ in $(seq 600); do
  if [ -f killed/results.csv ] && [ "$(wc -l <killed/results.csv)" -ge 2 ] && [ -f killed/last.safetensors ]; then break; fi
  sleep 0.05
done
sleep 0.4
kill -9 $pid
wait $pid 2>/dev/null
check test "$(head -1 killed/results.csv)" = $header
check awk -F, 'NF != 27 { exit 1 }' killed/results.csv
check diff <(rows run | head -1) <(rows killed | head -1)
works "$bin/dcs_evaluate" --run killed --checkpoint last --overlays 0
works train --resume --out killed --epochs 2
check cmp run/last.safetensors killed/last.safetensors
check diff <(rows run) <(rows killed)
rm -rf killed

echo "== a full disk loses nothing"
cp run/config.json before.json && cp parts/results.csv before.csv
# limited BLOCKS COMMAND: files end after so many blocks of 1 KiB.
limited() (
  trap '' XFSZ
  ulimit -f "$1"
  shift
  "$@"
)
cp parts/last.safetensors before.last
limited 20000 "$bin/dcs_train" --resume --out parts --epochs 3 >out 2>err && wrong "a checkpoint that cannot be written, and exit code 0"
check test "$(wc -l <err)" = 1
check grep -qF 'parts/' err
check cmp before.last parts/last.safetensors
check test -z "$(ls parts | grep partial)"
works train --resume --out parts --epochs 2
check diff <(rows run) <(rows parts)
rm before.last
# 100 MB hold the best checkpoint of a new run but not the last one, which has the optimiser's moments too: the run begins again.
limited 100000 "$bin/dcs_train" --net small-scratch --data set --size 64 --seed 1 --rate 1e-3 --batch 4 --epochs 1 --out first >out 2>err && wrong "no last checkpoint, and exit code 0"
check test -s first/best.safetensors
check test ! -e first/last.safetensors
works train --resume --out first
check diff <(rows run | head -1) <(rows first)
rm -rf first
limited_png() (
  trap '' XFSZ
  ulimit -f 1
  "$bin/dcs_synthesize" "$@" | cat >/dev/null
  exit "${PIPESTATUS[0]}"
)
fails "cannot write x/train/images/000000.png" limited_png --out x --size 64 --train 8 --val 0 --test 0 --seed 9
check test -z "$(find x -name '*.partial')"
rm -rf x
fails "set holds a set already" "$bin/dcs_synthesize" --out set --size 64 --train 8 --val 0 --test 0 --seed 9
"$bin/dcs_summary" --size 64 >/dev/full 2>err && wrong "standard output is full, and exit code 0"
check test "$(wc -l <err)" = 1
rm run/evaluation.json && mkdir -p run/evaluation.json/taken
fails "cannot write run/evaluation.json: " "$bin/dcs_evaluate" --run run --overlays 0
rm -r run/evaluation.json

echo "== bad flags"
fails "--bogus" fresh --out x --bogus
fails "--out is required" train --data set
fails "--data is required" train --out x
fails "--weight-decay" train --data set --out x --weight-decay 11
fails "--weight-decay" train --data set --out x --weight-decay nan
fails "--epochs" train --data set --out x --epochs two
fails "--seed" train --data set --out x --seed -1
fails "--size 80" train --data set --out x --size 80
fails "--net nothing: not compiled in" train --data set --out x --net nothing
fails "holds a run already" fresh --out run
fails "--rate: a resumed run keeps its configuration" train --out run --resume --rate 1e-4
fails "--split" "$bin/dcs_evaluate" --run run --split
fails "--boxes" "$bin/dcs_evaluate" --run run --boxes some
fails "--tta" "$bin/dcs_evaluate" --run run --boxes truth --tta
fails "--kind" "$bin/dcs_synthesize" --out x --kind xray
fails "--size" "$bin/dcs_summary" --size 0
fails "images" "$bin/dcs_predict" --run run --out x
check test ! -e x

echo "== files that are missing or wrong"
fails "nothing/train/images" train --data nothing --out x
fails "nothing/config.json" train --resume --out nothing
fails "run/nothing" "$bin/dcs_evaluate" --run run/nothing
fails "set/third/images" "$bin/dcs_evaluate" --run run --split third
fails "nothing.png" "$bin/dcs_predict" --run run --out x nothing.png
fails "names of those of" "$bin/dcs_predict" --run run --out x set/test/images/000011.png larger/../set/test/images/000011.png
cp set/test/images/000011.png run/a.png && cp set/test/images/000012.png run/a.mask.png
fails "run/a.mask.png: the results of run/a.png would overwrite it" "$bin/dcs_predict" --run run --out run run/a.png run/a.mask.png
rm run/a.png run/a.mask.png
echo text >file
fails "file" fresh --out file/x
fails "file" "$bin/dcs_predict" --run run --out file set/test/images/000011.png
fails "file: " "$bin/dcs_predict" --run run --out x file
fails "file: " fresh --backbone file --out x
fails "run/best.safetensors: dcs::load: the file lacks conv1.weight" fresh --backbone run/best.safetensors --out x
rm -rf x

# Programs without CUDA, and those with it where no GPU is to be seen, say so before they read or write anything.
export CUDA_VISIBLE_DEVICES=
fails "GPU" fresh --device cuda --epochs 1 --out x
fails "GPU" train --resume --out run --epochs 3 --device cuda
fails "GPU" "$bin/dcs_evaluate" --run run --device cuda
fails "GPU" "$bin/dcs_predict" --run run --device cuda --out x set/test/images/000011.png
fails "GPU" "$bin/dcs_summary" --device cuda
fails "--device" fresh --device tpu --out x
check test ! -e x

# damaged TEXT FILE REPLACEMENT: a set in which FILE is REPLACEMENT cannot be trained on, and the line names the file.
damaged() {
  rm -rf broken x && cp -r set broken
  if [ -e "$3" ]; then cp "$3" "broken/$2"; else rm "broken/$2"; fi
  fails "$1" train --data broken --size 64 --epochs 1 --out x
  check test ! -e x/last.safetensors
}
head -c 1000 set/train/images/000003.png >truncated
{ head -c 700 set/train/images/000003.png; echo flipped; tail -c +709 set/train/images/000003.png; } >flipped
: >empty
damaged broken/train/images/000003.png train/images/000003.png truncated
damaged broken/train/images/000003.png train/images/000003.png flipped
damaged broken/train/images/000003.png train/images/000003.png empty
damaged broken/val/masks/000009.png val/masks/000009.png file
check test ! -e x # told before an epoch is lost
damaged broken/train/masks/000003.png train/masks/000003.png larger/train/masks/000000.png
damaged broken/train/images/000003.png train/masks/000003.png nothing
rm -rf broken x

# With a damaged file, no program goes on, and none touches it.
mkdir broken && cp run/config.json run/results.csv broken
bad_run() {
  fails "$1" "$bin/dcs_evaluate" --run broken --checkpoint last
  fails "$1" "$bin/dcs_predict" --run broken --checkpoint last --out x set/test/images/000011.png
  fails "$1" train --resume --out broken --epochs 3
}
bad_run broken/last.safetensors
head -c 1000000 run/last.safetensors >broken/last.safetensors
bad_run broken/last.safetensors
{ head -c 100 run/best.safetensors; echo damage; tail -c +108 run/best.safetensors; } >broken/last.safetensors
bad_run broken/last.safetensors
head -c 4096 /dev/zero | tr '\0' '\377' >broken/last.safetensors
bad_run broken/last.safetensors
# Whole, but without the optimiser: fine to evaluate, not to go on from.
cp run/best.safetensors broken/last.safetensors
works "$bin/dcs_evaluate" --run broken --checkpoint last --overlays 0
fails "broken/last.safetensors" train --resume --out broken --epochs 3
cp run/best.safetensors broken/best.safetensors
for edit in '$d' 's/"side": 64/"side": -64/' 's/"side": 64/"side": "64"/' 's/"batch": 4/"batch": 0/' '/"rate"/d' 's/"epochs": 2/"epochs": 1.5/' 's/"seed": 1/"seed": -1/' 's/"rate": [0-9.e-]*/"rate": 1e999/'; do
  sed "$edit" run/config.json >broken/config.json
  if cmp -s run/config.json broken/config.json; then wrong "$edit changes nothing"; fi
  bad_run broken/config.json
done
sed 's/"small-scratch"/"large"/' run/config.json >broken/config.json
bad_run "large: not compiled in"

finish
