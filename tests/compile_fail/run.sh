#!/usr/bin/env bash
# run.sh COMPILER INCLUDE FILE: the program FILE must not compile, and the compiler must print every text that a line `// expect: TEXT` of it names.
set -u
if output=$("$1" -std=c++20 -fsyntax-only -I "$2" "$3" 2>&1); then
  echo "$3 compiles, but must not"
  exit 1
fi
status=0
while IFS= read -r text; do
  if ! grep -qF -- "$text" <<<"$output"; then
    echo "$3: $1 did not print: $text"
    status=1
  fi
done < <(sed -n 's/^\/\/ expect: //p' "$3")
grep -q '^// expect: ' "$3" || { echo "$3 expects nothing"; status=1; }
[ $status = 0 ] || head -c 3000 <<<"$output"
exit $status
