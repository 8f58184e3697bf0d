#!/usr/bin/env bash
# plan.sh PROGRAMS FOLDER: dcs_plan writes a plan with a reason for every number, which dcs_train --plan trains by. Exit code 77: the programs were not built.
set -u
. "$(dirname "$0")/common.sh"
plan() { "$bin/dcs_plan" "$@"; }

works "$bin/dcs_synthesize" --out set --kind mri --size 64 --train 8 --val 2 --test 1 --seed 1

echo "== a plan is complete, and every line of it has a reason"
works plan set --net small-scratch --minutes 1 --out plan.ini
for option in net size batch epochs anchors rate-schedule no-augment oversample-small copy-paste; do
  check test "$(grep -c "^$option = " plan.ini)" = 1
  check grep -q '^# ....' <(grep -B1 "^$option = " plan.ini)
done
check grep -qx "size = 64" plan.ini
check grep -qx "batch = 2" plan.ini
check grep -qx "copy-paste = 0.5" plan.ini
works plan set --minutes 1
check grep -qx "net = small-scratch" out
fails "plan.ini exists already" plan set --out plan.ini

echo "== a run by the plan; flags come before it, and config.json has both"
sed -i 's/^epochs = .*/epochs = 7/' plan.ini
works train --plan plan.ini --epochs 1 --data set --out run
value() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$1" "$2"; }
check test "$(value run/config.json epochs) $(value run/config.json side) $(value run/config.json copy_paste)" = "1 64 0.5"
check test "$(value run/config.json rate_schedule) $(value run/config.json augment)" = "cosine True"
# [a, b, c, d, e] as JSON has it.
check test "anchors = $(value run/config.json anchors | tr -d ' ')" = "$(grep ^anchors plan.ini | tr -d ' ' | sed 's/=/ = /')"
fails "--plan: a resumed run keeps its configuration" train --resume --plan plan.ini --out run

echo "== what is wrong is one line"
sed 's/^size = .*/size = 63/' plan.ini >size.ini
fails "63" train --plan size.ini --data set --out x
echo "sise = 64" >>plan.ini
fails "sise" train --plan plan.ini --data set --out x
fails "nothing.ini" train --plan nothing.ini --data set --out x
fails "no such" train --net "no such" --plan plan.ini --data set --out x
fails "there is no folder" plan nowhere
rm -rf bare && cp -r set bare
python3 - <<'EOF_PYTHON'
import glob, struct, zlib
# Masks without lesion: 64 × 64 zeros.
chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 64, 8, 0, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(bytes(64 * 65))) + chunk(b"IEND", b"")
for path in glob.glob("bare/train/masks/*"):
  open(path, "wb").write(png)
EOF_PYTHON
fails "no image of the training set has a lesion" plan bare
fails "no image of the training set has a lesion" train --net small-scratch --size 64 --copy-paste 1 --data bare --out x
check test ! -e x/config.json

finish
