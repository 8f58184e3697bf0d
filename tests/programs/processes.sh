#!/usr/bin/env bash
# processes.sh PROGRAMS FOLDER: dcs_train under mpirun writes the same files with any number of processes, and goes on with another number; one that fails
# or is killed ends all within ten seconds, with a line that names it. Exit code 77: the programs were not built, or not with MPI.
set -u
. "$(dirname "$0")/common.sh"
if ! command -v mpirun >/dev/null || ! ldd "$bin/dcs_train" | grep -q libmpi; then
  echo "skipped: dcs_train is built without MPI, or mpirun is missing (Debian: libopenmpi-dev, openmpi-bin)"
  exit 77
fi
export DCS_THREADS=1
# Several processes on few cores wait for each other by giving way. As root, and without a network, Open MPI wants to be told.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1
export OMPI_MCA_btl=self,vader OMPI_MCA_btl_vader_single_copy_mechanism=none
begin=(--net small-scratch --data set --size 64 --seed 1 --rate 1e-3 --batch 4 --shards 4)
# The processes that mpirun has started.
trainers() { ps -eo pid=,ppid=,comm= | awk -v parent="$1" '$2 == parent && $3 == "dcs_train" { print $1 }'; }
# ended PID: waits ten seconds at most until a process has ended; sets code.
ended() {
  for _ in $(seq 100); do
    if ! kill -0 "$1" 2>/dev/null || grep -q '^State:.*zombie' "/proc/$1/status" 2>/dev/null; then
      wait "$1"
      code=$?
      return
    fi
    sleep 0.1
  done
  wrong "mpirun has not ended after ten seconds"
  kill -KILL "$1"
  wait "$1"
  code=none
}
# training PID FOLDER: waits for the first checkpoint.
training() {
  for _ in $(seq 600); do
    [ -f "$2/last.safetensors" ] && return
    kill -0 "$1" 2>/dev/null || return
    sleep 0.1
  done
}

works "$bin/dcs_synthesize" --out set --kind mri --size 64 --train 6 --val 3 --test 1 --seed 1

echo "== one process without mpirun, and 1 to 4 with: the same files"
works train "${begin[@]}" --epochs 1 --out run
for n in 1 2 3 4; do
  works mpirun -n $n "$bin/dcs_train" "${begin[@]}" --epochs 1 --out run$n
  check cmp run$n/last.safetensors run/last.safetensors
  check cmp run$n/best.safetensors run/best.safetensors
  check diff <(rows run$n) <(rows run)
  check test "$(grep -c 'epoch 1/1  loss .* val ' out)" = 1 # on mpirun's terminal, behind the line of progress
  check test -z "$(ls run$n | grep -e partial -e next)"
done

echo "== going on with another number of processes"
works train --resume --out run --epochs 2
works mpirun -n 3 "$bin/dcs_train" --resume --out run2 --epochs 2
check cmp run2/last.safetensors run/last.safetensors
check diff <(rows run2) <(rows run)

echo "== what is wrong is said once, and all end"
for n in 1 3; do
  mpirun -n $n "$bin/dcs_train" "${begin[@]}" --epochs 1 --out run >out 2>err && wrong "a run was overwritten"
  check test "$(grep -c '^dcs_train: ' err)" = 1
  check grep -q '^dcs_train: run holds a run already' err
done

echo "== norms over each shard, and MPI's own sums"
for n in 1 2; do works mpirun -n $n "$bin/dcs_train" "${begin[@]}" --epochs 1 --no-sync-norm --out run_apart$n; done
check cmp run_apart1/last.safetensors run_apart2/last.safetensors
works mpirun -n 2 "$bin/dcs_train" "${begin[@]}" --epochs 1 --fast-reduce --out run_fast

# Long enough to be interrupted.
long=("${begin[@]}" --epochs 200 --save-minutes 0.02)
echo "== one process is killed: the others end, the checkpoint is whole, and the run goes on"
rm -rf a
mpirun -n 3 "$bin/dcs_train" "${long[@]}" --out a >out 2>err &
pid=$!
training $pid a
sleep 3
victims=($(trainers $pid) none none none)
check test ${#victims[@]} = 6
kill -KILL "${victims[$((RANDOM % 3))]}"
ended $pid
check test "$code" != 0
check grep -qE 'process rank [0-2] .*signal 9' err
sleep 1
check test -z "$(trainers $pid)"
epochs=$(wc -l <a/results.csv) # one more than are done, as the head is a line
works mpirun -n 2 "$bin/dcs_train" --resume --out a --epochs "$epochs"
check test "$(tail -n 1 a/results.csv | cut -d, -f1)" = "$epochs"

echo "== a signal to one process stops all, with a checkpoint"
rm -rf b
mpirun -n 3 "$bin/dcs_train" "${long[@]}" --out b >out 2>err &
pid=$!
training $pid b
sleep 1
victims=($(trainers $pid) none none none)
kill -TERM "${victims[2]}"
ended $pid
check test "$code" = 143
check test "$(grep -c '^dcs_train: ' err)" = 1
check grep -qE '^dcs_train: stopped by SIGTERM .*--resume --out b goes on from there$' err
check test -f b/last.safetensors

echo "== an image that one process cannot read while it trains"
rm -rf b
mkdir broken && cp -r set broken/set
mpirun -n 3 "$bin/dcs_train" "${long[@]/#set/broken\/set}" --out b >out 2>err &
pid=$!
training $pid b
sleep 1
for image in broken/set/train/images/*; do echo damaged >"$image"; done
ended $pid
check test "$code" != 0
check test "$(grep -c '^dcs_train: ' err)" = 1
check grep -qE '^dcs_train: process [0-2] of 3: .*broken/set/train/images' err
finish
