#!/usr/bin/env bash
# headers.sh COMPILER SOURCE PATH [FLAG...]: every header of include/dcs/PATH, a folder or one header, compiles alone, without a warning: *.hpp with a C++ compiler,
# *.cuh with nvcc.
set -u
compiler=$1 source=$2 path=$3
shift 3
case $(basename "$compiler") in
  nvcc*) pattern='*.cuh' command=("$compiler" -std=c++20 -arch=sm_90 -cuda -o /dev/null -Werror all-warnings -x cu) ;;
  *) pattern='*.hpp' command=("$compiler" -std=c++20 -fsyntax-only -Wall -Wextra -Wpedantic -Wconversion -Werror -x c++) ;;
esac
unit=$(mktemp --suffix .cpp)
trap 'rm -f "$unit"' EXIT
status=0 count=0
while IFS= read -r header; do
  echo "#include \"$header\"" >"$unit"
  "${command[@]}" -I "$source/include" "$@" "$unit" || { echo "$header does not compile alone"; status=1; }
  count=$((count + 1))
done < <(find "$source/include/dcs/$path" -name "$pattern" | sort)
echo "$count headers"
[ $count -gt 0 ] || status=1
exit $status
