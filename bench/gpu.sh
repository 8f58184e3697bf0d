#!/usr/bin/env bash
# On the GPU of this machine, in four parts that may also run one at a time. kernels: times every kernel beside PyTorch, the two in turn in one run, with the
# share of its floor that each reaches (see gpu/measure.cuh). step: the paper's training step and inference, with their memory (gpu/step.cu). tests: those
# on the GPU. sanitizer: compute-sanitizer over them, for at most DCS_SANITIZER_SECONDS, an hour unless given. A failure is
# reported where it occurs and again at the end, the rest still runs, and the exit status is then 1. Without a GPU it is 77. PyTorch is that of DCS_PYTHON,
# else of python3; without PyTorch its columns stay empty. Usage: bash bench/gpu.sh [ROUNDS] [kernels] [step] [tests] [sanitizer]
set -euo pipefail
cd "$(dirname "$0")/.."
nvidia-smi -L >/dev/null 2>&1 || { echo "gpu.sh: skipped: no GPU on this machine"; exit 77; }
rounds=3
if [[ ${1:-} =~ ^[0-9]+$ ]]; then rounds=$1; shift; fi
parts=${*:-kernels step tests sanitizer}
for part in $parts; do
  [[ $part =~ ^(kernels|step|tests|sanitizer)$ ]] || { echo "gpu.sh: $part is not a part; expected kernels, step, tests or sanitizer" >&2; exit 2; }
done
python=${DCS_PYTHON:-python3}
failures=()
failed() {
  echo "gpu.sh: failed: $*"
  failures+=("$*")
}
cmake --preset cuda -DDCS_BUILD_EXAMPLES=OFF >/dev/null
build() { cmake --build build/cuda -j "$(nproc)" "$@"; }

median='function median(list,   n, part, i, j, t) {
  n = split(list, part, " ")
  for (i = 2; i <= n; ++i) for (j = i; j > 1 && part[j] + 0 < part[j - 1] + 0; --j) { t = part[j]; part[j] = part[j - 1]; part[j - 1] = t }
  return n % 2 ? part[(n + 1) / 2] : (part[n / 2] + part[n / 2 + 1]) / 2
}
'
times=$(mktemp -d)
trap 'rm -rf "$times"' EXIT
nvidia-smi --query-gpu=name,driver_version,clocks.sm,clocks.mem,power.limit --format=csv,noheader
peer=yes
"$python" -c 'import torch; assert torch.cuda.is_available()' 2>/dev/null || { peer=no; echo "gpu.sh: $python has no PyTorch for this GPU: dcs alone is timed"; }

time_kernels() {
  build --target bench_gpu
  : >"$times/peer"
  for _ in $(seq "$rounds"); do
    build/cuda/bench/bench_gpu | tee -a "$times/ours" | { grep '^#' || true; } || failed "bench_gpu"
    if [ $peer = yes ]; then "$python" bench/gpu/peer.py | tee -a "$times/peer" | { grep '^#' || true; } || failed "peer.py"; fi
  done
  # Medians over the rounds, in the order of the first.
  awk "$median"'
    /^#/ { next }
    FILENAME == ARGV[1] { if (!($1 in ours)) order[++count] = $1; ours[$1] = ours[$1] " " $2; floors[$1] = floors[$1] " " $3; next }
    $2 != "-" { peers[$1] = peers[$1] " " $2 }
    END {
      printf "%-36s %10s %10s %8s %9s\n", "kernel", "dcs ms", "torch ms", "times", "of floor"
      for (i = 1; i <= count; ++i) {
        name = order[i]; own = median(ours[name]); share = sprintf("%.0f %%", 100 * median(floors[name]) / own)
        if (name in peers) printf "%-36s %10.4f %10.4f %8.2f %9s\n", name, own, median(peers[name]), median(peers[name]) / own, share
        else printf "%-36s %10.4f %10s %8s %9s\n", name, own, "-", "-", share
      }
      for (name in peers) if (!(name in ours)) print "gpu.sh: timed of PyTorch alone, under another name?: " name
    }' "$times/ours" "$times/peer"
}

# The training step (4 images of 512 × 512) and inference (one), maps in bf16.
time_step() {
  build --target bench_gpu_step
  : >"$times/ours.step"
  : >"$times/peer.step"
  for _ in $(seq "$rounds"); do
    build/cuda/bench/bench_gpu_step >>"$times/ours.step" || failed "bench_gpu_step"
    if [ $peer = yes ]; then "$python" bench/gpu/peer_step.py | tee -a "$times/peer.step" | { grep '^#' || true; } || failed "peer_step.py"; fi
  done
  awk "$median"'
    function one(name, work, kind,   peer) {
      peer = work "_" kind
      if (peer in time) printf " %11.2f %6.2f %6.1f", median(time[peer]), median(time[peer]) / median(time[name]), median(memory[peer])
      else printf " %11s %6s %6s", "-", "-", "-"
    }
    function line(name, work) {
      if (!(name in time)) { printf "%-14s not timed\n", name; return }
      printf "%-14s %8.2f %6.1f", name, median(time[name]), median(memory[name]); one(name, work, "eager"); one(name, work, "compile"); print ""
    }
    !/^#/ { time[$1] = time[$1] " " $2; memory[$1] = memory[$1] " " $3 }
    END {
      printf "%-14s %8s %6s %11s %6s %6s %11s %6s %6s\n", "", "dcs ms", "GB", "eager ms", "times", "GB", "compiled ms", "times", "GB"
      line("step_captured", "step"); line("step_calls", "step"); line("inference", "inference")
    }' "$times/ours.step" "$times/peer.step"
}

run_tests() {
  build || failed "the build of the tests"
  ctest --test-dir build/cuda -L gpu --output-on-failure || failed "tests on the GPU"
}

# A test that takes more than ten minutes has failed.
check() {  # TOOL PROGRAM [ARGUMENT ...]
  local tool=$1 program=$2 limit=$((end - SECONDS)) what
  what="compute-sanitizer $tool: $(basename "$program")"
  if [ $limit -gt 600 ]; then limit=600; fi
  if [ $limit -le 0 ]; then
    failed "$what: no time left"
  elif timeout "$limit" "$sanitizer" --tool "$tool" --error-exitcode 1 --print-limit 10 "$program" "${@:3}" >"$times/check" 2>&1; then
    echo "$what"
    tail -n 4 "$times/check"
  else
    cat "$times/check"
    failed "$what"
  fi
}

run_sanitizer() {
  build || failed "the build of the tests"
  sanitizer=$(command -v compute-sanitizer || ls /usr/local/cuda/bin/compute-sanitizer 2>/dev/null || true)
  export DCS_TEST_DATA=$PWD/tests
  end=$((SECONDS + ${DCS_SANITIZER_SECONDS:-3600}))
  if [ -n "$sanitizer" ]; then
    for program in build/cuda/tests/cuda/gpu_*; do
      [ -f "$program" ] && [ -x "$program" ] || continue
      # Cases of kernels go under every tool. A program without any goes whole: under memcheck, as networks and graphs add to their kernels the memory
      # that one hands to the next; that of TF32 has kernels of its own, and goes under every tool.
      if [[ $("$program" --count '--test-case=kernel*') != *'filters: 0' ]]; then
        for tool in memcheck racecheck synccheck; do check $tool "$program" '--test-case=kernel*'; done
      elif [[ $program == */gpu_cuda_tf32 ]]; then
        for tool in memcheck racecheck synccheck; do check $tool "$program"; done
      else
        check memcheck "$program"
      fi
    done
  else
    failed "compute-sanitizer is not installed: nothing was checked under it"
  fi
}

for part in $parts; do
  case $part in
    kernels) time_kernels ;;
    step) time_step ;;
    tests) run_tests ;;
    sanitizer) run_sanitizer ;;
  esac
done
if [ ${#failures[@]} -gt 0 ]; then
  printf 'gpu.sh: failed: %s\n' "${failures[@]}"
  exit 1
fi
