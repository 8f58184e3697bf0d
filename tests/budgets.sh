#!/usr/bin/env bash
# budgets.sh COMPILER SOURCE: prints and checks what the library costs who compiles it: including dcs.hpp alone; the two largest translation units of the
# training program, and the longest symbol in each. Seconds are of CPU, and what is over its budget is measured again minutes later, so that what else a
# machine does counts little; memory is that of the largest process.
set -euo pipefail
python3 - "$@" <<'EOF_PYTHON'
import os, subprocess, sys, tempfile
compiler, source = sys.argv[1:]
failed = False

def compile(arguments, text=None):
    process = subprocess.Popen([compiler, "-std=c++20", "-O2", "-I", source + "/include", *arguments], stdin=subprocess.PIPE)
    process.stdin.write(text or b"")
    process.stdin.close()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit("does not compile")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e6

def budget(what, value, limit, unit):
    global failed
    print(f"{what}: {value:.2f} {unit} (budget {limit})" + ("" if value <= limit else ": OVER"))
    failed |= value > limit

with tempfile.TemporaryDirectory() as folder:
    header = "include <dcs/dcs.hpp>"
    costs = {}
    def measure(what, limit, runs, arguments, text=None):
        while runs > 0 and (what not in costs or costs[what][0] > limit):
            runs -= 1
            cost = compile(arguments, text)
            costs[what] = min(costs.get(what, cost), cost)
    for _ in range(2):
        measure(header, 2, 12, ["-x", "c++", "-c", "-", "-o", "/dev/null"], b"#include <dcs/dcs.hpp>\nint main() {}\n")
        for unit in ("variant", "variant_forward"):
            measure(unit, 90, 1, ["-DDCS_VARIANT=2", "-c", f"{source}/examples/{unit}.cpp", "-o", f"{folder}/{unit}.o"])
    budget(header, costs[header][0], 2, "s")
    for unit in ("variant", "variant_forward"):
        what = f"the paper's network, {unit}.cpp"
        symbols = [line.split()[-1] for line in subprocess.run(["nm", f"{folder}/{unit}.o"], capture_output=True, text=True, check=True).stdout.splitlines()]
        budget(what, costs[unit][0], 90, "s")
        budget(what, costs[unit][1], 2, "GB")
        budget(what + ", longest symbol", max(map(len, symbols)) / 1024, 4, "KB")
sys.exit(failed)
EOF_PYTHON
