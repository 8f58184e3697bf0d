# Sourced by the tests of the programs, whose arguments are PROGRAMS FOLDER: begins in FOLDER, which is emptied. Exit code 77: they were not built.
if [ ! -x "${1:-}/dcs_train" ]; then
  echo "skipped: the programs, or small-scratch among them, are not built (DCS_BUILD_EXAMPLES, DCS_NETWORKS; for a GPU DCS_CUDA_NETWORKS)"
  exit 77
fi
bin=$(cd "$1" && pwd)
rm -rf "$2" && mkdir -p "$2" && cd "$2" || exit 1
folder=$PWD
failures=0
# A test that passes leaves nothing: a checkpoint with the optimiser's moments is 170 MB.
trap '[ $failures = 0 ] && rm -rf "$folder"' EXIT

wrong() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}
check() { "$@" >/dev/null 2>&1 || wrong "$*"; }
# works COMMAND...: exit code 0, nothing on stderr.
works() {
  if ! "$@" >out 2>err || [ -s err ]; then wrong "$*: $(head -c 500 err)"; fi
}
# fails TEXT COMMAND...: the command fails, not by a signal, with one line that begins with the program's name and contains TEXT; no file changes.
fails() {
  local text=$1 code before after
  shift
  before=$(sums)
  "$@" >out 2>err
  code=$?
  after=$(sums)
  if [ $code = 0 ] || [ $code -ge 128 ]; then wrong "exit code $code: $*"; fi
  if [ "$(wc -l <err)" != 1 ] || ! grep -qF -- "$text" err || ! grep -q '^dcs_[a-z]*: ' err; then wrong "$*: expected one line with '$text', got: $(head -c 500 err)"; fi
  # Lines of `before` that are not in `after`: files that changed or vanished.
  if comm -23 <(echo "$before") <(echo "$after") | grep -q .; then wrong "$*: lost $(comm -23 <(echo "$before") <(echo "$after") | head -3)"; fi
}
# Files with their time and size; contents are compared where a test is about them.
sums() { find set run* broken a b -type f -printf '%p %s %T@\n' 2>/dev/null | sort; }
train() { "$bin/dcs_train" "$@"; }
fresh() { train --net small-scratch --data set --size 64 --seed 1 --rate 1e-3 --batch 4 "$@"; }
# Rows of results.csv without the seconds, which differ.
rows() { tail -n +2 "$1/results.csv" | cut -d, -f1,2,4-; }
measures='^dice=[0-9.]+ iou=[0-9.]+ precision=[0-9.]+ hd95=[0-9.]+ missed=[0-9]+ images=3 threshold_dice=[0-9.]+$'
finish() {
  if [ $failures != 0 ]; then
    echo "$failures failed; files are in $folder"
    exit 1
  fi
  echo "all passed"
}
