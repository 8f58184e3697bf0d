"""UNet, UNet++, Attention U-Net and Mask R-CNN of bench/reference/rivals, narrower than its small ones: entries as bench/reference/rivals/run.py
goldens has them, in networks/NAME.safetensors. Computed in f64 and stored as f32, which is exact to 6e-8 of each norm; an entry whose true value is 0
stays the rounding that it is. Written with torch 2.15 and torchvision 0.29.

Mask R-CNN's masks have two objects each, one in the box of the other, and a speck that is too small for one. Its file has more than the others: under
objects/ the boxes and a map of the objects' numbers, as training sees them; under predicted/ the detections and the probabilities of evaluation mode,
with the rules of a prediction.
"""
import argparse
import pathlib
import sys

import torch

here = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(here.parents[1] / "bench" / "reference" / "rivals"))
import attention_unet  # noqa: E402
import common  # noqa: E402
import mask_rcnn  # noqa: E402
import run  # noqa: E402
import unet  # noqa: E402
import unet_plus_plus  # noqa: E402

WIDTH, PYRAMID, HIDDEN = 2, 8, 16


def small_mask_rcnn(small, scratch=False):
    body = common.ResNet(WIDTH, (1, 1, 1, 1), mask_rcnn.FrozenBatchNorm2d)
    backbone = mask_rcnn.BackboneWithFPN(body, {f"layer{i + 1}": str(i) for i in range(4)}, [4 * WIDTH << i for i in range(4)], PYRAMID)
    return mask_rcnn.WatchedMaskRCNN(backbone, box_head=mask_rcnn.TwoMLPHead(PYRAMID * 49, HIDDEN),
                                     box_predictor=mask_rcnn.FastRCNNPredictor(HIDDEN, 2),
                                     mask_head=mask_rcnn.MaskRCNNHeads(PYRAMID, (PYRAMID,) * 4, 1),
                                     mask_predictor=mask_rcnn.MaskRCNNPredictor(PYRAMID, PYRAMID, 2))


unet.build = lambda small: unet.UNet(WIDTH)
unet_plus_plus.build = lambda small: unet_plus_plus.UNetPlusPlus(WIDTH)
attention_unet.build = lambda small: attention_unet.AttentionUNet(WIDTH)
mask_rcnn.build = small_mask_rcnn
built, build = [], run.build
run.build = lambda *a, **o: built.append(build(*a, **o)) or built[-1]
save = common.save_safetensors


def add_predictions(blob):
    """What the network says in evaluation mode with the rules of a prediction: proposals of its own, score above 0.35, at most 3."""
    net = built[-1].eval()  # in f64 by now
    net.fixed_proposals, net.roi_heads.score_thresh = None, 0.35
    with torch.no_grad():
        found = net(blob["input/image"].double())
    blob |= {f"predicted/{k}": v for k, v in found.items() if k.startswith("detections/")}
    blob["predicted/probability"] = torch.sigmoid(found["logits"])


def add_objects(blob):
    """The targets of training: boxes, and k + 1 where object k is."""
    known = mask_rcnn.targets_of(blob["input/mask"])
    blob |= {f"objects/boxes.{i}": t["boxes"] for i, t in enumerate(known)}
    blob["objects/map"] = torch.stack([sum((k + 1) * m.float() for k, m in enumerate(t["masks"])) for t in known])


random_batch = common.random_batch


def batch_of_objects(n, size, seed=0):
    """The ellipses, an L around them and two pixels."""
    image, mask = random_batch(n, size, seed)
    mask[:, :, 4:-4, 4:7] = 1
    mask[:, :, -7:-4, 4:-10] = 1
    mask[:, :, 0, -2:] = 1
    return image, mask


def stored(path, blob, **metadata):
    if metadata["net"] == "mask-rcnn":
        add_objects(blob)
        add_predictions(blob)
    left_out = "f32_error/", "output/term/", "output/mask/pooled"  # what judges gradients in f32 alone, losses once more, and what the rest shows
    save(path, {k: v.float() for k, v in blob.items() if not k.startswith(left_out)}, **metadata)


common.save_safetensors = stored
(here / "networks").mkdir(exist_ok=True)
for name, size in ("unet", 32), ("unet++", 32), ("attention-unet", 32), ("mask-rcnn", 64):
    torch.manual_seed(0)
    common.random_batch = batch_of_objects if name == "mask-rcnn" else random_batch
    file = here / "networks" / (run.NETS[name] + ".safetensors")
    run.goldens(argparse.Namespace(net=name, small=True, size=size, batch=2, seed=0, scratch=False, eval=False, option={}, file=str(file)))
    print(file.stat().st_size, "bytes")
