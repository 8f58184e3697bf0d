#!/usr/bin/env bash
# run.sh COMPILER INCLUDE FOLDER FILE: the program FILE must not compile, and the compiler must print every text that a line `// expect: TEXT` of it names.
# Without FILE: the headers, which must compile, are precompiled into FOLDER, where g++ and clang find them for every program; nvcc compiles them each time.
# nvcc is asked for its host and device front ends alone, and what it prints is first spelled as g++ and clang spell it:
#   check<Found, Expected, Axis> [with Found=dcs::found_extent<64L>, Expected=…, Axis=…]   becomes   check<dcs::found_extent<64>, …, …>
set -u
compiler=$1 include=$2 folder=$3 file=${4:-}
case $(basename "$compiler") in
  nvcc*) command=("$compiler" -std=c++20 -arch=sm_90 -x cu -cuda -o /dev/null -I "$include") ;;
  *) command=("$compiler" -std=c++20 -fsyntax-only -I "$include" -include "$folder/headers.hpp") ;;
esac
if [ -z "$file" ]; then
  mkdir -p "$folder"
  printf '#include <dcs/%s>\n' dcs.hpp models/dcsnet/dcsnet.hpp >"$folder/headers.hpp"
  case $(basename "$compiler") in
    nvcc*) "${command[@]}" "$folder/headers.hpp" ;;
    *) "$compiler" -std=c++20 -x c++-header -I "$include" -o "$folder/headers.hpp.gch" "$folder/headers.hpp" ;;
  esac
  exit
fi
if output=$("${command[@]}" "$file" 2>&1); then
  echo "$file compiles, but must not"
  exit 1
fi
case $(basename "$compiler") in
  nvcc*) output=$(sed -E -e 's/([0-9])L\b/\1/g' -e 's/<Found, Expected, Axis> \[with Found=([^]]*), Expected=([^]]*), Axis=([^]]*)\]/<\1, \2, \3>/' \
    -e 's/<Struct, Member, Position> \[with Struct=([^]]*), Member=([^]]*), Position=([^]]*)\]/<\1, \2, \3>/' \
    -e 's/<Selected, Expected, Reason> \[with Selected=([^]]*), Expected=([^]]*), Reason=([^]]*)\]/<\1, \2, \3>/' <<<"$output") ;;
esac
status=0
while IFS= read -r text; do
  if ! grep -qF -- "$text" <<<"$output"; then
    echo "$file: $compiler did not print: $text"
    status=1
  fi
done < <(sed -n 's/^\/\/ expect: //p' "$file")
grep -q '^// expect: ' "$file" || { echo "$file expects nothing"; status=1; }
# A program that marks its wrong line with `// here` is held to a message that can be read at a glance, on g++ and clang: one error, at most 30 lines,
# and within the first 15 both the first expected text and the marked line. The line by which clang names the precompiled headers is not the user's.
here=$(grep -n '// here' "$file" | cut -d: -f1)
if [ -n "$here" ] && [[ $(basename "$compiler") != nvcc* ]]; then
  output=$(grep -v '^In file included from .*/headers\.hpp:[0-9]*:$' <<<"$output")
  top=$(head -15 <<<"$output")
  errors=$(grep -c 'error:' <<<"$output") lines=$(wc -l <<<"$output") sentence=$(sed -n 's/^\/\/ expect: //p' "$file" | head -1)
  complain() { echo "$file: $compiler $1"; status=1; }
  [ "$errors" = 1 ] || complain "printed $errors errors, expected 1"
  [ "$lines" -le 30 ] || complain "printed $lines lines, expected at most 30"
  grep -qF -- "$sentence" <<<"$top" || complain "did not print within 15 lines: $sentence"
  grep -qF -- "$(basename "$file"):$here:" <<<"$top" || complain "did not name line $here within 15 lines"
fi
[ $status = 0 ] || head -c 3000 <<<"$output"
exit $status
