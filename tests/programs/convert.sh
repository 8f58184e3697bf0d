#!/usr/bin/env bash
# convert.sh PROGRAMS FOLDER: dcs_convert from each format to a set that dcs_verify finds no fault in and dcs_train reads. Exit code 77: the programs were not
# built.
set -u
sources=$(cd "$(dirname "$0")" && pwd)/sources.py
figshare=$(cd "$(dirname "$0")/../goldens/figshare" && pwd)
dicom=$(cd "$(dirname "$0")/../goldens/dicom" && pwd)
. "$(dirname "$0")/common.sh"

PYTHONDONTWRITEBYTECODE=1 python3 "$sources" in || wrong "no sources"
convert() { "$bin/dcs_convert" "$@"; }
# holds SET TRAIN VAL TEST: so many images, none at fault.
holds() {
  check test "$(ls "$1"/train/images | wc -l) $(ls "$1"/val/images | wc -l) $(ls "$1"/test/images | wc -l)" = "$2 $3 $4"
  works "$bin/dcs_verify" "$1" --near -1
}
# drawn_mask FOLDER NAME WIDTH: an image and its mask of 6 × 9 pixels with a lesion in rows 1 to 2, in so many columns from 3 on.
drawn_mask() {
  mkdir -p "$1/images" "$1/masks"
  PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$(dirname "$sources") python3 - "$@" <<'EOF'
import sys
from pictures import write_png
folder, name, width = sys.argv[1:]
mask = [[255 if 1 <= y <= 2 and 3 <= x < 3 + int(width) else 0 for x in range(9)] for y in range(6)]
for kind in ("images", "masks"):
  write_png(f"{folder}/{kind}/{name}.png", mask, 8)
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
  # The tumour of goldens/figshare, drawn by Python and written as dcs_convert writes it.
  check drawn_mask drawn 3 3
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

echo "== DICOM series: the same images, masks and spacings as of the NIfTI volumes that hold what pydicom reads"
series() { convert --from dicom --annotations "$dicom/segmentations" --val 0 --test 0.3 "$@"; }
volumes() { convert --from nifti --images "$dicom/nifti/images" --annotations "$dicom/nifti/labels" --val 0 --test 0.3 "$@"; }
damaged_series() {
  python3 - "$dicom/images/A/0.dcm" <<'EOF'
import sys
whole = open(sys.argv[1], "rb").read()
modality, pixels = whole.index(b"\x08\x00\x60\x00CS"), whole.index(b"\xe0\x7f\x10\x00")
inner = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
open("nested.dcm", "wb").write(whole[:modality] + 50000 * inner + whole[modality:])
# 200 items one after the other, whose ends are marked; each holds an item that states its length.
item = b"\xfe\xff\x00\xe0" + 4 * b"\xff" + b"\x08\x00\x40\x11SQ\0\0\x08\0\0\0" + b"\xfe\xff\x00\xe0" + 4 * b"\0" + b"\xfe\xff\x0d\xe0" + 4 * b"\0"
flat = b"\x08\x00\x51\x00SQ\0\0" + 4 * b"\xff" + 200 * item + b"\xfe\xff\xdd\xe0" + 4 * b"\0"
open("flat.dcm", "wb").write(whole[:modality] + flat + whole[modality:])
open("colour.dcm", "wb").write(whole.replace(b"MONOCHROME2 ", b"YBR_FULL_422"))
open("empty.dcm", "wb").write(whole[:pixels])
EOF
}
if series --images "$dicom/images" --out dicom --instances --window 100,200 >out 2>err; then
  works volumes --out nifti --instances --window 100,200
  check diff -r dicom nifti
  works "$bin/dcs_verify" dicom --labels 2 --near -1
  works series --images "$dicom/images" --out lesions_of_series --classes Lesion --lesions-only --window 100,200
  check test "$(ls lesions_of_series/*/images | grep -c png)" = 4
  works volumes --out lesions_of_volumes --classes 1 --lesions-only --window 100,200
  check diff -r lesions_of_series/spacing.csv lesions_of_volumes/spacing.csv
  # A window that the files state, which --percentiles comes before. The series that the segmentation says nothing of are left out, with a line.
  convert --from dicom --images "$dicom/images" --annotations "$dicom/segmentations/A.dcm" --val 0 --test 0.3 --block 1 --out stated 2>err >out
  check grep -qF "2 series without a segment" err
  works convert --from nifti --images "$dicom/nifti/images/A.nii" --annotations "$dicom/nifti/labels/A.nii" --val 0 --test 0.3 --block 1 \
    --window 100,200 --out window
  check diff -r stated window
  check series --images "$dicom/images/A" --out shares --block 1 --percentiles 0,100
  if diff -rq shares stated >/dev/null; then wrong "--percentiles is not asked"; fi
  # Masks as files at the images' paths, another for each slice; in the order of positions the slices are IM.0, IM.2 and IM.1.
  mkdir -p masks only/B && cp "$dicom"/images/B/* only/B
  for k in 0 1 2; do check drawn_mask drawn_slices IM.$k $((k + 1)); done
  works convert --from kvasir --images drawn_slices --out expected_slices --val 0 --test 0
  cp -r drawn_slices/masks masks/B
  works convert --from dicom --images only --annotations masks --val 0 --test 0.4 --block 1 --out masked
  check cmp masked/*/masks/B_0000.png expected_slices/train/masks/IM.0.png
  check cmp masked/*/masks/B_0001.png expected_slices/train/masks/IM.2.png
  check cmp masked/*/masks/B_0002.png expected_slices/train/masks/IM.1.png
  works convert --from dicom --images only/B/IM.1 --annotations masks/B --val 0 --test 0 --out single
  check cmp single/train/masks/B_0000.png expected_slices/train/masks/IM.1.png
  rm masks/B/IM.1.png
  fails "only/B/IM.1 has no mask" convert --from dicom --images only --annotations masks --val 0 --test 0.4 --block 1 --out x

  echo "== damaged DICOM files: one line, nothing is left"
  for file in images/A/0.dcm images/B/IM.1 images/C/0.dcm images/C/1.dcm images/C/2.dcm segmentations/A.dcm; do
    for bytes in 100 140 300 600; do
      # Without its preamble a file that is not called .dcm is of another kind, and passed over.
      if [ "$bytes $file" = "100 images/B/IM.1" ]; then continue; fi
      rm -rf cut_series && cp -r "$dicom" cut_series && head -c $bytes "$dicom/$file" >cut_series/$file
      fails "$file" convert --from dicom --images cut_series/images --annotations cut_series/segmentations --test 0.3 --out x
    done
  done
  check damaged_series
  fails "more than 100 sequences lie in each other" series --images nested.dcm --out x
  cp masks/B/IM.0.png masks/flat.png
  works convert --from dicom --images flat.dcm --annotations masks --val 0 --test 0 --out flat
  fails "is YBR_FULL_422; expected an image in grey" series --images colour.dcm --out x
  fails "has no pixels" convert --from dicom --images empty.dcm --annotations masks --val 0 --test 0 --out x
  mkdir twice && cp "$dicom/images/A/0.dcm" twice/a && cp twice/a twice/b
  fails "are one image" series --images twice --out x
  fails "refers to an image" series --images "$dicom/images" --classes 3 --out x
  fails "more than the 50 that are read" series --images "$dicom/images" --most-pixels 50 --out x
else
  check grep -qF "built without DCMTK" err
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
