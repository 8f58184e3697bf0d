#!/usr/bin/env bash
# budgets.sh COMPILER SOURCE OBJECT...: prints and checks what the headers cost: seconds of CPU and memory of including dcs.hpp alone, and the longest symbol of objects.
set -euo pipefail
compiler=$1 source=$2
shift 2
python3 - "$compiler" "$source" "$@" <<'EOF'
import resource, subprocess, sys
compiler, source, objects = sys.argv[1], sys.argv[2], sys.argv[3:]
times = []
for _ in range(3):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([compiler, "-std=c++20", "-O2", "-I", source + "/include", "-x", "c++", "-c", "-", "-o", "/dev/null"],
                   input=b"#include <dcs/dcs.hpp>\nint main() {}\n", check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
seconds, memory = sorted(times)[1], resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
print(f"include <dcs/dcs.hpp>: {seconds:.2f} s of CPU (budget 2), {memory:.2f} GB")
failed = seconds > 2
for path in objects:
    names = subprocess.run(["nm", path], capture_output=True, text=True, check=True).stdout.split()
    longest = max(map(len, names))
    print(f"{path.split('/')[-1]}: longest symbol {longest} bytes (budget 4096)")
    failed |= longest > 4096
sys.exit(failed)
EOF
