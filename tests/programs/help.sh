#!/usr/bin/env bash
# help.sh PROGRAMS FOLDER VERSION: each program's --version; the examples at the end of each --help are command lines that the program takes; what bash
# completes. Exit code 77: the programs were not built.
set -u
here=$(cd "$(dirname "$0")/../../examples" && pwd)
. "$(dirname "$0")/common.sh"
version=$3
# What CLI11 does not accept is refused in these words (command_line.hpp); that a run is not one is found later, and is no fault of the example.
refusal="(--help lists what there is)"

for path in "$bin"/dcs_*; do
  program=$(basename "$path")
  [ -f "$path" ] && [ -x "$path" ] || continue
  check test "$("$path" --version)" = "$program $version"
  works "$path" --help
  sed -n '/^Examples:$/,$ s/^ *dcs_/dcs_/p' out >examples
  lines=$(wc -l <examples)
  [ "$lines" = 2 ] || [ "$lines" = 3 ] || wrong "$program --help has $lines examples; expected 2 or 3"
  # A folder of its own, so that no example works on what another has written.
  mkdir -p "$program/runs/a" "$program/runs/b" "$program/runs/c"
  while read -r line; do
    [ "${line%% *}" = "$program" ] || wrong "an example of $program is of another program: $line"
    # Quotes in an example are the shell's.
    (cd "$program" && PATH=$bin:$PATH && eval "timeout 60 $line") >out 2>&1 </dev/null
    if grep -qF -- "$refusal" out; then wrong "$line: $(head -c 300 out)"; fi
  done <examples
done
# The check finds an example that does not parse.
"$bin/dcs_verify" set --sheets x >out 2>&1
check grep -qF -- "$refusal" out

# completed WORD...: what bash completes of the last word.
completed() {
  PATH=$bin:$PATH bash -c '. "$1/completion.bash" && shift && COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) && _dcs "$1" && echo "${COMPREPLY[*]:-}"' bash "$here" "$@"
}
check test "$(completed dcs_predict --ch)" = --checkpoint
check test "$(completed dcs_predict --checkpoint '')" = "best last"
check test "$(completed dcs_predict --checkpoint l)" = last
check test "$(completed dcs_predict --he)" = --help
check test "$(completed dcs_predict a)" = ""
check test "$(completed dcs_synthesize --kind e)" = endoscopy
check test "$(completed dcs_train --net small-s)" = small-scratch
check test "$(completed dcs_train --net small-scratch --box)" = --box-samples
# To bash the = of --net=NAME is a word of its own.
check test "$(completed dcs_train --net = small-s)" = small-scratch
check test "$(completed dcs_predict --checkpoint =)" = "best last"
check test "$(completed dcs_train --net = small-scratch --box)" = --box-samples
check test "$(completed dcs_predict '--a/[' x 2>&1)" = ""
for path in "$bin"/dcs_*; do
  [ -f "$path" ] && [ -x "$path" ] || continue
  check grep -qE "^complete .* $(basename "$path")( |\$)" "$here/completion.bash"
done
finish
