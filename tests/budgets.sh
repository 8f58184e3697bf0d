#!/usr/bin/env bash
# budgets.sh COMPILER SOURCE: prints and checks what the library costs who compiles it: including dcs.hpp alone; with dcs::compiled and the options of examples/CMakeLists.txt,
# the translation units of the training program that a change of the paper's network compiles, the longest symbol in each, and a small UNet with its step of training. Seconds are of CPU, and what is over its budget is measured again minutes later, so that what else a
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

unet = b"""
#include <dcs/dcs.hpp>
#include <dcs/loss/segmentation.hpp>
#include <dcs/optim/adamw.hpp>
using namespace dcs;
template <int In, int Out>
struct block {
  nn::conv2d<In, Out, 3> first;
  nn::batch_norm<Out> norm1;
  nn::conv2d<Out, Out, 3> second;
  nn::batch_norm<Out> norm2;
  DCS_MEMBERS(first, norm1, second, norm2)
  template <operand X>
  auto operator()(const X& x) const {
    return eval(relu(norm2(second(eval(relu(norm1(first(x))))))));
  }
};
struct unet {
  block<3, 16> down1;
  block<16, 32> down2;
  block<32, 64> bottom;
  block<96, 32> up2;
  block<48, 16> up1;
  nn::conv2d<16, 1, 1> head;
  DCS_MEMBERS(down1, down2, bottom, up2, up1, head)
  template <operand X>
  auto operator()(const X& x) const {
    const auto a = down1(x);
    const auto b = down2(max_pool2d<2>(a));
    const auto c = up2(concat<3>(resize_bilinear_like<corners::aligned>(bottom(max_pool2d<2>(b)), b), b));
    return eval(head(up1(concat<3>(resize_bilinear_like<corners::aligned>(c, a), a))));
  }
};
template <int Channels>
using maps = tensor<float, shape<dyn<"batch">, dyn<"height">, dyn<"width">, Channels>>;
double step(unet& net, adamw& optimizer, const maps<3>& images, const maps<1>& masks) {
  backward(loss::segmentation(net(var(images)), masks));
  return optimizer.step();
}
"""

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
    network = ["-O1", "-DDCS_COMPILED", "--param=ggc-min-heapsize=524288"] if "g++" in compiler and "clang" not in compiler else ["-O1", "-DDCS_COMPILED"]
    units = ("variant", "variant_train", "variant_forward")
    for _ in range(2):
        measure(header, 2, 12, ["-x", "c++", "-c", "-", "-o", "/dev/null"], b"#include <dcs/dcs.hpp>\nint main() {}\n")
        measure("a small UNet", 10, 2, [*network, "-x", "c++", "-c", "-", "-o", "/dev/null"], unet)
        for unit in units:
            measure(unit, 25, 1, [*network, "-DDCS_VARIANT=2", "-c", f"{source}/examples/{unit}.cpp", "-o", f"{folder}/{unit}.o"])
    budget(header, costs[header][0], 2, "s")
    budget("a small UNet", costs["a small UNet"][0], 10, "s")
    for unit in units:
        what = f"the paper's network, {unit}.cpp"
        symbols = [line.split()[-1] for line in subprocess.run(["nm", f"{folder}/{unit}.o"], capture_output=True, text=True, check=True).stdout.splitlines()]
        budget(what, costs[unit][0], 25, "s")
        budget(what, costs[unit][1], 1.2, "GB")
        budget(what + ", longest symbol", max(map(len, symbols)) / 1024, 4, "KB")
sys.exit(failed)
EOF_PYTHON
