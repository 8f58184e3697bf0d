#!/usr/bin/env bash
# checkpoints.sh PROGRAMS FOLDER: what a checkpoint, config.json and results.csv say is checked; where the last checkpoint is damaged, the run goes on
# from the one before it, to the same bits. Exit code 77: the programs were not built.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/common.sh"
edit() { python3 "$here/edit_metadata.py" "$@"; }

works "$bin/dcs_synthesize" --out set --kind mri --size 64 --train 4 --val 1 --test 1 --seed 1
works fresh --epochs 3 --out whole
works fresh --epochs 2 --out run

echo "== a checkpoint says what it is, and is believed in nothing"
header=$(head -c 200000 run/last.safetensors | tr -d '\0')
for text in '"format_version":"1"' '"instruction_set":"' '"config":"{' '"epoch":"1"'; do check grep -qaF "$text" <<<"$header"; done
mkdir broken && cp run/config.json run/results.csv broken
# wrong_metadata TEXT KEY [VALUE]: with KEY and VALUE in its metadata (without KEY, where VALUE is missing), the run does not go on, and says TEXT.
wrong_metadata() {
  cp run/last.safetensors broken/last.safetensors
  edit broken/last.safetensors "${@:2}"
  fails "broken/last.safetensors: $1" timeout 300 "$bin/dcs_train" --resume --out broken --epochs 3
}
wrong_metadata "epoch is nan" epoch nan
wrong_metadata "epoch is -5" epoch -5
wrong_metadata "epoch is 1e300" epoch 1e300
wrong_metadata "best_loss is nan" best_loss nan
wrong_metadata "since_best is -9" since_best -9
wrong_metadata 'rate is 1e-4\x1b[31m' rate $'1e-4\e[31m'
wrong_metadata "dcs::adamw: optimizer_steps is 12abc" optimizer_steps 12abc
wrong_metadata "dcs::adamw: optimizer_steps is 0" optimizer_steps 0
wrong_metadata "format_version is 7; expected 1" format_version 7
wrong_metadata "its metadata lacks format_version" format_version
# A damaged checkpoint is skipped; one of another version is not.
cp run/previous.safetensors broken
wrong_metadata "format_version is 7; expected 1" format_version 7
rm broken/previous.safetensors
cp run/last.safetensors broken
sed 's/"rate": 0.001/"rate": 0.002/' run/config.json >broken/config.json
fails "broken/config.json: rate is 0.002, but broken/last.safetensors was trained with 0.001" train --resume --out broken --epochs 3
for edit in 's/"side": 64/"side": 64, "side": 128/' 's/"side": 64/"side": 64, "size": 128/'; do
  sed "$edit" run/config.json >broken/config.json
  fails "broken/config.json: " train --resume --out broken --epochs 3
  fails "broken/config.json: " "$bin/dcs_evaluate" --run broken --checkpoint last
done
rm broken/config.json
mkfifo broken/config.json
for program in "train --resume --out broken" "evaluate --run broken" "predict --run broken --out x set/test/images/000005.png"; do
  fails "broken/config.json is a FIFO" timeout 20 "$bin/dcs_"$program
done
rm broken/config.json

echo "== another instruction set is a warning"
cp run/config.json broken
edit broken/last.safetensors instruction_set another
train --resume --out broken --epochs 3 >out 2>err || wrong "another instruction set, and exit code $?"
check grep -q '^dcs_train: warning: broken/last.safetensors was trained with another, ' err
check test "$(wc -l <err)" = 1
check diff <(rows broken) <(rows whole)
rm -rf broken

echo "== a damaged checkpoint is passed over for the one before"
# goes_on TEXT [ROWS]: the run goes on with a warning that contains TEXT, to the bits of an undisturbed run; its results are the last ROWS (3) of that
# run's.
goes_on() {
  timeout 300 "$bin/dcs_train" --resume --out broken --epochs 3 >out 2>err || wrong "exit code $?: $(cat err)"
  check test "$(wc -l <err)" = 1
  check grep -qF "$1" err
  check test -f broken/last.safetensors
  check timeout 300 cmp broken/last.safetensors whole/last.safetensors
  check diff <(rows broken) <(rows whole | tail -n "${2:-3}")
  rm -rf broken
}
cp -r run broken && truncate -s -1000000 broken/last.safetensors
goes_on "going on from broken/previous.safetensors"
cp -r run broken && rm broken/last.safetensors && mkfifo broken/last.safetensors
goes_on "going on from broken/previous.safetensors"
cp -r run broken && : >broken/last.safetensors && cp broken/last.safetensors broken/previous.safetensors
fails "nor can the one before be used: " train --resume --out broken --epochs 3
rm -rf broken

echo "== results.csv is read or refused, never emptied"
cp -r run broken
fails_with() { fails "broken/results.csv: $1" train --resume --out broken --epochs 3; }
: >broken/results.csv && fails_with "its first line is ''"
head -1 run/results.csv >broken/results.csv && fails_with "it ends at the row of epoch 0"
sed '2s/^1,/9,/' run/results.csv >broken/results.csv && fails_with "line 3 is of epoch 2; expected 10"
sed '2s/,/,x/' run/results.csv >broken/results.csv && fails_with "line 2 contains 'x"
rm broken/results.csv && mkdir broken/results.csv
fails "broken/results.csv is a folder" train --resume --out broken --epochs 3
rmdir broken/results.csv
goes_on "broken/results.csv: the rows of epochs 1 to 2 are lost" 1
finish
