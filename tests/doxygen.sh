#!/usr/bin/env bash
# doxygen.sh DOXYGEN SOURCE BUILD: the reference builds without a warning. 77 (skipped) where there is no doxygen.
set -euo pipefail
[ -x "$1" ] || { echo "skipped: doxygen is not installed"; exit 77; }
mkdir -p "$3"
cd "$2"
warnings=$({ cat Doxyfile; echo "OUTPUT_DIRECTORY = \"$3\""; } | "$1" - 2>&1 >/dev/null)
[ -f "$3/html/index.html" ] || { echo "no reference was written"; exit 1; }
[ -z "$warnings" ] || { echo "$warnings"; exit 1; }
