#!/usr/bin/env bash
# compare.sh PROGRAMS FOLDER: the figures that dcs_evaluate writes and the tables of dcs_compare are what compare.py computes from the same images, and
# evaluations that do not belong together are refused. Exit code 77: the programs were not built.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/common.sh"
export PYTHONDONTWRITEBYTECODE=1
compute() { python3 "$here/compare.py" "$@" >out 2>err || wrong "compare.py $*: $(tail -c 500 err)"; }
compare() { "$bin/dcs_compare" "$@"; }

echo "== tables of two made-up networks"
compute make a b
works compare a b --format csv --figures all --replicates 60 --bootstrap-seed 7
cp out table.csv
compute check table.csv 60 7 a b
works env DCS_THREADS=3 "$bin/dcs_compare" a b --format csv --figures all --replicates 60 --bootstrap-seed 7
check cmp out table.csv
works compare a/evaluation.json b a --stratum all --figures image.dice detection.froc_mean --replicates 60 --bootstrap-seed 7
# The same numbers, rounded.
python3 - table.csv >want <<'END'
import csv, sys
rows = {(r["figure"], r["run"]): r for r in csv.DictReader(open(sys.argv[1])) if r["stratum"] == "all"}
text = lambda r, names, sign="": "{:{s}.3f} [{:{s}.3f}, {:{s}.3f}]".format(*(float(r[n]) for n in names), s=sign)
print("| figure | lesions | a/evaluation.json | b | a | b - a/evaluation.json | p | a - a/evaluation.json | p |\n|" + "---|" * 9)
print("| masks |  | one view, above 0.5 | one view, above 0.5 | one view, above 0.5 |  |  |  |  |")
for figure in ("image.dice", "detection.froc_mean"):
    a, b = rows[figure, "a"], rows[figure, "b"]
    one = text(a, ("value", "low", "high"))
    p = "%.3f" % float(b["p"]) if b["p"] else ""
    none = "1.000" if b["p"] else ""
    print("|", " | ".join([figure, "all", one, text(b, ("value", "low", "high")), one, text(b, ("difference", "difference_low", "difference_high"), "+"), p,
                           "+0.000 [+0.000, +0.000]", none]), "|")
END
check diff out want
# Where no resampled set defines a figure it has no interval.
works compare a b --format csv --figures all --replicates 1 --bootstrap-seed 3
check grep -qE ',[0-9.]+,,,' out
if grep -q nan out; then wrong "a bound is not a number"; fi
works compare a b --figures all --replicates 1 --bootstrap-seed 3
check grep -qE '\| [0-9]\.[0-9]{3} \|' out
if grep -q nan out; then wrong "a bound is not a number"; fi
cp -r a 'x_1,"&|'
works compare a 'x_1,"&|' --format latex --stratum all --figures image.hd95
check grep -qxF '\begin{tabular}{llllll}' out
check grep -qxF 'figure & lesions & a & x\_1,"\&| & x\_1,"\&| $-$ a & p \\' out
check grep -qE '^image\.hd95 & all & [0-9.]+ \[[0-9.]+, [0-9.]+\] & .* & \+0\.00 \[\+0\.00, \+0\.00\] & 1\.000 \\\\$' out
works compare a 'x_1,"&|' --stratum all --figures image.hd95
check grep -qF '| x\_1,"\&\| |' out
works compare a 'x_1,"&|' --format csv --stratum all --figures image.hd95
check grep -qF 'image.hd95,all,"x_1,""&|",' out

echo "== networks of two sizes, measured at the images' own"
mkdir native
for run in a b; do
  python3 -c "import json; e = json.load(open('$run/evaluation.json')); e['native_size'] = True
if '$run' == 'b': e['images'][0]['true_boxes'] = [[3, 4, 20, 30, 60]]
json.dump(e, open('native/$run.json', 'w'))"
done
works compare native/a.json native/a.json --stratum all --figures all --replicates 10
check grep -q '^| box.ap ' out
works compare native/a.json native/b.json --stratum all --figures all --replicates 10
check grep -q '^| detection.f1 ' out
if grep -q '^| box' out; then wrong "boxes of different sizes are compared"; fi

echo "== views and post-processing are a part of the method"
mkdir tuned
python3 -c "import json; e = json.load(open('b/evaluation.json')); e['test_time_augmentation'] = True
e['postprocessing'] = {'threshold': 0.45, 'smallest_component': 8, 'most_components': 2, 'temperature': 1.5}
json.dump(e, open('tuned/evaluation.json', 'w'))"
works compare a tuned --stratum all --figures image.dice
check grep -qF '| masks |  | one view, above 0.5 | mirrored views, above 0.45, the 2 largest, of 8 pixels at least, temperature 1.50 |  |  |' out
works compare a tuned --format csv --stratum all --figures image.dice
check grep -qF ',"mirrored views, above 0.45, the 2 largest, of 8 pixels at least, temperature 1.50"' out

echo "== evaluations that do not belong together"
mkdir broken
# changed PYTHON: broken/ has b's evaluation `e`, changed by a statement.
changed() {
  python3 -c "import json; e = json.load(open('b/evaluation.json')); images = sorted(e['images'], key=lambda i: i['name'])
$1
json.dump(e, open('broken/evaluation.json', 'w'))"
}
# refused TEXT PYTHON: it is not compared then, and the error says TEXT.
refused() {
  changed "$2"
  fails "broken/evaluation.json: $1" "$bin/dcs_compare" a broken
}
refused "tolerance is 2, but 1 in a/evaluation.json" "e['settings']['tolerance'] = 2"
refused "threshold is 3; expected" "e['postprocessing'] = {'threshold': 3}"
refused "native_size is true, but false" "e['native_size'] = True"
refused "resized is true, but null" "e['settings']['resized'] = True"
refused "[json.exception.out_of_range.403] key 'spacing' not found" "del e['settings']['spacing']"
refused "--sizes 9216 1024: expected the smaller one first" "e['settings']['sizes'].reverse()"
refused "a level of 2.000000; expected" "e['settings']['level'] = 2"
refused "0 is no whole number from 1 to 1000000" "e['settings']['calibration_bins'] = 0"
refused "image 'p0_0.png': 4294967295 is no whole number" "images[0]['lesions'][0]['match'] = 2**32 - 1"
refused "image 'p0_0.png': 1e+300 is no whole number" "images[0]['lesions'][0]['pixels'] = 1e300"
refused "image 'p0_0.png': 1.5 is no whole number" "images[0]['calibration']['lesion'][0] = 1.5"
refused "there is no image 'p0_0.png', which a/evaluation.json has" "e['images'].remove(images[0])"
changed "e['images'].append(images[0] | {'name': 'more.png'})"
fails "a/evaluation.json: there is no image 'more.png', which broken/evaluation.json has" "$bin/dcs_compare" a broken
refused "image 'p0_0.png' has other true lesions than in a" "images[0]['lesions'][0]['pixels'] += 1"
refused "image 'p0_0.png' has other true boxes than in a" "images[0]['true_boxes'][0][0] += 1"
refused "image 'p0_0.png' has other groups than in a" "images[0]['group'] = 'another'"
refused "image 'p0_0.png': it stands twice" "e['images'].append(images[0])"
refused "image 'p0_0.png': the match of lesion 0 is not matched with it" "images[0]['lesions'][0]['match'] = 99"
refused "image 'p0_0.png': its calibration has 2 bins; expected 3" "images[0]['calibration']['pixels'].pop()"
refused "image 'p0_0.png': a box is [1]; expected 5 numbers" "images[0]['true_boxes'][0] = [1]"
refused "image 'p0_0.png': [json.exception.out_of_range.403] key 'dice' not found" "del images[0]['dice']"
refused "[json.exception.out_of_range.403] key 'settings' not found" "del e['settings']"
refused "it has no image" "e['images'] = []"
echo '{' >broken/evaluation.json && fails "broken/evaluation.json: " "$bin/dcs_compare" a broken
rm broken/evaluation.json && fails "broken/evaluation.json" "$bin/dcs_compare" a broken
fails "no such figure" "$bin/dcs_compare" a b --figures image.nice
fails "no such figure" "$bin/dcs_compare" a b --figures "image.dice image.iou"
fails "runs" "$bin/dcs_compare" a
fails "--format" "$bin/dcs_compare" a b --format word
fails "--stratum" "$bin/dcs_compare" a b --stratum tiny

echo "== what dcs_evaluate writes"
works "$bin/dcs_synthesize" --out set --kind mri --size 64 --train 4 --val 1 --test 5 --seed 1
for seed in 1 2; do works "$bin/dcs_train" --net small-scratch --data set --size 64 --rate 1e-3 --epochs 1 --seed $seed --out run$seed; done
evaluate() { works "$bin/dcs_evaluate" --run "$@" --overlays 0 --replicates 30 --bootstrap-seed 3 --sizes 20 40; }
evaluate run1
compute figures run1
# Inside true boxes there is something to measure even now.
evaluate run1 --boxes truth
check grep -qE '^image.dice +0\.[0-9]*[1-9][0-9]* +\[[0-9.]+, [0-9.]+\]$' out
check grep -qE '^dice=0\.[0-9]*[1-9][0-9]* .* images=5 threshold_dice=[0-9.]+$' <(tail -1 out)
compute figures run1
cp run1/evaluation.json one_thread.json
DCS_THREADS=1 evaluate run1 --boxes truth
check cmp run1/evaluation.json one_thread.json
evaluate run2 --boxes truth
works compare run1 run2 --format csv --figures all --replicates 30
cp out table.csv
compute check table.csv 30 0 run1 run2

echo "== flags of dcs_evaluate about measuring"
evaluate run1 --boxes truth --native --spacing 0.5 2 --tolerance 2 --lesion-iou 0.5 --group '^0*([0-9])[0-9]?'
compute figures run1
# 5 images, 000005 to 000009: the first two are of one patient.
{ echo name,group; ls set/test/images | sed 's/$/,other/' | sed '1s/other/one/;2s/other/one/'; echo elsewhere.png,x; } >groups.csv
evaluate run1 --boxes truth --group groups.csv
compute figures run1
check python3 -c 'import json; g = json.load(open("run1/evaluation.json"))["groups"]; assert [(x["group"], x["images"]) for x in g] == [("one", 2), ("other", 3)]'
fails "they cannot be compared" "$bin/dcs_compare" run1 run2
sed -i '$d;3d' groups.csv && fails "is in no group" "$bin/dcs_evaluate" --run run1 --group groups.csv
fails "is in no group" "$bin/dcs_evaluate" --run run1 --group patient
fails "no regular expression" "$bin/dcs_evaluate" --run run1 --group '('
fails "--sizes 40 20: expected the smaller one first" "$bin/dcs_evaluate" --run run1 --sizes 40 20
for wrong_flag in "--spacing 0 1" "--tolerance -1" "--lesion-iou 0" "--replicates 0" "--bootstrap-seed x"; do
  fails "${wrong_flag%% *}" "$bin/dcs_evaluate" --run run1 $wrong_flag
done

echo "== distances in millimetres, where the set states its pixels"
evaluate run1 --boxes truth --native --spacing 0.5 2
cp run1/evaluation.json stated.json
{ echo name,row_mm,column_mm; ls set/test/images | sed 's/$/,0.5,2/'; } >set/spacing.csv
evaluate run1 --boxes truth --native
check python3 -c 'import json; a, b = (json.load(open(f)) for f in ("stated.json", "run1/evaluation.json")); assert a["images"] == b["images"] and b["settings"]["spacing"] == "of the set"'
sed -i '$d' set/spacing.csv
fails "expected all or none" "$bin/dcs_evaluate" --run run1 --boxes truth
rm set/spacing.csv
finish
