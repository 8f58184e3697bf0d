#!/usr/bin/env bash
# postprocessing.sh PROGRAMS FOLDER: what dcs_tune chooses is applied, and reported with and without; several runs predict together. Exit code 77: the
# programs were not built.
set -u
. "$(dirname "$0")/common.sh"

works "$bin/dcs_synthesize" --out set --kind mri --size 64 --train 8 --val 4 --test 2 --seed 1
# A network that says something of every pixel after few epochs, where one is built; the other one detects, and is a partner of another kind.
net=small-scratch
if "$bin/dcs_train" --help | grep -q 'unet-16'; then net=unet-16; fi
new() { train --data set --size 64 --seed 1 --rate 3e-3 --batch 2 "$@"; }
works new --net $net --epochs 16 --out run
works new --net small-scratch --epochs 1 --out runb
evaluate() { "$bin/dcs_evaluate" --overlays 0 --replicates 10 --split val "$@"; }
predict() { "$bin/dcs_predict" "$@" set/test/images/*.png; }
# says FILE EXPRESSION: Python's expression is true of the JSON file, called j.
says() { python3 -c 'import json, sys; j = json.load(open(sys.argv[1])); sys.exit(not eval(sys.argv[2]))' "$1" "$2" || wrong "$1: not $2"; }
# number FILE EXPRESSION: what it is.
number() { python3 -c 'import json, sys; j = json.load(open(sys.argv[1])); print(repr(eval(sys.argv[2])))' "$1" "$2"; }

works evaluate --run run
cp run/evaluation.json before.json
works predict --run run --out before

echo "== what is chosen is no worse on the images that it is chosen by, and is what is applied"
works env DCS_THREADS=1 "$bin/dcs_tune" --run run
check grep -qE '^run/postprocessing.json, of 4 images of val: ' out
cp run/postprocessing.json first.json
works env DCS_THREADS=3 "$bin/dcs_tune" --run run
check cmp first.json run/postprocessing.json
for views in one_view mirrored_views; do
  says run/postprocessing.json "j['$views']['dice'] >= j['$views']['dice_without'] >= 0"
  says run/postprocessing.json "j['$views']['negative_log_likelihood'] <= j['$views']['negative_log_likelihood_without']"
done
if [ $net = unet-16 ]; then says run/postprocessing.json 'j["one_view"]["dice"] > j["one_view"]["dice_without"] and j["one_view"]["temperature"] != 1'; fi
says run/postprocessing.json 'j["test_time_augmentation"] == (j["mirrored_views"]["dice"] > j["one_view"]["dice"])'
for pair in "one_view --no-tta" "mirrored_views --tta"; do
  set -- $pair
  works evaluate --run run "$2"
  check grep -q '^without post-processing: dice=' out
  says run/evaluation.json "abs(j['mean']['dice'] - $(number run/postprocessing.json "j['$1']['dice']")) < 1e-9"
  says run/evaluation.json "abs(j['without_postprocessing']['mean']['dice'] - $(number run/postprocessing.json "j['$1']['dice_without']")) < 1e-9"
  says run/evaluation.json "j['postprocessing']['temperature'] == $(number run/postprocessing.json "j['$1']['temperature']")"
done
says run/evaluation.json 'all(len(i["confidence"]) == len(i["predicted_lesions"]) for i in j["images"])'
# The flags say the one that was worse, and so does a line; not where the file decides.
sed 's/"test_time_augmentation": false/"test_time_augmentation": true/; s/"dice": [0-9.e-]*/"dice": 0.5/' first.json >run/postprocessing.json
works evaluate --run run
says run/evaluation.json 'j["test_time_augmentation"]'
if grep -q 'you chose the worse' out; then wrong "nothing was chosen"; fi
python3 - first.json run/postprocessing.json <<'END'
import json, sys
j = json.load(open(sys.argv[1]))
j["test_time_augmentation"], j["one_view"]["dice"], j["mirrored_views"]["dice"] = False, 0.7, 0.6
json.dump(j, open(sys.argv[2], "w"))
END
works evaluate --run run --tta
check grep -qF 'on val, 4 images, the dice of one view is 0.7000 and that of mirrored views 0.6000; you chose the worse' out

echo "== without it everything is as it was, to the same bytes"
works evaluate --run run --no-postprocessing
check cmp before.json run/evaluation.json
works predict --run run --no-postprocessing --out after
check diff -r before after
# One run's tuning holds wherever the results go; inside true boxes there is none.
works evaluate --run run --out elsewhere
says elsewhere/evaluation.json '"postprocessing" in j and "without_postprocessing" in j'
fails "--postprocessing: it was chosen for detected boxes; not with --boxes truth" \
  "$bin/dcs_evaluate" --run run --overlays 0 --boxes truth --postprocessing first.json
# A rule that keeps nothing, and one that keeps all that is above 0.
python3 - first.json none.json '{"threshold": 1.0}' all.json '{"threshold": 0.05, "smallest_component": 0, "most_components": 0}' <<'END'
import json, sys
for file, change in zip(sys.argv[2::2], sys.argv[3::2]):
    j = json.load(open(sys.argv[1]))
    j["one_view"].update(json.loads(change))
    json.dump(j, open(file, "w"))
END
works predict --run run --no-tta --postprocessing none.json --out none
check test "$(grep -c ' 0 pixels$' out)" = 2
works predict --run run --no-tta --postprocessing all.json --out all
if [ $net = unet-16 ]; then check test "$(grep -c ' 0 pixels$' out)" = 0; fi

echo "== where the threshold parts all lesion from all else, what is written can be read"
mkdir -p own/val/images own/val/masks
cp set/test/images/*.png own/val/images
works predict --run run --no-tta --no-postprocessing --out parted.masks
for mask in parted.masks/*.mask.png; do cp "$mask" "own/val/masks/$(basename "$mask" .mask.png).png"; done
"$bin/dcs_tune" --run run --data own --out parted >out 2>err || wrong "dcs_tune on its own masks: $(cat err)" # warns of objects without a box
if [ $net = unet-16 ]; then says parted/postprocessing.json 'j["one_view"]["temperature"] == 0.25 and j["one_view"]["negative_log_likelihood"] >= 0'; fi
works evaluate --run run --postprocessing parted/postprocessing.json --out elsewhere

echo "== a file that is wrong is refused, and one of other weights"
for wrong_key in 's/"side": 64/"side": 64, "size": 128/ unknown' 's/"temperature"/"heat"/ temperature' 's/"images": 4/"images": 0/ images' \
  's/"format_version": 1/"format_version": 2/ format_version' 's/"smallest_component": [0-9]*/"smallest_component": 1.5/ smallest_component' \
  's/"side": 64/"side": 64, "side": 64/ twice'; do
  sed "${wrong_key% *}" first.json >run/postprocessing.json
  fails "${wrong_key##* }" "$bin/dcs_evaluate" --run run --overlays 0
done
rm run/postprocessing.json
cp first.json runb/postprocessing.json
fails "runb/postprocessing.json: it was chosen for other weights" "$bin/dcs_evaluate" --run runb --overlays 0
fails "it was chosen for other weights" predict --run runb --out x
fails "it was chosen for other weights" "$bin/dcs_evaluate" --run run --checkpoint last --postprocessing first.json --overlays 0
rm runb/postprocessing.json
fails "--no-postprocessing" "$bin/dcs_evaluate" --run run --postprocessing first.json --no-postprocessing

echo "== several runs together: twice the same is that one; others are something else"
cp -r run runa
works evaluate --run run --run runa --out twice
works evaluate --run run
says twice/evaluation.json "abs(j['mean']['dice'] - $(number run/evaluation.json "j['mean']['dice']")) < 1e-3"
says twice/evaluation.json 'j["runs"] == ["run", "runa"] and all(abs(c["deviation"]) < 1e-6 and c["agreement"] == 1 for i in j["images"] for c in i["confidence"])'
works "$bin/dcs_tune" --run run --run runb --out together
works evaluate --run run --run runb --out together
says together/evaluation.json "abs(j['mean']['dice'] - max(j2['dice'] for j2 in [json.load(open('together/postprocessing.json'))[v] for v in ('one_view', 'mirrored_views')])) < 1e-9"
works predict --run run --run runb --postprocessing together/postprocessing.json --deviation --out masks
check test "$(ls masks/*.deviation.npy | wc -l)" = 2
fails "--out is required with several runs" "$bin/dcs_evaluate" --run run --run runb
fails "--out is required with several runs" "$bin/dcs_tune" --run run --run runb
fails "stands twice" "$bin/dcs_evaluate" --run run --run ./run --out x
fails "--deviation: of one run and one view there is none" predict --run run --deviation --out x
fails "--boxes truth: of one run, but there are 2" "$bin/dcs_evaluate" --run run --run runb --boxes truth --overlays 0 --out x

finish
