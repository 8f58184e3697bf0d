#!/usr/bin/env bash
# folders.sh PROGRAMS FOLDER: a run's folder belongs to one process; a run is continued from anywhere, with the set that it began with; one that has ended
# says so. Exit code 77: the programs were not built.
set -u
. "$(dirname "$0")/common.sh"

works "$bin/dcs_synthesize" --out set --kind mri --size 64 --train 4 --val 1 --test 1 --seed 1

echo "== a folder belongs to one process"
"$bin/dcs_train" --net small-scratch --data set --size 64 --seed 1 --epochs 1000 --out run >held.out 2>&1 &
pid=$!
for _ in $(seq 1200); do
  if [ -s run/last.safetensors ]; then break; fi
  sleep 0.05
done
fails "run: process $pid is training in this folder" train --resume --out run
fails "process $pid is training" fresh --out run
fails "process $pid is training" fresh --out set/../run/.
# A run may be evaluated while it trains: evaluation reads complete files, and writes files of its own.
works "$bin/dcs_evaluate" --run run --overlays 1
check test -s run/evaluation.json
kill -9 $pid
wait $pid 2>/dev/null
done_epochs=$(rows run | wc -l)
echo half >run/last.safetensors.1-0.partial
echo half >run/results.csv.1-0.partial
works train --resume --out run --epochs $((done_epochs + 1))
check test "$(ls -A run | tr '\n' ' ')" = "best.safetensors config.json curves.png evaluation.json last.safetensors overlays previous.safetensors results.csv "
rm -rf run

echo "== a run is continued from anywhere"
works fresh --epochs 2 --out whole
check test "$(ls -A whole | tr '\n' ' ')" = "best.safetensors config.json curves.png last.safetensors previous.safetensors results.csv "
works fresh --epochs 1 --out run
mkdir work && cp -r set work
cp set/train/masks/000001.png work/set/train/masks/000000.png
cd work || exit 1
fails "names or contents of its files differ" train --resume --out ../run --epochs 2 --data set
cd .. || exit 1
fails "there is no folder" train --resume --out run --epochs 2 --data nowhere
check test "$(rows run | wc -l)" = 1
cd work || exit 1
works train --resume --out ../run --epochs 2
cd .. || exit 1
check cmp run/last.safetensors whole/last.safetensors
check diff <(rows run) <(rows whole)
# The set was moved: --data names the new place, which the run then remembers.
mv set moved
fails "set: the set of this run is not there; --data says where it is now" train --resume --out run --epochs 3
works train --resume --out run --epochs 3 --data moved
works train --resume --out run --epochs 4
check test "$(rows run | wc -l)" = 4
works "$bin/dcs_evaluate" --run run --overlays 0
mv moved set

echo "== a run that has ended says why, and changes nothing"
before=$(find whole -type f -printf '%p %s %T@\n' | sort)
for epochs in "" "--epochs 2" "--epochs 1"; do
  works train --resume --out whole $epochs
  check grep -qE '^run: whole has ended: 2 epochs are done' out
done
check test "$before" = "$(find whole -type f -printf '%p %s %T@\n' | sort)"
# But for the records of its last epoch, where the process was killed before it made them.
rm whole/curves.png
works train --resume --out whole
check test -s whole/curves.png
touch -d 2001-01-01 whole/curves.png
works train --resume --out whole
check test -z "$(find whole -name curves.png ! -newermt 2002-01-01)"
works train --resume --out whole --tensorboard
check test -s whole/events.out.tfevents.dcs
# Two epochs without a better loss, as the rate is too small to change anything.
works train --net small-scratch --data set --size 64 --seed 1 --rate 1e-6 --no-augment --stop-after 1 --epochs 40 --out stopped
if [ "$(rows stopped | wc -l)" -lt 40 ]; then
  works train --resume --out stopped --epochs 90
  check grep -q '^run: stopped has ended: the validation loss has not improved for 1 epoch' out
fi
finish
