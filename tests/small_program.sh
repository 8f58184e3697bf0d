#!/usr/bin/env bash
# small_program.sh BUILD: what is compiled to build a program of one file is that file and the kernels' archive, and nothing of a network, of the programs or of
# a test. Nothing is built: make and ninja say what they would do. Exit code 77: another generator.
set -euo pipefail
build=$1 program=lesson_01_tensors
if [ -f "$build/build.ninja" ]; then
  planned=$(ninja -C "$build" -t commands "$program")
elif [ -f "$build/Makefile" ]; then
  # In a tree that was never built make misses what it would have made, after it has said so: its exit status says nothing.
  planned=$(cmake --build "$build" --target "$program" -- --always-make --dry-run --keep-going 2>/dev/null || true)
else
  echo "skipped: neither make nor ninja builds $build"
  exit 77
fi
objects=$(grep -oE '[^ "]+\.cpp\.o\b' <<<"$planned" | sort -u)
own=$(grep -cE '01_tensors\.cpp\.o$' <<<"$objects" || true)
archive=$(grep -E "dcs_compiled\.dir/" <<<"$objects" | sed "s|.*/||" | sort -u | wc -l)
others=$(grep -vE '01_tensors\.cpp\.o$|dcs_compiled\.dir/' <<<"$objects" || true)
echo "$program: its own file, and $archive of the archive"
[ "$own" -gt 0 ] && [ "$archive" -gt 0 ] || { echo "the plan has no such file:"; head -20 <<<"$planned"; exit 1; }
[ -z "$others" ] || { echo "compiled as well:"; echo "$others"; exit 1; }
