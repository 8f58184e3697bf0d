#!/usr/bin/env bash
# Registers, static shared memory and spills of every kernel, as ptxas reports them. Fails where RoIAlign, attention or the fusion spills.
# Usage: bash bench/ptxas.sh [architecture ...]   (default: sm_80 sm_90)
set -euo pipefail
cd "$(dirname "$0")/.."
nvcc=$(command -v nvcc || echo /usr/local/cuda/bin/nvcc)
[ $# -gt 0 ] || set -- sm_80 sm_90
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$nvcc" --version | tail -2 | head -1
printf '%-7s %5s %7s %6s  %s\n' target regs shared spills kernel
for arch in "$@"; do
  for file in tests/cuda/instantiate/*.cu; do
    "$nvcc" -std=c++20 -O2 -arch="$arch" --expt-relaxed-constexpr -Iinclude -Xptxas -v -cubin -o "$work/out.cubin" "$file" 2>"$work/log" || { cat "$work/log"; exit 1; }
    c++filt <"$work/log" | awk -v arch="$arch" '
      /Compiling entry function/ { name = $0; sub(/.*Compiling entry function ./, "", name); sub(/. for .sm.*/, "", name); sub(/.*detail::entry</, "", name); sub(/ >\(.*$/, "", name); gsub(/dcs::/, "", name) }
      /bytes spill stores/ { spill = $0; sub(/.*stack frame, /, "", spill); split(spill, s, " "); spills = s[1] + s[5] }
      /Used [0-9]+ registers/ { shared = 0; if (match($0, /[0-9]+ bytes smem/)) shared = substr($0, RSTART, RLENGTH) + 0
        regs = $0; sub(/.*Used /, "", regs); printf "%-7s %5d %7d %6d  %s\n", arch, regs, shared, spills, name }'
  done
done | tee "$work/table"
if awk '$4 > 0 && /roi_align|attention|weighted_sum/ { bad = 1; print "spills: " $0 } END { exit !bad }' "$work/table"; then exit 1; fi
