#!/usr/bin/env bash
# images.sh PROGRAMS FOLDER: how the programs treat unusual images and masks: labels of 1 in 16 bits, lesions that are too small, links to nothing, FIFOs, images that are too
# large. Exit code 77: the programs were not built.
set -u
pictures=$(cd "$(dirname "$0")" && pwd)/pictures.py
. "$(dirname "$0")/common.sh"

make_set() { python3 "$pictures" "$@" || wrong "no set $1"; }
# warns TEXT COMMAND...: exit code 0, and one line on stderr, a warning that contains the text.
warns() {
  local text=$1
  shift
  "$@" >out 2>err || wrong "$*: $(head -c 500 err)"
  if [ "$(wc -l <err)" != 1 ] || ! grep -q '^dcs_[a-z]*: warning: ' err || ! grep -qF -- "$text" err; then wrong "$*: expected a warning '$text', got: $(head -c 500 err)"; fi
}
# refuses TEXT COMMAND...: one line on stderr that contains the text, within seconds, and an exit code that is not 0.
refuses() {
  local text=$1
  shift
  timeout 60 "$@" >out 2>err && wrong "$*: exit code 0"
  if [ "$(wc -l <err)" != 1 ] || ! grep -qF -- "$text" err; then wrong "$*: expected one line with '$text', got: $(head -c 500 err)"; fi
}
train() { "$bin/dcs_train" --net small-scratch --size 64 --seed 1 --rate 1e-3 --batch 4 --epochs 1 --no-augment "$@"; }
training=("$bin/dcs_train" --net small-scratch --size 64 --epochs 1 --out x)
evaluation=("$bin/dcs_evaluate" --run run --overlays 0)

echo "== labels of 1 in 16 bits are lesions; images of 12 bits in 16 keep their range, and it is said"
make_set deep 64 12 16 1 4095
warns "5 files: images of 16 bits" train --data deep --out run
check awk -F, 'NR == 2 && $13 < 4 { exit 1 }' run/results.csv # regions: one of each image at least
warns "2 files: images of 16 bits" "${evaluation[@]}" --native
check grep -qF "images=2" out
make_set small 64 12
warns "deep/test/images/06.png: 16 bits a sample: 0 is read as 0, 4095 as 255" "$bin/dcs_predict" --run run --out predicted deep/test/images/06.png small/test/images/05.png

echo "== lesions that are small at the training size: never lost, and said where they are not trained on"
make_set tiny 256 3
refuses "4 training masks with a lesion are under 4 pixels at 64 × 64" "${training[@]}" --data tiny
check test ! -e x
for native in "" --native; do
  # The network of one epoch finds nothing, or not these; were the lesions gone, finding nothing would be right.
  "${evaluation[@]}" --data tiny $native >out 2>err || wrong "tiny cannot be evaluated: $(head -c 500 err)"
  check grep -qE 'missed=[12] images=2' out
done
cp -r small mixed
for n in 00 02; do cp tiny/train/images/$n.png mixed/train/images && cp tiny/train/masks/$n.png mixed/train/masks; done
warns "2 files: masks with objects under 4 pixels at 64 × 64" train --data mixed --out mixed_run
check grep -q '(first: .*mixed/train/masks/0[02].png: objects under 4 pixels at 64 × 64: 1)' err
rm -rf mixed_run

echo "== what is in an image's place"
cp -r small odd && ln -s /nowhere/x.png odd/test/images/99.png
refuses "odd/test/images/99.png is a link to nothing" "${evaluation[@]}" --data odd
rm odd/test/images/99.png && mkdir odd/test/images/99.png
refuses "odd/test/images/99.png is a folder" "${evaluation[@]}" --data odd
rmdir odd/test/images/99.png && cp odd/test/images/05.png odd/test/images/05.jpg
refuses "have one stem" "${evaluation[@]}" --data odd
rm odd/test/images/05.jpg odd/test/masks/05.png && mkfifo odd/test/masks/05.png
refuses "odd/test/masks/05.png is a FIFO" "${evaluation[@]}" --data odd
refuses "odd/test/masks/05.png is a FIFO" "$bin/dcs_predict" --run run --out x odd/test/masks/05.png
refuses "/dev/zero" "$bin/dcs_predict" --run run --out x /dev/zero

echo "== images that are too large"
refuses "64 × 64 pixels are more than the 4095" "${training[@]}" --data small --most-pixels 4095
refuses "small/test/images/05.png: 64 × 64 pixels are more than the 4095" "${evaluation[@]}" --data small --most-pixels 4095
refuses "more than the 4095" "$bin/dcs_predict" --run run --out x --most-pixels 4095 small/test/images/05.png
refuses "--most-pixels" "$bin/dcs_predict" --run run --out x --most-pixels 0 small/test/images/05.png
works "$bin/dcs_predict" --run run --out x --most-pixels 4096 small/test/images/05.png

finish
