#!/usr/bin/env bash
# clang.sh CLANG SOURCE BUILD WHAT: the sources compile with clang too, without a warning. WHAT is a folder of tests/ or examples/lessons, whose units
# are compiled as BUILD/compile_commands.json says, but with CLANG, for the portable instruction set and without generating code; or `programs`, which are built and run.
set -euo pipefail
clang=$1 source=$(cd "$2" && pwd) build=$3 what=$4
if [ "$what" = programs ]; then
  programs=$build/tests/clang_programs
  cmake -S "$source" -B "$programs" -DCMAKE_CXX_COMPILER="$clang" -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE=-O0 \
    -DDCS_WERROR=ON -DDCS_NETWORKS=small-scratch -DDCS_BUILD_TESTS=OFF >/dev/null
  cmake --build "$programs"
  rm -rf "$programs/set"
  "$programs/examples/dcs_synthesize" --out "$programs/set" --kind mri --size 64 --train 1 --val 1 --test 1 --seed 1
  [ "$(find "$programs/set" -type f -name '*.png' | wc -l)" = 6 ]
  # Into a file and not a pipe: grep -q leaves at the first match, and a program whose reader has gone does not exit with 0.
  "$programs/examples/dcs_train" --help >"$programs/help.txt"
  grep -q -- --data "$programs/help.txt"
  exit
fi
python3 - "$clang" "$source/$what/" "$build/compile_commands.json" <<'EOF_PYTHON'
import json, shlex, subprocess, sys

clang, folder, commands = sys.argv[1:]
seen, failed = set(), 0
for unit in json.load(open(commands)):
    if not unit["file"].startswith(folder) or unit["file"] in seen or "-fsanitize" in unit["command"]:
        continue
    seen.add(unit["file"])
    arguments = shlex.split(unit["command"])
    first = next(i for i, argument in enumerate(arguments) if argument.startswith("-"))
    at = arguments.index("-o")
    kept = [a for a in arguments[first:at] + arguments[at + 2 :] if not a.startswith("--param=") and a != "-c"]
    if "-DDCS_COMPILED" not in kept:
        kept.append("-DDCS_PORTABLE_ONLY")
    wanted = [clang, *kept, "-fsyntax-only", "-Werror"]
    failed += subprocess.run(wanted, cwd=unit["directory"]).returncode != 0
print(len(seen), "units,", failed, "with a warning or an error")
sys.exit(failed > 0 or not seen)
EOF_PYTHON
