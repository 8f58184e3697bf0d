#!/usr/bin/env bash
# run.sh KIND SOURCE BUILD COMPILER: builds and runs the consumer the way KIND says: include, subdirectory or find_package; compiled: the last two with dcs::compiled. every_header: two translation units that
# include all of the library link (but interop, whose libraries may be missing).
set -euo pipefail
kind=$1 source=$2 build=$3 compiler=$4
rm -rf "$build"
mkdir -p "$build"
case $kind in
  include)
    "$compiler" -std=c++20 -Wall -Wextra -Werror -pthread -I "$source/include" "$source/tests/package/main.cpp" "$source/tests/package/other.cpp" -o "$build/consumer" ;;
  every_header)
    (cd "$source/include" && find dcs -name '*.hpp' -not -path 'dcs/interop/*' | sort | sed 's/.*/#include <&>/') >"$build/one.cpp"
    cp "$build/one.cpp" "$build/two.cpp"
    echo 'int main() {}' >>"$build/two.cpp"
    "$compiler" -std=c++20 -Wall -Wextra -Werror -pthread -I "$source/include" "$build/one.cpp" "$build/two.cpp" -o "$build/consumer" -lpng -ljpeg ;;
  subdirectory)
    cmake -S "$source/tests/package/subdirectory" -B "$build" -DCMAKE_CXX_COMPILER="$compiler" >/dev/null
    cmake --build "$build" --target consumer ;;
  find_package)
    cmake -S "$source" -B "$build/dcs" -DCMAKE_CXX_COMPILER="$compiler" -DDCS_BUILD_TESTS=OFF -DDCS_BUILD_EXAMPLES=OFF -DCMAKE_INSTALL_PREFIX="$build/prefix" >/dev/null
    cmake --install "$build/dcs" >/dev/null
    cmake -S "$source/tests/package/find_package" -B "$build" -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_PREFIX_PATH="$build/prefix" >/dev/null
    cmake --build "$build" --target consumer ;;
  compiled) # the archive is what the build itself has of it, where ccache keeps it
    options=(-DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE=-O2)
    if launcher=$(command -v ccache); then options+=(-DCMAKE_CXX_COMPILER_LAUNCHER="$launcher"); fi
    cmake -S "$source" -B "$build/dcs" "${options[@]}" -DDCS_BUILD_TESTS=OFF -DDCS_BUILD_EXAMPLES=OFF -DDCS_INSTALL_COMPILED=ON -DCMAKE_INSTALL_PREFIX="$build/prefix" >/dev/null
    cmake --build "$build/dcs"
    cmake --install "$build/dcs" >/dev/null
    cmake -S "$source/tests/package/compiled" -B "$build/found" "${options[@]}" -DCMAKE_PREFIX_PATH="$build/prefix" >/dev/null
    cmake --build "$build/found" --target consumer
    "$build/found/consumer"
    cmake -S "$source/tests/package/compiled" -B "$build" "${options[@]}" -DWITHIN=ON >/dev/null
    cmake --build "$build" --target consumer ;;
esac
"$build/consumer"
