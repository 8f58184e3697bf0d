#!/usr/bin/env bash
# budgets.sh COMPILER SOURCE: prints and checks the cost of compiling with the library: the include of dcs.hpp alone; a file with one convolution of a tensor, with
# dcs::compiled and with the headers alone; and with dcs::compiled and the options of examples/CMakeLists.txt,
# the parts of the programs that are compiled again when the paper's network or a UNet changes (examples/network.hpp), with the longest symbol in each. Seconds are of CPU; what
# is above its limit is measured again minutes later, as other load on the machine may have raised it; memory is that of the largest process. The goals are for a fast and idle
# machine and are printed; the test fails at limits that slow machines keep.
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

slowest = 2.4 # times a goal: a limit that slow machines keep

def budget(what, value, goal, limit, unit):
    global failed
    print(f"{what}: {value:.2f} {unit} (goal {goal}, limit {limit})" + (": OVER ITS LIMIT" if value > limit else ": over its goal" if value > goal else ""))
    failed |= value > limit

with tempfile.TemporaryDirectory() as folder:
    header = "include <dcs/dcs.hpp>"
    costs = {}
    def measure(what, enough, runs, arguments, text=None):
        while runs > 0 and (what not in costs or costs[what][0] > enough):
            runs -= 1
            cost = compile(arguments, text)
            costs[what] = min(costs.get(what, cost), cost)
    network = ["-O1", "-DDCS_COMPILED", "--param=ggc-min-heapsize=524288"] if "g++" in compiler and "clang" not in compiler else ["-O1", "-DDCS_COMPILED"]
    parts = ("session", "training", "forward")
    networks = {"paper": 25, "unet": 10}
    convolution = b"""#include <dcs/nn/layers.hpp>
int main() {
  const dcs::nn::conv2d<3, 8, 3> layer;
  return static_cast<int>(dcs::eval(layer(dcs::tensor<float, dcs::shape<1, 16, 16, 3>>::full(1))).size() % 2);
}
"""
    one_convolution = {"one convolution, dcs::compiled": (4, ["-DDCS_COMPILED"]), "one convolution, headers alone": (10, [])}
    for _ in range(2):
        for what, (goal, options) in one_convolution.items():
            measure(what, slowest * goal, 3, [*options, "-x", "c++", "-c", "-", "-o", "/dev/null"], convolution)
        measure(header, 2, 12, ["-x", "c++", "-c", "-", "-o", "/dev/null"], b"#include <dcs/dcs.hpp>\nint main() {}\n")
        for net, goal in networks.items():
            for number, part in enumerate(parts):
                measure(net + part, slowest * goal, 1, [*network, f"-DDCS_NETWORK_PART={number}", "-I", source + "/examples", "-c", f"{source}/examples/networks/{net}.cpp",
                                               "-o", f"{folder}/{net}{part}.o"])
    budget(header, costs[header][0], 1, 2, "s")
    for what, (goal, _) in one_convolution.items():
        budget(what, costs[what][0], goal, slowest * goal, "s")
    for net, goal in networks.items():
        for part in parts:
            what = f"--net {net}, {part}"
            symbols = [line.split()[-1] for line in subprocess.run(["nm", f"{folder}/{net}{part}.o"], capture_output=True, text=True, check=True).stdout.splitlines()]
            budget(what, costs[net + part][0], goal, slowest * goal, "s")
            budget(what, costs[net + part][1], 1.2, 1.3, "GB")
            budget(what + ", longest symbol", max(map(len, symbols)) / 1024, 4, 4, "KB")
sys.exit(failed)
EOF_PYTHON
