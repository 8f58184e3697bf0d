"""PyTorch's times of what bench/gpu/step.cu measures, eager and compiled: channels last, bf16 by autocast, fused AdamW after clipping.

Lines are "NAME milliseconds GB": the median of the steps after the first, and the most memory that tensors were in. A training step has 4 true boxes an
image, each a region of the head, and its batch comes from pinned memory; detector and head share one backbone, as in reference/dcsnet.py. What is
compiled is every stage whose shapes do not depend on data (backbone with pyramid, RPN head, box head, segmentation head, loss): the rest of
torchvision's detector breaks graphs, and would be compiled again and again.
"""
import argparse
import statistics
import sys
import time
from pathlib import Path

import torch
from torchvision.models.detection.image_list import ImageList

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "reference"))
import dcsnet  # noqa: E402


class Bench:
    def __init__(self, a, compiled):
        torch.manual_seed(0)
        self.a = a
        self.net = dcsnet.DCSNet(a.size, a.base, a.width, depth=a.depth).to(a.device, memory_format=torch.channels_last)
        self.total_loss = dcsnet.total_loss
        self.parameters = [p for p in self.net.parameters() if p.requires_grad]
        if compiled:
            d = self.net.detector
            d.backbone, self.net.head = torch.compile(d.backbone), torch.compile(self.net.head)
            d.rpn.head = torch.compile(d.rpn.head)
            d.roi_heads.box_head, d.roi_heads.box_predictor = torch.compile(d.roi_heads.box_head), torch.compile(d.roi_heads.box_predictor)
            self.total_loss = torch.compile(dcsnet.total_loss)

    def batch(self, images, regions):
        x, targets, rois, masks = dcsnet.random_batch(images, self.a.size, regions, self.a.base)
        tensors = {"images": (torch.stack(x) * 2 - 1).contiguous(memory_format=torch.channels_last), "rois": rois, "masks": masks}
        tensors |= {f"boxes.{i}": t["boxes"] for i, t in enumerate(targets)} | {f"labels.{i}": t["labels"] for i, t in enumerate(targets)}
        return {k: v.pin_memory() for k, v in tensors.items()} if self.a.device == "cuda" else tensors

    def autocast(self):
        return torch.autocast(self.a.device, torch.bfloat16)

    def train(self):
        """A function that does a step."""
        pinned, net = self.batch(self.a.batch, 4), self.net.train()
        optimiser = torch.optim.AdamW(self.parameters, 2e-4, weight_decay=1e-4, fused=True)

        def step():
            b = {k: v.to(self.a.device, non_blocking=True) for k, v in pinned.items()}
            targets = [{"boxes": b[f"boxes.{i}"], "labels": b[f"labels.{i}"]} for i in range(self.a.batch)]
            images = ImageList(b["images"], [tuple(b["images"].shape[-2:])] * self.a.batch)
            with self.autocast():
                features = net.detector.backbone(images.tensors)
                proposals, first = net.detector.rpn(images, features, targets)
                _, second = net.detector.roi_heads(features, proposals, images.image_sizes, targets)
                loss = sum(first.values()) + sum(second.values())
                loss = loss + self.total_loss(net.head([features[k] for k in "0123"], b["rois"]), b["masks"])
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.parameters, 1.0, foreach=True)
            optimiser.step()

        return step

    def infer(self):
        """A function that looks at one image."""
        b, net = {k: v.to(self.a.device) for k, v in self.batch(1, 1).items()}, self.net.eval()
        images = ImageList(b["images"], [tuple(b["images"].shape[-2:])])

        def run():
            with self.autocast(), torch.inference_mode():
                features = net.detector.backbone(images.tensors)
                proposals, _ = net.detector.rpn(images, features)
                net.detector.roi_heads(features, proposals, images.image_sizes)
                net.head([features[k] for k in "0123"], b["rois"])

        return run


def report(name, run, a):
    gpu, times = a.device == "cuda", []
    for i in range(a.warm + a.steps):
        if gpu and i == a.warm:
            torch.cuda.reset_peak_memory_stats()
        start = time.perf_counter()
        run()
        if gpu:
            torch.cuda.synchronize()
        if i >= a.warm:
            times.append(time.perf_counter() - start)
    peak = torch.cuda.max_memory_allocated() / 1e9 if gpu else float("nan")
    print(f"{name} {statistics.median(times) * 1e3:.3f} {peak:.3f}", flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--size", type=int, default=512, help="image side, pixels")
    p.add_argument("--batch", type=int, default=4, help="images of a training step")
    p.add_argument("--base", type=int, default=64, help="side of the largest crop")
    p.add_argument("--depth", type=int, default=50, help="of the ResNet")
    p.add_argument("--width", type=int, default=256, help="channels of pyramid and head")
    p.add_argument("--warm", type=int, default=5, help="steps that are not counted")
    p.add_argument("--steps", type=int, default=30, help="steps that are")
    p.add_argument("--device", default="cuda")
    a = p.parse_args()
    print(f"# torch {torch.__version__}, {torch.cuda.get_device_name() if a.device == 'cuda' else 'cpu'}", flush=True)
    torch.backends.cudnn.benchmark = True  # engines chosen by time, as those of what it is compared with
    for kind in ("eager", "compile"):
        for what in ("step", "inference"):
            torch._dynamo.reset()
            bench = Bench(a, kind == "compile")
            report(f"{what}_{kind}", bench.train() if what == "step" else bench.infer(), a)
            del bench
            if a.device == "cuda":
                torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
