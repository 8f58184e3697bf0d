#!/usr/bin/env bash
# headers.sh COMPILER SOURCE FOLDER: every header of include/dcs/FOLDER compiles alone, without a warning.
set -u
status=0
for header in "$2"/include/dcs/$3/*.hpp "$2"/include/dcs/$3/*/*.hpp; do
  [ -f "$header" ] || continue
  echo "#include \"$header\"" | "$1" -std=c++20 -fsyntax-only -Wall -Wextra -Wpedantic -Wconversion -Werror -I "$2/include" -x c++ - || { echo "$header"; status=1; }
done
exit $status
