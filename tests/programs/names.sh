#!/usr/bin/env bash
# names.sh PROGRAMS FOLDER: files and folders of any name: bytes that are not UTF-8, escape codes, line breaks, backslashes, one name with two extensions.
# Exit code 77: the programs were not built.
set -u
. "$(dirname "$0")/common.sh"
# No control character but the ends of lines, and nothing that is not UTF-8.
plain() { if LC_ALL=C grep -qP '[\x00-\x08\x0b-\x1f\x7f]' "$1" || ! iconv -f UTF-8 -t UTF-8 "$1" >/dev/null 2>&1; then wrong "$1 is not plain text: $(cat -v "$1")"; fi; }
refused() {
  fails "$@"
  plain err
}

works "$bin/dcs_synthesize" --out set --kind mri --size 64 --train 4 --val 1 --test 4 --seed 1
small() { train --net small-scratch --size 64 --seed 1 --rate 1e-3 --batch 4 "$@"; }
latin=$'s\xebt' escape=$'r\e[31mn'
works "$bin/dcs_synthesize" --out "$latin" --kind mri --size 64 --train 4 --val 1 --test 0 --seed 1
plain out

echo "== folders"
works small --data "$latin" --epochs 1 --out "$escape"
plain out
check grep -qF 'run: r\x1b[31mn' out
check grep -qF '\\xebt"' "$escape/config.json"
mkdir x && cd x || exit 1
works train --resume --out "../$escape" --epochs 2
cd .. || exit 1
check test "$(rows "$escape" | wc -l)" = 2
mv "$escape" run

echo "== images"
i=0
for name in $'pati\xebnt.png' $'two\nlines.png' 'back\slash.png' 'a.png'; do
  mv "set/test/images/00000$((5 + i)).png" "set/test/images/$name" && mv "set/test/masks/00000$((5 + i)).png" "set/test/masks/$name"
  i=$((i + 1))
done
works "$bin/dcs_evaluate" --run run --data set
plain out
check test "$(LC_ALL=C ls -b run/overlays | tr '\n' ' ')" = 'a.png back\\slash.png pati\353nt.png two\nlines.png '
for name in '"pati\\xebnt.png"' '"two\nlines.png"' '"back\\\\slash.png"' '"a.png"'; do check grep -qF "\"name\": $name" run/evaluation.json; done
check python3 -c 'import json; assert len(json.load(open("run/evaluation.json", encoding="utf-8"))["images"]) == 4'
works "$bin/dcs_predict" --run run --out predicted "set/test/images/"$'pati\xebnt.png' $'set/test/images/two\nlines.png'
plain out
check test -s predicted/$'pati\xebnt.mask.png'
# Two images of one stem: a mask could be either's, and results would have one name.
for kind in images masks; do cp set/test/$kind/a.png set/test/$kind/a.PNG; done
refused "have one stem: a mask could be either's" "$bin/dcs_evaluate" --run run --data set
refused "its results would have the names of those of" "$bin/dcs_predict" --run run --out predicted set/test/images/a.png set/test/images/a.PNG

echo "== errors"
refused 'no\x1b[31m' "$bin/dcs_predict" --run run --out predicted $'no\e[31m.png'
refused 'no\xeb\x0a' train --data $'no\xeb\n' --out x/y
refused 'no\x1b[31m' train --data set --out x/y --net $'no\e[31m'
refused '--b\x1b[31m' train --data set --out x/y $'--b\e[31m'
refused 'no\x1b[31m' "$bin/dcs_evaluate" --run $'no\e[31m'
refused 'th\x1b[31m' "$bin/dcs_evaluate" --run run --data set --split $'th\e[31m'

echo "== links"
mkdir links
ln -s ../set/test/images/a.png links/good.png
ln -s /nowhere/x.png links/gone.png
works "$bin/dcs_predict" --run run --out predicted links/good.png
refused "links/gone.png" "$bin/dcs_predict" --run run --out predicted links/gone.png
ln -s /nowhere/run links/run
refused "links/run" train --data "$latin" --size 64 --epochs 1 --out links/run
refused "links/run" "$bin/dcs_evaluate" --run links/run
mkdir dangling && ln -s /nowhere/last.safetensors dangling/last.safetensors && cp run/config.json run/results.csv dangling
refused "dangling holds a run already" small --data "$latin" --out dangling
refused "dangling/last.safetensors" train --resume --out dangling --epochs 3
finish
