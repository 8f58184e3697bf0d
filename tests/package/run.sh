#!/usr/bin/env bash
# run.sh KIND SOURCE BUILD COMPILER: builds and runs the consumer the way KIND says.
#   include, subdirectory, find_package   how the headers are found; a parent project gets no warning and does not install dcs
#   unbuilt                               cmake --install with programs that nobody has built installs the headers, and of the programs those that there are
#   every_header                          two translation units that include all of the library link (but interop, whose libraries may be missing)
#   io                                    dcs::io both ways, and what is said where libpng is missing
#   strict                                no warning under many more than ours, nothing amiss under macros like min and max, both in every header
#   flags                                 the same values under -ffast-math, each of its parts, -fno-rtti; -fno-exceptions is refused in words
#   compiled                              find_package and add_subdirectory, with dcs::compiled
set -euo pipefail
kind=$1 source=$(cd "$2" && pwd) build=$3 compiler=$4
rm -rf "$build"
mkdir -p "$build"
here=$source/tests/package
own=("$compiler" -std=c++20 -Wall -Wextra -Werror -pthread -I "$source/include")
clang=$("$compiler" --version | grep -c clang || true)

every_header() { (cd "$source/include" && find dcs -name '*.hpp' -not -path 'dcs/interop/*' | sort | sed 's/.*/#include <&>/'); }
configure() { cmake -S "$1" -B "$2" -DCMAKE_CXX_COMPILER="$compiler" "${@:3}" >/dev/null; }
wrong() {
  echo "$*"
  exit 1
}

# same FLAG...: the consumer prints what $build/expected has, as far as it goes, each number within 1e-6.
same() {
  "${own[@]}" "$@" "$here/values.cpp" -o "$build/consumer"
  "$build/consumer" | python3 -c '
import sys
expected = [line.split() for line in open(sys.argv[1])]
found = [line.split() for line in sys.stdin]
def alike(a, b):
    try:
        return a == b or abs(float(a) - float(b)) <= 1e-6 * max(abs(float(a)), abs(float(b)))
    except ValueError:
        return False
strays = [line for line in found if not any(len(line) == len(e) and all(map(alike, line, e)) for e in expected)]
for line in strays:
    print("differs:", " ".join(line)[:200])
sys.exit(bool(strays) or len(found) < 10)' "$build/expected" || wrong "other values with: $*"
}

case $kind in
  include) "${own[@]}" "$here/main.cpp" "$here/other.cpp" -o "$build/consumer" ;;
  every_header)
    every_header >"$build/one.cpp"
    cp "$build/one.cpp" "$build/two.cpp"
    echo 'int main() {}' >>"$build/two.cpp"
    "${own[@]}" "$build/one.cpp" "$build/two.cpp" -o "$build/consumer" -lpng -ljpeg ;;
  subdirectory)
    configure "$here/subdirectory" "$build" -DCMAKE_INSTALL_PREFIX="$build/prefix"
    cmake --build "$build" --target consumer
    cmake --install "$build" >/dev/null
    [ "$(cd "$build/prefix" && find . -type f)" = ./bin/consumer ] || wrong "dcs is installed with its parent: $(find "$build/prefix" -type f | head -3)"
    configure "$here/subdirectory" "$build" -DDCS_INSTALL=ON
    cmake --install "$build" >/dev/null
    [ -f "$build/prefix/include/dcs/dcs.hpp" ] || wrong "DCS_INSTALL=ON installs no dcs" ;;
  find_package)
    configure "$source" "$build/dcs" -DDCS_BUILD_TESTS=OFF -DDCS_BUILD_EXAMPLES=OFF -DCMAKE_INSTALL_PREFIX="$build/prefix"
    cmake --install "$build/dcs" >/dev/null
    configure "$here/find_package" "$build" -DCMAKE_PREFIX_PATH="$build/prefix"
    cmake --build "$build" --target consumer ;;
  unbuilt)
    configure "$source" "$build/dcs" -DDCS_BUILD_TESTS=OFF -DDCS_BUILD_EXAMPLES=ON -DDCS_NETWORKS=small-scratch
    DESTDIR=$build/root cmake --install "$build/dcs" --prefix /usr >/dev/null
    [ -f "$build/root/usr/include/dcs/dcs.hpp" ] || wrong "the headers are not installed where no program is built"
    touch "$build/dcs/examples/dcs_report"
    DESTDIR=$build/root cmake --install "$build/dcs" --prefix /usr >/dev/null
    installed=$(cd "$build/root/usr" && find bin share -type f | sort | tr '\n' ' ')
    [ "$installed" = "bin/dcs_report share/bash-completion/completions/dcs_report " ] || wrong "of the programs, with dcs_report alone built, there are: $installed"
    exit ;;
  io)
    configure "$source" "$build/dcs" -DDCS_BUILD_TESTS=OFF -DDCS_BUILD_EXAMPLES=OFF -DCMAKE_INSTALL_PREFIX="$build/prefix"
    cmake --install "$build/dcs" >/dev/null
    configure "$here/io" "$build/found" -DCMAKE_PREFIX_PATH="$build/prefix"
    cmake --build "$build/found" --target consumer
    "$build/found/consumer" "$build/written"
    configure "$here/io" "$build" -DWITHIN=ON
    cmake --build "$build" --target consumer
    # missing TEXT ARGUMENT...: the consumer is not configured, and TEXT is said.
    missing() {
      rm -rf "$build/missing"
      if configure "$here/io" "$build/missing" "${@:2}" 2>"$build/said"; then wrong "configures: ${*:2}"; fi
      tr -s ' \n' ' ' <"$build/said" | grep -qF "$1" || wrong "does not say '$1': $(cat "$build/said")"
    }
    missing "dcs::io needs libpng, not found" -DCMAKE_PREFIX_PATH="$build/prefix" -DCMAKE_DISABLE_FIND_PACKAGE_PNG=ON
    missing "dcs::io needs libpng and libjpeg, not found" -DCMAKE_PREFIX_PATH="$build/prefix" -DCMAKE_DISABLE_FIND_PACKAGE_PNG=ON -DCMAKE_DISABLE_FIND_PACKAGE_JPEG=ON
    missing "dcs was installed without dcs::compiled" -DCMAKE_PREFIX_PATH="$build/prefix" "-DPARTS=io;compiled"
    missing "dcs has no component images" -DCMAKE_PREFIX_PATH="$build/prefix" -DPARTS=images
    configure "$here/find_package" "$build/without" -DCMAKE_PREFIX_PATH="$build/prefix" -DCMAKE_DISABLE_FIND_PACKAGE_PNG=ON
    "$build/consumer" "$build/written"
    exit ;;
  strict)
    strict=(-Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wold-style-cast -Wcast-align -Wdouble-promotion -Wfloat-equal -Wformat=2 -Wundef
            -Wnon-virtual-dtor -Woverloaded-virtual -Wnull-dereference)
    [ "$clang" = 0 ] && strict+=(-Wuseless-cast -Wduplicated-cond -Wduplicated-branches -Wlogical-op)
    every_header >"$build/all.cpp"
    echo 'int both = min(1, 2) + max(3, 4);' >>"$build/all.cpp" # the program's macros are there again
    "${own[@]}" "${strict[@]}" -DDCS_PORTABLE_ONLY -include "$here/macros.hpp" -fsyntax-only "$build/all.cpp"
    "${own[@]}" "${strict[@]}" -DDCS_PORTABLE_ONLY -fsyntax-only "$here/values.cpp"
    exit ;;
  flags)
    "${own[@]}" -O1 -DDCS_PORTABLE_ONLY "$here/values.cpp" -o "$build/consumer"
    "$build/consumer" >"$build/expected"
    same -Ofast -DDCS_PORTABLE_ONLY
    for flag in -ffast-math -funsafe-math-optimizations -ffinite-math-only "-fassociative-math -fno-signed-zeros -fno-trapping-math" \
                "-freciprocal-math -fno-rtti"; do
      portable=-DDCS_PORTABLE_ONLY
      [ "$flag" != -ffast-math ] || portable=-DALL_INSTRUCTION_SETS
      same -O1 -DPOINTWISE $portable $flag
    done
    echo '#include <dcs/dcs.hpp>' | "${own[@]}" -fno-exceptions -fsyntax-only -x c++ - 2>"$build/said" && wrong "-fno-exceptions compiles"
    grep -q 'error.*compile without -fno-exceptions' "$build/said" || wrong "-fno-exceptions: $(head -3 "$build/said")" ;;
  compiled) # the archive is what the build itself has of it, where ccache keeps it
    options=(-DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE=-O2)
    if launcher=$(command -v ccache); then options+=(-DCMAKE_CXX_COMPILER_LAUNCHER="$launcher"); fi
    cmake -S "$source" -B "$build/dcs" "${options[@]}" -DDCS_BUILD_TESTS=OFF -DDCS_BUILD_EXAMPLES=OFF -DDCS_INSTALL_COMPILED=ON -DCMAKE_INSTALL_PREFIX="$build/prefix" >/dev/null
    cmake --build "$build/dcs"
    cmake --install "$build/dcs" >/dev/null
    cmake -S "$source/tests/package/compiled" -B "$build/found" "${options[@]}" -DCMAKE_PREFIX_PATH="$build/prefix" >/dev/null
    cmake --build "$build/found" --target consumer
    "$build/found/consumer"
    # Here it is compiled once more, as headers of a project within another are SYSTEM: fast, as nothing depends on how well.
    cmake -S "$source/tests/package/compiled" -B "$build" "${options[@]}" -DCMAKE_CXX_FLAGS_RELEASE=-O0 -DWITHIN=ON >/dev/null
    cmake --build "$build" --target consumer ;;
esac
"$build/consumer" >/dev/null
