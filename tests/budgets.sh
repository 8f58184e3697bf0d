#!/usr/bin/env bash
# budgets.sh COMPILER SOURCE: prints and checks what the library costs who compiles it: including dcs.hpp alone; the largest translation units of the training
# program, and the longest symbol in each. Seconds are of CPU, of the short unit the least of nine runs, so that what else a machine does counts little; memory is that of the largest process.
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
    seconds, memory = min(compile(["-x", "c++", "-c", "-", "-o", "/dev/null"], b"#include <dcs/dcs.hpp>\nint main() {}\n") for _ in range(9))
    budget("include <dcs/dcs.hpp>", seconds, 2, "s")
    unit = folder + "/unit.o"
    for name in ("variant.cpp", "variant_forward.cpp"):
        what = f"the paper's network, {name}"
        seconds, memory = compile(["-DDCS_VARIANT=2", "-c", f"{source}/examples/{name}", "-o", unit])
        budget(what, seconds, 90, "s")
        budget(what, memory, 2, "GB")
        symbols = [line.split()[-1] for line in subprocess.run(["nm", unit], capture_output=True, text=True, check=True).stdout.splitlines()]
        budget(what + ", longest symbol", max(map(len, symbols)) / 1024, 4, "KB")
sys.exit(failed)
EOF_PYTHON
