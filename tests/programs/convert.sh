#!/usr/bin/env bash
# convert.sh PROGRAMS FOLDER: dcs_convert from each format to a set that dcs_verify finds no fault in and dcs_train reads. Exit code 77: the programs were not
# built.
set -u
sources=$(cd "$(dirname "$0")" && pwd)/sources.py
figshare=$(cd "$(dirname "$0")/../goldens/figshare" && pwd)
. "$(dirname "$0")/common.sh"

PYTHONDONTWRITEBYTECODE=1 python3 "$sources" in || wrong "no sources"
convert() { "$bin/dcs_convert" "$@"; }
# holds SET TRAIN VAL TEST: so many images, none at fault.
holds() {
  check test "$(ls "$1"/train/images | wc -l) $(ls "$1"/val/images | wc -l) $(ls "$1"/test/images | wc -l)" = "$2 $3 $4"
  works "$bin/dcs_verify" "$1" --near -1
}
# The tumour of goldens/figshare: rows 1 to 2, columns 3 to 5, of 6 × 9.
drawn_mask() {
  mkdir -p drawn/images drawn/masks
  PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$(dirname "$sources") python3 - <<'EOF'
from pictures import write_png
mask = [[255 if 1 <= y <= 2 and 3 <= x <= 5 else 0 for x in range(9)] for y in range(6)]
for kind in ("images", "masks"):
  write_png(f"drawn/{kind}/3.png", mask, 8)
EOF
}

echo "== COCO, YOLO and Kvasir-SEG: the same squares give the same masks"
works convert --help
works convert --from coco --images in/images --annotations in/coco.json --out coco --seed 3
check grep -qF "coco: 14 images to train on, 2 to validate, 4 to test; 1 without lesion" out
holds coco 14 2 4
works convert --from yolo --images in/images --annotations in/labels --out yolo --seed 3
check diff -r coco yolo
works convert --from kvasir --images in --out kvasir --seed 3
check diff -r coco kvasir
works convert --from coco --images in/images --annotations in/coco.json --out other --seed 4
if diff -rq coco other >/dev/null; then wrong "another seed gives the same split"; fi
works convert --from coco --images in/images --annotations in/coco.json --classes tool --out tools
check grep -qF "20 without lesion" out

echo "== patients and folds"
works convert --from kvasir --images in --group '^(p[0-9])_' --out grouped --test 0.25 --val 0.25
works "$bin/dcs_verify" grouped --near -1 --group '^(p[0-9])_'
works convert --from kvasir --images in --group '^(p[0-9])_' --folds 5 --out folds
check grep -qF "hard links" out
for f in 0 1 2 3 4; do
  check test "$(ls folds/fold$f/test/images | wc -l)" = 4
  works "$bin/dcs_verify" folds/fold$f --near -1 --group '^(p[0-9])_'
done
check test "$(ls folds/*/test/images | grep -c png)" = 20
(echo name,group && for i in in/images/*.png; do i=${i##*/} && echo "$i,${i%%_*}"; done) >groups.csv
works convert --from kvasir --images in --group groups.csv --out table --test 0.25 --val 0.25
check diff -r grouped table
works "$bin/dcs_verify" table --near -1 --group groups.csv

echo "== volumes: slices, their spacing, blocks"
works convert --from nifti --images in/volume.nii.gz --annotations in/labels.nii --block 4 --out slices --test 0.25 --val 0.25
check grep -qF "slices: 8 images to train on, 4 to validate, 4 to test; 12 without lesion" out
holds slices 8 4 4
check grep -qE "^spacing +0.5 to 0.75 mm, known of 16 images" out
works convert --from nifti --images in/volume.nii.gz --annotations in/labels.nii --block 1 --out lesions --test 0.25 --val 0.25 --lesions-only
check grep -qF "lesions: 2 images to train on, 1 to validate, 1 to test; 0 without lesion" out
works "$bin/dcs_train" --net small-scratch --data lesions --size 64 --epochs 1 --batch 2 --out run

echo "== MATLAB's files of the figshare brain tumours, whose patients stay together"
if convert --from mat --images "$figshare" --out mat --test 0.34 --val 0 2>err; then
  check test "$(ls mat/*/images | grep -c png)" = 3
  check test "$(ls mat/test/images)" = 3.png
  # 6 rows of 9 pixels, in the PNG's header; the tumour is 6 of them.
  check test "$(od -An -tu1 -j16 -N8 mat/test/images/3.png | tr -s ' ')" = " 0 0 0 9 0 0 0 6"
  # The same mask, drawn by Python and written as dcs_convert writes it.
  check drawn_mask
  works convert --from kvasir --images drawn --out expected --val 0 --test 0
  check cmp mat/test/masks/3.png expected/train/masks/3.png
  works "$bin/dcs_verify" mat --near -1
  check grep -qE "^ +4 to 7 +3 #" out
  mkdir cut && head -c 3000 "$figshare/1.mat" >cut/1.mat
  fails "cut/1.mat" convert --from mat --images cut --out x
  # Slices 1, 2 and 10 of one patient in their order, beside files of other kinds: the blocks are 1 with 2, and 10.
  mkdir order && for k in 1 2 10; do cp "$figshare/1.mat" order/$k.mat && touch order/$k.csv; done
  works convert --from mat --images order --block 2 --out ordered --test 0.34 --val 0
  check test "$(ls ordered/test/images) $(ls ordered/train/images | tr '\n' ' ')" = "10.png 1.png 2.png "
  ln -s nothing order/3.mat
  fails "order/3.mat is a link to nothing" convert --from mat --images order --block 2 --out x
else
  check grep -qF "built without HDF5" err
fi

echo "== what is wrong is one line, and leaves nothing"
fails "exists already" convert --from kvasir --images in --out coco
fails "needs --annotations" convert --from coco --images in/images --out x
fails "expected finite numbers" convert --from nifti --images in/volume.nii.gz --annotations in/labels.nii --block 4 --window nan,1 --out x
fails "stay together" convert --from nifti --images in/volume.nii.gz --annotations in/labels.nii --out x
fails "together below 1" convert --from kvasir --images in --val 0.5 --test 0.5 --out x
head -c 200 in/volume.nii.gz >in/cut.nii.gz
fails "in/cut.nii.gz" convert --from nifti --images in/cut.nii.gz --annotations in/labels.nii --block 4 --out x
sed 's/"height": 64/"height": 65/' in/coco.json >in/wrong.json
fails "is 65 × 64; the image, as it is shown, is 64 × 64" convert --from coco --images in/images --annotations in/wrong.json --out x
check test ! -e x
check test ! -e x.partial

finish
