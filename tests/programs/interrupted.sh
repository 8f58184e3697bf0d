#!/usr/bin/env bash
# interrupted.sh PROGRAMS FOLDER: SIGINT and SIGTERM end a run after the step in progress, with a checkpoint within the epoch, one line and exit code 130
# or 143; --resume goes on to the bits of a run without interruption. Exit code 77: the programs were not built.
set -um # with job control: a background process does not ignore SIGINT
. "$(dirname "$0")/common.sh"
export DCS_THREADS=1
begin=("$bin/dcs_train" --net small-scratch --data set --size 64 --seed 1 --rate 1e-3 --batch 1 --epochs 2 --ema 0.9)
# random N: a number from 0 to N − 1. The sequence is that of the seed.
RANDOM=7
random() { echo $((RANDOM % $1)); }
# training PID: waits until a process takes its steps, which is when it catches SIGTERM, or has ended.
training() {
  for _ in $(seq 6000); do
    # Between fork and exec the process is still a shell.
    if grep -q dcs_train "/proc/$1/comm" 2>/dev/null && grep -q '^SigCgt:.*[4-7c-f]...$' "/proc/$1/status" 2>/dev/null && [ -f run/config.json ]; then return; fi
    grep -q '^State:.*zombie' "/proc/$1/status" 2>/dev/null && return
    sleep 0.01
  done
}

works "$bin/dcs_synthesize" --out set --kind mri --size 64 --train 10 --val 2 --test 1 --seed 1
works "${begin[@]}" --out whole
check test "$(rows whole | wc -l)" = 2

echo "== stopped again and again, by either signal, at random times"
stops=0 within=0
"${begin[@]}" --out run >out 2>err &
while :; do
  pid=$!
  training $pid
  sleep "0.$((2 + $(random 8)))"
  case $(random 2) in 0) signal=INT expected=130 ;; *) signal=TERM expected=143 ;; esac
  [ $stops -lt 4 ] && kill -s $signal $pid 2>/dev/null
  wait $pid
  code=$?
  # Also where the signal came when the run had ended and the process was about to.
  if [ $code = 0 ] || grep -q '^run: ' out; then break; fi
  check test $code = $expected
  check test "$(wc -l <err)" = 1
  check grep -qE "^dcs_train: stopped by SIG$signal (in epoch [12] after step [0-9]+|after epoch [12]); dcs_train --resume --out run goes on from there$" err
  check test -z "$(ls run | grep -e partial -e next)"
  grep -q 'in epoch' err && within=$((within + 1))
  stops=$((stops + 1))
  [ $stops -lt 10 ] || { wrong "10 stops, and the run has not ended" && break; }
  "$bin/dcs_train" --resume --out run >out 2>err &
done
echo "stopped $stops times, $within of them within an epoch"
check test $within -ge 2
check test ! -s err
check cmp run/last.safetensors whole/last.safetensors
check cmp run/best.safetensors whole/best.safetensors
check diff <(rows run) <(rows whole)

echo "== a process that is killed, by the third signal or by KILL: what was written before stays"
rm -rf run
"${begin[@]}" --out run >out 2>err &
pid=$!
training $pid
for signal in INT INT KILL; do kill -s $signal $pid 2>/dev/null; done
wait $pid
code=$?
check test $code = 137 -o $code = 130 # it had stopped before it was killed
works train --resume --loaders 2 --out run
check cmp run/last.safetensors whole/last.safetensors

echo "== the reader of its output ends first, as tee does by Ctrl-C"
rm -rf run
mkfifo pipe
cat pipe >/dev/null &
reader=$!
"${begin[@]}" --out run >pipe 2>err &
pid=$!
training $pid
kill $reader
wait $reader 2>/dev/null
# The line of the first epoch finds no reader.
for _ in $(seq 6000); do
  [ "$(rows run 2>/dev/null | wc -l)" = 0 ] && kill -0 $pid 2>/dev/null || break
  sleep 0.01
done
kill -s INT $pid
wait $pid
check test $? = 130
check grep -qE '^dcs_train: stopped by SIGINT' err
works train --resume --out run
check cmp run/last.safetensors whole/last.safetensors

echo "== a clock, and more threads that load"
works "${begin[@]}" --save-minutes 0.0001 --loaders 3 --out clock
check cmp clock/last.safetensors whole/last.safetensors
check diff <(rows clock) <(rows whole)
fails "--save-minutes" "${begin[@]}" --save-minutes -1 --out x
fails "--loaders" "${begin[@]}" --loaders -1 --out x

echo "== no memory"
# Files of images and the network itself fit; a step of ten images does not.
limited() (
  ulimit -v 700000
  "$@"
)
large=("$bin/dcs_train" --net small-scratch --data set --size 256 --seed 1 --epochs 1)
limited "${large[@]}" --batch 10 --out large >out 2>err && wrong "a step of ten images fits"
check test "$(wc -l <err)" = 1
check grep -qE '^dcs_train: .*; a step of --batch [1-9] fits into the memory that there is$' err
check test -z "$(ls large | grep -e partial -e safetensors)"
fits=$(sed 's/.*--batch \([0-9]*\) fits.*/\1/' err)
limited "${large[@]}" --batch "$fits" --out fitting >out 2>err || wrong "--batch $fits does not fit: $(cat err)"
finish
