#!/usr/bin/env bash
# run.sh COMPILER INCLUDE FILE: the program FILE must not compile, and the compiler must print every text that a line `// expect: TEXT` of it names.
# nvcc is asked for its host and device front ends alone, and what it prints is first spelled as g++ and clang spell it:
#   check<Found, Expected, Axis> [with Found=dcs::found_extent<64L>, Expected=…, Axis=…]   becomes   check<dcs::found_extent<64>, …, …>
set -u
compiler=$1 include=$2 file=$3
case $(basename "$compiler") in
  nvcc*) command=("$compiler" -std=c++20 -arch=sm_90 -x cu -cuda -o /dev/null -I "$include" "$file") ;;
  *) command=("$compiler" -std=c++20 -fsyntax-only -I "$include" "$file") ;;
esac
if output=$("${command[@]}" 2>&1); then
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
