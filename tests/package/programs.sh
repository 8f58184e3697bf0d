#!/usr/bin/env bash
# programs.sh PROGRAMS BUILD PREFIX VERSION: cmake --install puts every program into bin, where it runs, and its completion where bash looks for it. 77 (skipped)
# where the programs are not built.
set -euo pipefail
[ -x "$1/dcs_train" ] || { echo "skipped: the programs are not built"; exit 77; }
rm -rf "$3"
cmake --install "$2" --prefix "$3" >/dev/null
count=0
for path in "$1"/dcs_*; do
  [ -f "$path" ] && [ -x "$path" ] || continue
  program=$(basename "$path")
  said=$("$3/bin/$program" --version)
  [ "$said" = "$program $4" ] || { echo "$program --version says '$said'; expected '$program $4'"; exit 1; }
  [ -f "$3/share/bash-completion/completions/$program" ] || { echo "$program has no completion"; exit 1; }
  count=$((count + 1))
done
rm -rf "$3"
echo "$count programs"
