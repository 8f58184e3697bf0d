#!/usr/bin/env bash
# predict.sh PROGRAMS FOLDER BRIGHT: what dcs_predict writes of files, folders, lists and volumes: predict.py computes the same from the masks and probabilities
# that it wrote. BRIGHT is dcs_predict with a network that needs no training (predict_bright.cpp). Exit code 77: the programs were not built.
set -u
bright=$(realpath "${3:-/nothing}")
here=$(cd "$(dirname "$0")" && pwd)
. "$here/common.sh"
export PYTHONDONTWRITEBYTECODE=1
predict() { "$bright" "$@"; }
python() { python3 "$here/predict.py" "$@" >py 2>&1 || wrong "predict.py $*: $(tail -c 500 py)"; }

works "$bin/dcs_synthesize" --out set --kind mri --size 64 --train 4 --val 2 --test 3 --seed 1
works "$bin/dcs_synthesize" --out larger --kind mri --size 96 --train 1 --val 0 --test 0 --seed 2

echo "== a folder, with the spacings of its set: lesions, boxes, probabilities"
printf 'name,row_mm,column_mm\n' >set/spacing.csv
for f in set/test/images/*.png; do echo "$(basename "$f"),0.5,0.25" >>set/spacing.csv; done
works predict --out of_folder --probabilities png set/test/images
check test "$(ls of_folder/*.mask.png | wc -l)" = 3
check test "$(ls of_folder/*.overlay.png | wc -l)" = 3
python check of_folder 3 0.5 0.25 png
check test "$(wc -l <of_folder/lesions.csv)" -gt 3

echo "== files and a list give the same; what a flag says of spacing holds; no overlays where none are wanted"
printf '%s\r\n\n%s\n' "$folder/set/test/images/$(ls set/test/images | head -1)" "set/test/images" >list.txt
fails "results would have the names of those of" predict --out x list.txt
echo set/test/images >list.txt
works predict --out of_list --probabilities npy --no-overlays --spacing=1,1 list.txt larger/train/images/000000.png
check test "$(find of_list -name '*.overlay.png' | wc -l)" = 0
python check of_list 4 1 1 npy
for f in set/test/images/*.png; do check cmp of_folder/"$(basename "$f" .png)".mask.png of_list/"$(basename "$f" .png)".mask.png; done

echo "== COCO: dcs_convert makes the masks of it again"
works "$bin/dcs_convert" --from coco --images set/test/images --annotations of_folder/coco.json --out again --val 0.34 --test 0
for f in set/test/images/*.png; do
  name=$(basename "$f" .png)
  check cmp of_folder/$name.mask.png "$(ls again/*/masks/$name.png)"
done

echo "== a volume: mask and probabilities lie where it lies; its slices are images"
python volume set/test/images volume.nii.gz
works predict --out of_volume --probabilities png --window 127.5,255 --axis 2 volume.nii.gz
python compare_volume volume.nii.gz of_volume of_folder set/test/images
check test ! -e of_volume/volume.mask.png
works predict --out of_plain --window 127.5,255 volume.nii.gz
check cmp of_volume/volume.mask.nii.gz of_plain/volume.mask.nii.gz
check test "$(find of_plain -name '*probability*' | wc -l)" = 0

echo "== slices across the first axis of a volume of unequal extents, and which slice a lesion is in"
python unequal unequal/volume.nii.gz unequal/images
works predict --out of_unequal --window 127.5,255 --axis 0 unequal/volume.nii.gz
works predict --out of_unequal_images unequal/images
python compare_unequal unequal/volume.nii.gz of_unequal of_unequal_images

echo "== files that fail are named at the end and stop no other"
mkdir mixed && cp set/test/images/*.png mixed && head -c 200 mixed/"$(ls mixed | head -1)" >mixed/broken.png && echo text >mixed/other.png && echo no >mixed/volume.nii
predict --out partly mixed >out 2>err
check test $? = 1
check test "$(wc -l <err)" = 4
for name in mixed/broken.png mixed/other.png mixed/volume.nii; do check grep -qF "$name" err; done
check grep -qF "dcs_predict: 3 of 6 files were not segmented" err
check test "$(ls partly/*.mask.png | wc -l)" = 3
check test "$(python3 -c 'import json; print(len(json.load(open("partly/predictions.json"))["images"]))')" = 3
fails "mixed/broken.png" predict --out partly mixed/broken.png "mixed/$(ls set/test/images | head -1)"

echo "== what is no number is not written as a mask"
mkdir overflow && cp set/test/images/"$(ls set/test/images | head -1)" overflow/overflows.png
fails "overflow/overflows.png: a predicted probability is not a number" predict --out unwritten overflow/overflows.png
check test ! -e unwritten/overflows.mask.png

echo "== the same with a trained network"
works fresh --epochs 1 --out run
works "$bin/dcs_predict" --run run --out trained --probabilities npy --spacing 2 3 set/test/images
python check trained 3 2 3 npy
check grep -qF '"run"' trained/predictions.json

echo "== what is no input"
mkdir empty
fails "empty: this folder holds no image or volume" predict --out x empty
: >none.txt
fails "none.txt: this list names nothing" predict --out x none.txt
echo list.txt >lists.txt
fails "names the list list.txt" predict --out x lists.txt
fails "--probabilities" "$bin/dcs_predict" --run run --out x --probabilities tiff list.txt
fails "--spacing" "$bin/dcs_predict" --run run --out x --spacing 0 1 list.txt
mkdir same && cp set/test/images/"$(ls set/test/images | head -1)" same/a.png && cp same/a.png same/a.probability.png
fails "same/a.probability.png: the results of same/a.png would overwrite it" predict --out same --probabilities png same/a.png same/a.probability.png
# A volume's overlays are called after their slices, and only as many as it has.
mkdir slices && cp volume.nii.gz slices/v.nii.gz && cp same/a.png slices/v_0001.png && cp same/a.png slices/v_0001.overlay.png && cp same/a.png slices/v_0009.png
fails "its result x/v_0001.overlay.png would have the name of one of" predict --out x slices/v.nii.gz slices/v_0001.png
fails "slices/v_0001.overlay.png: the results of slices/v.nii.gz would overwrite it" predict --out slices slices/v.nii.gz slices/v_0001.overlay.png
check test ! -e x
works predict --out beside slices/v.nii.gz slices/v_0009.png
works predict --out beside --no-overlays slices/v.nii.gz slices/v_0001.png
finish
