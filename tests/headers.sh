#!/usr/bin/env bash
# headers.sh COMPILER SOURCE PATH [FLAG...]: every header of include/dcs/PATH, a folder or one header, compiles without a warning: *.hpp alone with a C++ compiler.
# With nvcc *.cuh alone, and then all headers together, *.hpp among them, host and device side; the C++ compiler has shown that no *.hpp needs another before it.
# Interop headers are left out there, as their libraries are not compiled by nvcc.
set -u
compiler=$1 source=$(cd "$2" && pwd) path=$3
shift 3
together=()
case $(basename "$compiler") in
  nvcc*)
    nvcc=("$compiler" -std=c++20 -arch=sm_90 -Werror all-warnings -x cu)
    pattern='*.cuh' command=("${nvcc[@]}" -ptx -o /dev/null) together=("${nvcc[@]}" -cuda -o /dev/null)
    ;;
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
if [ ${#together[@]} -gt 0 ]; then
  find "$source/include/dcs/$path" \( -name '*.hpp' -o -name '*.cuh' \) -not -path '*/interop/*' | sort | sed 's/.*/#include "&"/' >"$unit"
  count=$(wc -l <"$unit")
  "${together[@]}" -I "$source/include" "$@" "$unit" || { echo "all headers together do not compile"; status=1; }
fi
echo "$count headers"
[ $count -gt 0 ] || status=1
exit $status
