#!/usr/bin/env bash
# failing_calls.sh PROGRAMS FOLDER LIBRARY: each kind of call of the system, on each file of a run, is made to fail (../faults/failing_calls.hpp). Whatever
# fails, the program ends with one line on stderr and an exit code that is not 0, every checkpoint in the folder is whole, and --resume comes to the bits
# of a run in which nothing failed. Exit code 77: the programs were not built.
set -u
library=$3
# Runs of 170 MB are written some hundred times: in memory, where there is enough of it.
if [ "$(df -k --output=avail /dev/shm 2>/dev/null | tail -1)" -gt 4000000 ] 2>/dev/null; then set -- "$1" "/dev/shm/dcs_failing_calls.$$"; fi
. "$(dirname "$0")/common.sh"
case $folder in /dev/shm/*) trap 'rm -rf "$folder"' EXIT ;; esac
export DCS_THREADS=1
EIO=5 EAGAIN=11 ENOMEM=12 ENOSPC=28

# begin, go_on: a run of one epoch, and its continuation by a second one. With `call` ("write 3 28 once") the library makes that call fail; `trace` gets a list of all calls.
begin() { failing "$bin/dcs_train" --net small-scratch --data "$folder/set" --size 64 --seed 1 --rate 1e-3 --batch 1 --epochs 1 --out run; }
go_on() { failing "$bin/dcs_train" --resume --out run --epochs 2; }
failing() {
  if [ -z "${call:-}${trace:-}" ]; then "$@"; else FAIL_CALL=${call:-} FAIL_FOLDER=$folder FAIL_TRACE=${trace:-} LD_PRELOAD=$library "$@"; fi
}

echo "== an epoch, and a second one, with nothing failing"
works "$bin/dcs_synthesize" --out set --kind mri --size 64 --train 1 --val 1 --test 1 --seed 1
trace=$folder/begin.trace begin >out 2>err || wrong "one epoch: $(cat err)"
cp -r run base
trace=$folder/go_on.trace go_on >out 2>err || wrong "a second epoch: $(cat err)"
mv run whole

# A power cut leaves what was synced: a file before it gets its name, its folder before another file is begun.
synced_renames() {
  awk -v what="$1" '
    function folder_of(path) { sub("/[^/]*$", "", path); return path }
    $1 == "open_write" && $3 !~ "/.lock$" {
      for (f in renamed) { print what ": writes another file before a sync of " f; bad = 1 }
      delete renamed
    }
    $1 == "open_write" || $1 == "write" { dirty[$3] = 1 }
    $1 == "fsync" { delete dirty[$3]; delete renamed[$3] }
    $1 == "rename" {
      ++renames
      if ($3 in dirty) { print what ": renamed before it was synced: " $3 " to " $4; bad = 1 }
      renamed[folder_of($4)] = 1
    }
    END {
      for (f in renamed) { print what ": ends without a sync of " f; bad = 1 }
      if (renames < 3) { print what ": " renames + 0 " renames"; bad = 1 }
      exit bad
    }' "$2"
}
synced_renames "a new run" begin.trace || wrong "a power cut may lose a file of a new run"
synced_renames "a resumed run" go_on.trace || wrong "a power cut may lose a file of a resumed run"

# cases MODE: lines "MODE FUNCTION NUMBER FILE" for the first call of each function on each file and, when a run goes on, the last one too. Of a run that
# begins, only the calls that its continuation does not make too: those that create its files, and those that read the set. Closing a file that was only
# read loses nothing.
cases() {
  awk -v mode="$1" -v set="$folder/set/" '
    function wanted(name, path) {
      if (name == "close_read" || path == "") return 0
      if (index(path, set) > 0) return mode == "begin"
      return mode == "go_on" || name ~ /^(write|fsync|rename|mkdir)$/
    }
    wanted($1, $3) {
      file = $3
      sub(/\.[0-9]+-[0-9]+\.partial$/, "", file)
      key = $1 " " file
      if (!(key in first)) { order[++keys] = key; first[key] = $2 }
      last[key] = $2
    }
    END {
      for (k = 1; k <= keys; ++k) {
        split(order[k], part, " ")
        print mode, part[1], first[order[k]], part[2]
        if (mode == "go_on" && last[order[k]] != first[order[k]]) print mode, part[1], last[order[k]], part[2]
      }
    }' "$1.trace"
}

# Which file of `base` or `whole` this one is, by its bytes.
identity() {
  local f
  for f in "$folder"/base/*.safetensors "$folder"/whole/*.safetensors; do
    if cmp -s "$1" "$f"; then
      echo "${f#"$folder"/}"
      return
    fi
  done
  echo damaged
}
# prepare MODE: makes the run that a case begins with, in the folder "run". Checkpoints are never written in place, so a second name is as good as a copy.
prepare() {
  rm -rf run
  [ "$1" = begin ] && return
  mkdir run
  ln "$folder"/base/*.safetensors run
  find "$folder/base" -mindepth 1 ! -name '*.safetensors' -exec cp -r {} run \;
}
# A failure of one of these calls is always an error; others (closing a file that was read, advice for speed) may fail without one.
must_fail() { [[ $1 =~ ^(open_write|write|fsync|close_write|rename|mkdir)$ && $2 != */.lock ]]; }

# one_case MODE FUNCTION NUMBER FILE ERRNO HOW
one_case() {
  local mode=$1 function=$2 number=$3 file=${4#"$folder"/} what="$*" end state f
  [ "$mode" = begin ] && end=base || end=whole
  prepare "$mode"
  call="$function $number $5 $6" $mode >out 2>err
  local code=$?
  ls -A run 2>/dev/null | grep -q partial && wrong "$what: leaves $(ls -A run | grep partial | head -1)"
  state=
  for f in run/*.safetensors; do
    [ -e "$f" ] || continue
    state="$state ${f#run/}=$(identity "$f")"
  done
  case $state in *=damaged*) wrong "$what: not a whole checkpoint:$state" ;; esac
  if [ "$mode" = go_on ] && [ "$(rows run 2>/dev/null | head -1)" != "$(rows "$folder/base")" ]; then wrong "$what: results.csv lost a row"; fi
  if [ $code = 0 ] && ! must_fail "$function" "$file"; then
    finished "$what" "$end"
    return
  fi
  if [ $code = 0 ] || [ $code -ge 128 ]; then wrong "$what: exit code $code: $(head -c 300 err)"; fi
  if [ "$(wc -l <err)" != 1 ] || ! grep -q '^dcs_train: .' err; then wrong "$what: expected one line, got: $(head -c 300 err)"; fi
  # From one state a run goes on in one way: it is tried once.
  state="$mode$state $([ -e run/config.json ] && echo config) $(rows run 2>/dev/null | cut -d, -f1 | tr '\n' ' ')"
  grep -qxF -- "$state" tried 2>/dev/null && return
  echo "$state" >>tried
  if [ ! -e run/config.json ]; then rm -rf run && begin >out 2>err
  elif [ "$mode" = begin ]; then "$bin/dcs_train" --resume --out run --epochs 1 >out 2>err
  else go_on >out 2>err; fi || wrong "$what: then it does not go on: $(head -c 300 err)"
  finished "$what, resumed" "$end"
}
# finished WHAT END: checks that the run is bitwise that of the folder END.
finished() {
  local f
  for f in "$folder/$2"/*.safetensors; do
    cmp -s "$f" "run/${f##*/}" || wrong "$1: another ${f##*/} than without a failure"
  done
  diff <(rows run) <(rows "$folder/$2") >/dev/null || wrong "$1: another results.csv than without a failure"
}

error_of() {
  case $1 in
    open_write | write | mkdir) echo $ENOSPC ;;
    pthread_create) echo $EAGAIN ;;
    malloc | aligned_alloc) echo $ENOMEM ;;
    *) echo $EIO ;;
  esac
}
{
  for mode in begin go_on; do
    cases $mode | while read -r m function number file; do echo "$m $function $number $file $(error_of "$function") once"; done
    # A disk that is full from here on, in the last checkpoint.
    awk '$1 == "write" && $3 ~ /safetensors/ { at[++n] = $2 } END { if (n) print at[int((n * 2 + 2) / 3)] }' $mode.trace |
      while read -r number; do echo "$mode write $number disk $ENOSPC on"; done
    # No thread at all; memory that is not there once.
    echo "$mode pthread_create 1 threads $EAGAIN on"
    for function in malloc aligned_alloc; do
      count=$(awk -v f=$function '$1 == f { print $2 }' $mode.trace)
      for share in 5 95; do echo "$mode $function $((count * share / 100 + 1)) memory $ENOMEM once"; done
    done
  done
} | sort -u >all_cases
echo "== $(wc -l <all_cases) calls that fail"
worker() {
  mkdir -p "worker$1" && cd "worker$1" || exit 1
  failures=0
  # shellcheck disable=SC2034
  while read -r mode function number file error how; do one_case "$mode" "$function" "$number" "$file" "$error" "$how"; done < <(awk -v w="$1" 'NR % 2 == w' ../all_cases)
  exit $((failures > 0))
}
for w in 0 1; do (trap - EXIT && worker $w) & done
for job in $(jobs -p); do wait "$job" || failures=$((failures + 1)); done
if [ $failures != 0 ]; then exit 1; fi
echo "all passed"
