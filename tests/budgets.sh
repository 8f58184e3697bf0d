#!/usr/bin/env bash
# budgets.sh COMPILER SOURCE: prints and checks what the library costs who compiles it: including dcs.hpp alone; the largest translation units of the training
# program, and the longest symbol in each. Seconds are of CPU, the least of runs that are minutes apart, so that what else a machine does counts little; memory is that of the largest process.
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
    unit = folder + "/unit.o"
    include, units = [], {"variant.cpp": [], "variant_forward.cpp": []}
    longest = 0
    for _ in range(2):
        for name, costs in units.items():
            include += [compile(["-x", "c++", "-c", "-", "-o", "/dev/null"], b"#include <dcs/dcs.hpp>\nint main() {}\n") for _ in range(6)]
            costs.append(compile(["-DDCS_VARIANT=2", "-c", f"{source}/examples/{name}", "-o", unit]))
            symbols = [line.split()[-1] for line in subprocess.run(["nm", unit], capture_output=True, text=True, check=True).stdout.splitlines()]
            longest = max(longest, max(map(len, symbols)))
    budget("include <dcs/dcs.hpp>", min(include)[0], 2, "s")
    for name, costs in units.items():
        budget(f"the paper's network, {name}", min(costs)[0], 90, "s")
        budget(f"the paper's network, {name}", min(costs)[1], 2, "GB")
    budget("longest symbol", longest / 1024, 4, "KB")
sys.exit(failed)
EOF_PYTHON
