#!/usr/bin/env bash
# site.sh DOXYGEN SOURCE BUILD PROGRAMS: the documentation as a site in BUILD/html, without a warning: the pages of docs/, the lessons as a course, a page for
# each op, layer and loss, and one for each program. 77 (skipped) where there is no doxygen; where the programs are not built, the site lacks their pages.
set -euo pipefail
[ -x "$1" ] || { echo "skipped: doxygen is not installed"; exit 77; }
source=$(cd "$2" && pwd)
mkdir -p "$3"
build=$(cd "$3" && pwd)
programs=()
[ ! -x "$4/dcs_train" ] || programs=("$4")
python3 "$source/docs/site.py" "$source" "$build/pages" "${programs[@]}"
cd "$source"
rm -rf "$build/html"
warnings=$({ cat Doxyfile; echo "OUTPUT_DIRECTORY = \"$build\""; echo "INPUT += \"$build/pages\""; echo "GENERATE_TREEVIEW = YES"; } | "$1" - 2>&1 >/dev/null)
[ -z "$warnings" ] || { echo "$warnings"; exit 1; }
# Every page that was made is in the site.
for page in "$build"/pages/*.md; do
  name=$(basename "$page" .md)
  [ -f "$build/html/$name.html" ] || { echo "the site has no page $name"; exit 1; }
done
for op in softmax conv2d nn_linear; do [ -f "$build/pages/op_$op.md" ] || { echo "no page for the op $op"; exit 1; }; done
