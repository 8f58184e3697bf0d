#!/usr/bin/env bash
# verify.sh PROGRAMS FOLDER: dcs_verify on a set without faults and with one of each kind; --skip-bad. Exit code 77: the programs were not built.
set -u
. "$(dirname "$0")/common.sh"

# faulty COUNT TEXT OPTION...: exit code 1, COUNT faults, one of them with the text.
faulty() {
  local count=$1 text=$2
  shift 2
  "$bin/dcs_verify" set "$@" >out 2>err && wrong "dcs_verify $*: exit code 0"
  if [ "$(grep -c '^fault: ' out)" != "$count" ] || ! grep '^fault: ' out | grep -qF -- "$text"; then wrong "dcs_verify $*: expected $count faults, one with '$text', got: $(grep fault out)"; fi
}

echo "== a set without faults, its numbers and its contact sheet"
works "$bin/dcs_verify" --help
works "$bin/dcs_synthesize" --out set --kind mri --size 64 --train 8 --val 3 --test 3 --seed 1
works "$bin/dcs_verify" set --sheet sheet.png --sheet-images 5
works "$bin/dcs_verify" set --sheet sheet.png --sheet-images 5 # replaces the sheet
check grep -qF "set: 14 images, 0 faults" out
check grep -qE "^sizes +64 × 64 \(14\)" out
# Five pictures of 192 × 192 in one row, in the PNG's header.
check test "$(od -An -tu1 -j16 -N8 sheet.png | tr -s ' ')" = " 0 0 3 216 0 0 0 200"
works env DCS_THREADS=1 "$bin/dcs_verify" set
mv out one
works env DCS_THREADS=3 "$bin/dcs_verify" set
check cmp one out
check "$bin/dcs_verify" set --group '^([0-9]+)'
faulty 2 "is of group 0, as is set/train/images/000000.png" --group '^(0)'

echo "== faults"
cp set/train/images/000000.png set/test/images/000012.png
faulty 1 "set/test/images/000012.png has the pixels of set/train/images/000000.png"
head -c 300 set/train/images/000001.png >cut && mv cut set/train/images/000001.png
faulty 2 "set/train/images/000001.png cannot be read"
rm set/train/masks/000002.png
faulty 3 "set/train/images/000002.png has no mask"
fails "none of the folders" "$bin/dcs_verify" set/train
fails "no regular expression" "$bin/dcs_verify" set --group '('
fails "cannot open" "$bin/dcs_verify" set --group nothing.csv
fails "SET" "$bin/dcs_verify"
ln -s set/test/masks/000012.png link.png
fails "this is a file of the set, set/train/images/000000.png" "$bin/dcs_verify" set --sheet set/train/images/../images/000000.png
fails "this is a file of the set, set/test/masks/000012.png" "$bin/dcs_verify" set --sheet link.png

echo "== --skip-bad goes on without them, and lists them"
training=("$bin/dcs_train" --net small-scratch --data set --size 64 --seed 1 --batch 4 --epochs 1 --no-augment)
fails "000002.png has no mask" "${training[@]}" --out x
works "$bin/dcs_synthesize" --out large --kind mri --size 96 --train 4 --val 1 --test 1 --seed 1
for kind in images masks; do cp large/train/$kind/000003.png set/train/$kind; done
works "${training[@]}" --out run --skip-bad
check grep -qF "6 images to train on" out
check grep -qE "^left out: .*set/train/images/000001.png cannot be used: .*000001.png" out
check grep -qE "^left out: .*set/train/images/000002.png has no mask" out
fails "or others are left out" "$bin/dcs_train" --resume --out run --epochs 2 --skip-bad --most-pixels 4096
works "$bin/dcs_train" --resume --out run --epochs 2 --skip-bad
rm set/test/masks/000011.png
fails "000011.png has no mask" "$bin/dcs_evaluate" --run run --overlays 0
works "$bin/dcs_evaluate" --run run --overlays 0 --skip-bad
check grep -qF "images=2" out
check grep -qF "left out: " out

finish
