#!/usr/bin/env bash
# grid.sh PROGRAMS FOLDER: dcs_grid does runs once, goes on after a signal or a failure, and its tables are what grid.py computes from the evaluations. Exit code
# 77: the programs were not built.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/common.sh"
export PYTHONDONTWRITEBYTECODE=1
run_grid() { "$bin/dcs_grid" "$@"; }
python() { python3 "$here/grid.py" "$@" >py 2>&1 || wrong "grid.py $*: $(tail -c 500 py)"; }
# Contents and times of what runs leave.
states() { find runs -name '*.safetensors' -o -name 'evaluation.json' -o -name results.csv | sort | xargs stat -c '%n %s %Y'; }

works "$bin/dcs_synthesize" --out set --kind mri --size 64 --train 4 --val 2 --test 3 --seed 1
python write grid.json
echo "== networks × seeds: each run once, and a table of them"
works run_grid --list grid.json
check test "$(grep -c ': to do: ' out)" = 4
check test ! -e runs
works run_grid grid.json
check grep -qF '4 done, 0 done before, 0 failed, of 4 runs' out
for run in a/seed1 a/seed2 b/seed1 b/seed2; do
  check test -s runs/mri/$run/last.safetensors
  check grep -qF "dice=" runs/mri/$run/evaluate.log
done
check grep -q '"seed": 2' runs/mri/b/seed2/config.json
check grep -q '"epochs": 2' runs/mri/b/seed1/config.json
check grep -q '"epochs": 1' runs/mri/a/seed1/config.json
check grep -q '"augment": true' runs/mri/b/seed1/config.json # false takes back no-augment
python tables runs/tables.md markdown grid.json
states >before
works run_grid --format csv grid.json
check grep -qF '0 done, 4 done before, 0 failed, of 4 runs' out
check diff before <(states)
python tables runs/tables.csv csv grid.json
works flock runs/.lock "$bin/dcs_grid" --format latex --tables grid.json # while another grid works there
python tables runs/tables.tex latex grid.json

echo "== another way of evaluating trains nothing again; more epochs go on; other options are refused"
python write grid.json seed.json "seeds" '[1]'
python write seed.json evaluate.json "evaluate" '{"overlays": 1, "tta": true, "spacing": [0.5, 0.25], "sizes": [10, 20]}'
works run_grid evaluate.json
check grep -qF '2 done, 0 done before' out
check diff <(grep safetensors before) <(states | grep safetensors)
check grep -q '"test_time_augmentation": true' runs/mri/a/seed1/evaluation.json
check grep -q '"spacing":' runs/mri/a/seed1/evaluation.json
python write seed.json more.json "train" '{"size": 64, "epochs": 2, "rate": 0.001, "batch": 4, "no-augment": true}'
works run_grid more.json
check test "$(rows runs/mri/a/seed1 | wc -l)" = 2
check test "$(rows runs/mri/b/seed1 | wc -l)" = 2
check grep -qF '2 of 2' <(run_grid --list more.json | grep -c ': done: ' | sed 's/$/ of 2/')
python write seed.json other.json "train" '{"size": 64, "epochs": 1, "rate": 0.002, "batch": 4, "no-augment": true}'
states >before
run_grid other.json >out 2>err
check test $? = 1
check grep -qF "the run was begun with other options" err
check diff <(grep safetensors before) <(states | grep safetensors)
# not_taken TEXT KEY VALUE: with another value of a key a run fails, with TEXT, and its checkpoints stay.
not_taken() {
  python write more.json other.json "$2" "$3"
  run_grid other.json >out 2>err
  check test $? = 1
  check grep -qF -- "$1" err
  check diff <(grep safetensors before) <(states | grep safetensors)
}
not_taken "the run has 2 epochs; expected as many or more, not --epochs=1" train '{"size": 64, "epochs": 1, "rate": 0.001, "batch": 4, "no-augment": true}'
not_taken "expected epochs among its flags too" train '{"size": 64, "rate": 0.001, "batch": 4, "no-augment": true}'

echo "== the order of flags means nothing; a set may move, and another is not its own; an evaluation by hand is not the grid's"
done_runs() { "$bin/dcs_grid" --list "$1" | grep -c ': done: '; }
works run_grid more.json
python write more.json order.json train '{"no-augment": true, "batch": 4, "rate": 0.001, "epochs": 2, "size": 64}'
check test "$(done_runs order.json)" = 2
works "$bin/dcs_evaluate" --run runs/mri/a/seed1 --data set --split train
check test "$(done_runs more.json)" = 1
works run_grid more.json
check grep -qF '1 done, 1 done before' out
check grep -q '"split": "test"' runs/mri/a/seed1/evaluation.json
cp -r set set2
python write more.json moved.json sets '{"mri": {"data": "set2"}}'
check test "$(done_runs moved.json)" = 0
works run_grid moved.json
check grep -qF '2 done, 0 done before' out
rm -r set2 && works "$bin/dcs_synthesize" --out set2 --kind mri --size 64 --train 4 --val 2 --test 3 --seed 2
works run_grid more.json
not_taken "differs from it" sets '{"mri": {"data": "set2"}}'

echo "== a plan is part of a run; variables of a launcher are not"
echo 'size = 64' >plan.ini
python write seed.json plan.json train '{"plan": "plan.ini", "epochs": 1, "batch": 4}'
python write plan.json plan.json out '"runs_plan"'
python write plan.json plan.json networks '{"a": {"net": "small-scratch"}}'
python write plan.json plan.json tables '[{"title": "t", "cost": true}]'
fails "there are no runs yet" run_grid --tables plan.json
check test ! -e runs_plan
works env OMPI_COMM_WORLD_SIZE=1 PMI_RANK=0 PMIX_RANK=0 "$bin/dcs_grid" plan.json
check grep -q '"shards": 0' runs_plan/mri/a/seed1/config.json
check test -s runs_plan/costs/small-scratch-64.txt
check test "$(done_runs plan.json)" = 1
echo 'size = 96' >plan.ini
check test "$(done_runs plan.json)" = 0
run_grid plan.json >out 2>err
check test $? = 1
check grep -qF "the run was begun with another plan.ini" err

echo "== a run that fails is reported and stops no other"
python write seed.json failing.json "networks" '{"bad": {"net": "small-scratch", "train": {"no-such-flag": 1}}, "none": {"net": "nothing"}, "b": {"net": "small-scratch", "train": {"no-augment": false, "epochs": 2}}}'
python write failing.json failing.json "tables" '[{"title": "t", "cost": true}]'
# Whoever begins dcs_grid may ignore SIGCHLD, and children are waited for all the same.
python3 -c 'import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])' "$bin/dcs_grid" failing.json >out 2>err
check test $? = 1
check test "$(wc -l <err)" = 3
check grep -q '^dcs_grid: the cost of none: dcs_summary: --net nothing: not compiled in' err
check grep -qE '^\| none \|( – \|){6}$' out
check grep -q '^dcs_grid: mri/bad/seed1: dcs_train: .*no-such-flag.*train.log' err
check grep -q '^dcs_grid: mri/none/seed1: dcs_train: --net nothing: not compiled in' err
check grep -qF '2 failed, of 3 runs' out
check grep -qF '1 of 3 runs are done' out

echo "== two grids do not work in one folder; a signal stops a run with its checkpoint, and the same command goes on"
python write seed.json long.json "train" '{"size": 64, "epochs": 4, "rate": 0.001, "batch": 1}'
python write long.json long.json "out" '"runs_long"'
"$bin/dcs_grid" long.json >long_out 2>long_err &
pid=$!
for _ in $(seq 600); do
  if [ -s runs_long/mri/a/seed1/results.csv ]; then break; fi
  sleep 0.05
done
run_grid long.json >out 2>err
check test $? = 1
check grep -qE "dcs_grid: runs_long: process $pid " err
kill -TERM $pid # a background process ignores SIGINT
wait $pid
check test $? = 143
check test "$(cat long_err)" = "dcs_grid: stopped by SIGTERM; the same command goes on from there"
check grep -q 'stopped by SIGTERM' runs_long/mri/a/seed1/train.log
check test -s runs_long/mri/a/seed1/last.safetensors
check test ! -e runs_long/mri/b
python write long.json long.json "networks" '{"a": {"net": "small-scratch"}}'
python write long.json long.json "tables" '[]'
works run_grid long.json
check grep -qF 'going on in epoch' runs_long/mri/a/seed1/train.log
check test "$(rows runs_long/mri/a/seed1 | wc -l)" = 4
works train --net small-scratch --data set --size 64 --epochs 4 --rate 0.001 --batch 1 --seed 1 --out whole
check cmp whole/last.safetensors runs_long/mri/a/seed1/last.safetensors
rm -rf runs_long whole

echo "== folds, made by dcs_convert"
python write seed.json folds.json "sets" '{"mri": {"data": "folds", "folds": 2, "convert": {"from": "kvasir", "images": "set/train", "val": 0.25}}}'
python write folds.json folds.json "networks" '{"a": {"net": "small-scratch", "labels": {"Model": "DCSNet"}}}'
python write folds.json folds.json "out" '"runs_folds"'
python write folds.json folds.json "tables" '[{"title": "folds"}]'
works run_grid folds.json
check grep -qF '2 done, 0 done before, 0 failed, of 2 runs' out
check grep -qE '^\| DCSNet \|' out
python folds runs_folds/tables.md runs_folds/mri/a/seed1-fold0 runs_folds/mri/a/seed1-fold1
works run_grid folds.json
check grep -qF '0 done, 2 done before' out

echo "== what is no grid"
refused() {
  python write grid.json wrong.json "$2" "$3"
  fails "wrong.json: $1" run_grid wrong.json
}
refused "unknown key seed; there are evaluate networks" seed '[1]'
refused "seeds: -1; expected a whole number from 0" seeds '[1, -1]'
refused "seeds: 1 stands twice" seeds '[1, 1]'
refused "sets: mri: data is missing" sets '{"mri": {}}'
refused "sets: mri: folds is 1; expected a whole number from 2 to 100" sets '{"mri": {"data": "set", "folds": 1}}'
refused "sets: mri: unknown key fold" sets '{"mri": {"data": "set", "fold": 2}}'
refused "networks: the name '../a'" networks '{"../a": {}}'
refused "networks: a: unknown key nett" networks '{"a": {"nett": "unet"}}'
refused "train: seed is set by the grid itself" train '{"seed": 3}'
refused "evaluate: out is set by the grid itself" evaluate '{"out": "x"}'
refused "train: rate is null" train '{"rate": null}'
refused "tables: networks is c; there are a b" tables '[{"title": "t", "networks": ["c"]}]'
refused "tables: title is missing" tables '[{}]'
echo '{"out": "x", "out": "y"}' >wrong.json
fails "key 'out' stands twice" run_grid wrong.json
echo '{' >wrong.json
fails "wrong.json: " run_grid wrong.json
fails "nothing.json" run_grid nothing.json
# The files that docs/grid.md speaks of.
for table in "$here"/../../examples/grids/*.json; do
  works run_grid --list "$table"
  check test "$(wc -l <out)" -ge 3
done
finish
