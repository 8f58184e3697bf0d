"""How often rounding moves f32 gradients, of dcs and of PyTorch: entries above max(1e-4, three times PyTorch's own error in f32), against f64, of the
small DCSNets, UNet, UNet++, Attention U-Net and Mask R-CNN. PyTorch's count is of f32 with its sums in another order: channels last, without oneDNN.

    python bench/gradients.py build/release/tests/compare_reference [--seeds 10] [--net NAME ...]

A line for each network and seed, then the totals; fails where dcs has more entries over the bound than PyTorch, one above 1e-2, or an error elsewhere.
"""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

import torch

reference = pathlib.Path(__file__).resolve().parent / "reference"
sys.path[:0] = [str(reference), str(reference / "rivals")]
import dcsnet  # noqa: E402
import run  # noqa: E402

DCSNETS = {"dcsnet": (True, False), "dcsnet-no-msfa": (False, False), "dcsnet-scratch": (True, True)}  # name -> msfa, scratch


def watch(module, found):
    """Lets module.outcomes, at its first call (in f32), run once more with its sums in another order, and keep both."""
    original = module.outcomes

    def outcomes(*arguments):
        net = next(a for a in arguments if isinstance(a, torch.nn.Module))
        before = {k: v.clone() for k, v in net.state_dict().items()}
        result = original(*arguments)
        if not found:
            net.load_state_dict(before)
            net.to(memory_format=torch.channels_last)
            with torch.backends.mkldnn.flags(enabled=False):
                found.append(original(*arguments))
            net.to(memory_format=torch.contiguous_format)
            net.load_state_dict(before)
        else:
            found.append(result)
        return result

    module.outcomes = outcomes
    return original


def goldens(name, seed, file):
    """Writes the file; returns (PyTorch's f32 in another order, its f64)."""
    torch.manual_seed(seed)
    module, found = (dcsnet if name in DCSNETS else run), []
    original = watch(module, found)
    try:
        if name in DCSNETS:
            msfa, scratch = DCSNETS[name]
            net = dcsnet.DCSNet(64, 32, 32, msfa, 18, scratch)
            dcsnet.goldens(file, net, seed, {"size": 64, "base": 32, "depth": 18, "width": 32, "msfa": msfa, "scratch": scratch})
        else:
            run.goldens(argparse.Namespace(net=name, small=True, size=64, batch=2, seed=seed, scratch=False, eval=False, option={}, file=file))
    finally:
        module.outcomes = original
    return found


def error(a, b, floor):
    difference, size = (a.double() - b).norm().item(), b.norm().item()
    return difference / (1 if size < 1e-12 else max(size, floor))


def pytorch_over(other, double, bounds):
    """Gradients over their bound, and the worst."""
    errors = {}
    for group in ("grad/", "grad.detector/"):
        names = [k for k in double if k.startswith(group) and k in bounds]
        floor = 1e-6 * max((double[k].norm().item() for k in names), default=0)
        errors |= {k: error(other[k], double[k], floor) for k in names}
    return sum(e > bounds[k] for k, e in errors.items()), max(errors.values())


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("program", help="compare_reference")
    p.add_argument("--seeds", type=int, default=10)
    p.add_argument("--net", nargs="+", default=[*DCSNETS, "unet", "unet++", "attention-unet", "mask-rcnn"])
    a = p.parse_args()
    torch.set_num_threads(2)
    ours, theirs, wrong = 0, 0, 0
    for name in a.net:
        for seed in range(a.seeds):
            with tempfile.TemporaryDirectory() as folder:
                file = f"{folder}/goldens.safetensors"
                other, double = goldens(name, seed, file)
                text = subprocess.run([a.program, file], capture_output=True, text=True).stdout
            bounds = {m[1]: float(m[2]) for m in re.finditer(r"^\S+ +(grad\S*) .*\(bound (\S+)\)", text, re.M)}
            last = re.search(r"f32_gradients=(\d+) over=(\d+) worst=(\S+)\ncompared=\d+ failed=(\d+)", text)
            if not last:
                raise SystemExit(f"{name}, seed {seed}: compare_reference gave no result")
            over, worst = pytorch_over(other, double, bounds)
            print(f"{name} seed {seed}: {last[1]} gradients; over the bound: dcs {last[2]} (worst {last[3]}), PyTorch {over} (worst {worst:.1e}); "
                  f"failed {last[4]}", flush=True)
            ours, theirs, wrong = ours + int(last[2]), theirs + over, wrong + int(last[4])
    print(f"over the bound in all: dcs {ours}, PyTorch {theirs}; failed {wrong}")
    raise SystemExit(ours > theirs or wrong > 0)


if __name__ == "__main__":
    main()
