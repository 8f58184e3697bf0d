#!/usr/bin/env bash
# Registers, shared memory and spills of every kernel. Registers and spills are ptxas's; the shared memory of a launch stands in the name of a kernel
# (cuda/device.cuh), or is "extents" where they decide. Fails where a kernel of RoIAlign, attention or the fusion spills, or their files have none, and
# without FILEs where a kernel of the library (tests/cuda/kernels.sh) is not printed for each target.
# Usage: bash bench/ptxas.sh [sm_NN ...] [FILE ...]   (default: sm_80 sm_90, and every file of tests/cuda/instantiate; NVCC names the compiler)
set -euo pipefail
cd "$(dirname "$0")/.."
nvcc=${NVCC:-$(cmake -P cmake/nvcc.cmake 2>&1 | sed -n 's/^nvcc: //p')}
[ -n "$nvcc" ] || { echo "no nvcc"; exit 1; }
architectures=() files=() all=
for a in "$@"; do
  case $a in
    sm_*) architectures+=("$a") ;;
    *) files+=("tests/cuda/instantiate/$a.cu") ;;
  esac
done
[ ${#architectures[@]} -gt 0 ] || architectures=(sm_80 sm_90)
[ ${#files[@]} -gt 0 ] || { files=(tests/cuda/instantiate/*.cu) all=1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$nvcc" --version | tail -2 | head -1
printf '%-7s %5s %7s %6s  %s\n' target regs shared spills kernel
for arch in "${architectures[@]}"; do
  for file in "${files[@]}"; do
    "$nvcc" -std=c++20 -O2 -arch="$arch" --expt-relaxed-constexpr -Iinclude -Xptxas -v -cubin -o "$work/out.cubin" "$file" 2>"$work/log" || { cat "$work/log"; exit 1; }
    c++filt <"$work/log" | awk -v arch="$arch" '
      /Compiling entry function/ {
        name = $0; sub(/.*Compiling entry function ./, "", name); sub(/.*detail::entry</, "", name)
        if (!match(name, /, -?[0-9]+l>\(/)) { print "a kernel without its shared memory: " $0; exit 1 }
        shared = substr(name, RSTART + 2, RLENGTH - 5); name = substr(name, 1, RSTART - 1)
        if (shared < 0) shared = "extents"
        sub(/, \(dcs::cuda::mma_precision\)0/, "", name); sub(/\(dcs::cuda::mma_precision\)1/, "tf32", name); gsub(/dcs::/, "", name)
      }
      /bytes spill stores/ { spill = $0; sub(/.*stack frame, /, "", spill); split(spill, s, " "); spills = s[1] + s[5] }
      /Used [0-9]+ registers/ {
        if (match($0, /[0-9]+ bytes smem/)) { print "static shared memory beside that of the launch: " $0; exit 1 }
        regs = $0; sub(/.*Used /, "", regs); printf "%-7s %5d %7s %6d  %s\n", arch, regs, shared, spills, name }'
  done
done | tee "$work/table"
status=0
for kernel in roi_align attention weighted_sum; do
  [[ " ${files[*]} " == *"/$kernel.cu "* ]] || continue
  grep -q "::$kernel" "$work/table" || { echo "no kernel of $kernel"; status=1; }
done
awk '$4 > 0 && /::(roi_align|attention|weighted_sum)/ { bad = 1; print "spills: " $0 } END { exit bad }' "$work/table" || status=1
if [ "$all" ]; then
  kernels=$(bash tests/cuda/kernels.sh . list)
  for arch in "${architectures[@]}"; do
    while read -r name struct; do
      grep -qE "^$arch +[0-9]+ +[^ ]+ +[0-9]+ +([a-z_]+::)*$struct(<|$)" "$work/table" || { echo "not printed for $arch: kernel $name"; status=1; }
    done <<<"$kernels"
  done
fi
exit $status
