#!/usr/bin/env bash
# format.sh CLANG_FORMAT SOURCE: every source is as .clang-format has it. 77 (skipped) without clang-format 14: other versions format otherwise.
set -euo pipefail
[ -x "$1" ] && "$1" --version | grep -q "version 14\." || { echo "skipped: clang-format 14 is not installed"; exit 77; }
cd "$2"
find include tests examples bench cmake -name '*.[hc]pp' -o -name '*.cu' -o -name '*.cuh' -o -name '*.inl' | sort | xargs "$1" --dry-run -Werror
