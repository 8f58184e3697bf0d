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
  nvcc*) output=$(sed -E -e 's/([0-9])L\b/\1/g' -e 's/<Found, Expected, Axis> \[with Found=([^]]*), Expected=([^]]*), Axis=([^]]*)\]/<\1, \2, \3>/' <<<"$output") ;;
esac
status=0
while IFS= read -r text; do
  if ! grep -qF -- "$text" <<<"$output"; then
    echo "$file: $compiler did not print: $text"
    status=1
  fi
done < <(sed -n 's/^\/\/ expect: //p' "$file")
grep -q '^// expect: ' "$file" || { echo "$file expects nothing"; status=1; }
[ $status = 0 ] || head -c 3000 <<<"$output"
exit $status
