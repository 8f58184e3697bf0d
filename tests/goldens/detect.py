"""torchvision's anchors, box coder, matcher and pooling levels, and both stages of its Faster R-CNN on given predictions: proposals, losses with
their gradients, detections. Samplers take every candidate, so that nothing is random; one of the two images has no ground truth. Maps are N,H,W,C.
"""
import torch
from torch import nn
from torchvision.models.detection import _utils as utils
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.roi_heads import RoIHeads, fastrcnn_loss
from torchvision.models.detection.rpn import RegionProposalNetwork
from torchvision.ops import boxes as box_ops
from torchvision.ops.poolers import LevelMapper
from write import write

torch.manual_seed(0)
out, kinds = {}, (("f32", torch.float32), ("f64", torch.float64))


def random_boxes(n, height, width, least=2.0):
    low = torch.rand(n, 2, dtype=torch.float64) * torch.tensor([width, height])
    high = torch.rand(n, 2, dtype=torch.float64) * torch.tensor([width, height])
    return torch.cat([torch.minimum(low, high), torch.maximum(low, high) + least], 1).float().double()


# Coder: one delta in ten is far beyond the cut of the growth.
reference, target = random_boxes(100, 200, 300), random_boxes(100, 200, 300)
delta = torch.randn(100, 4, dtype=torch.float64).float().double() * torch.where(torch.rand(100, 1) < 0.1, 30, 1)
out |= {"coder/reference": reference, "coder/target": target, "coder/delta": delta}
for stage, weights in (("rpn", (1.0, 1.0, 1.0, 1.0)), ("box", (10.0, 10.0, 5.0, 5.0))):
    coder = utils.BoxCoder(weights)
    for name, dtype in kinds:
        a, b, d = reference.to(dtype), target.to(dtype), delta.to(dtype)
        out[f"coder/{stage}.{name}/encoded"] = coder.encode_single(b, a)
        out[f"coder/{stage}.{name}/decoded"] = coder.decode_single(d, a)

# Matcher: integer corners make many equal overlaps, and overlaps that equal a threshold; the last truth overlaps nothing.
for case, (truths, boxes) in enumerate([(1, 60), (5, 200), (12, 400)]):
    low = torch.randint(0, 8, (truths + boxes, 2)).double()
    every = torch.cat([low, low + torch.randint(1, 6, (truths + boxes, 2))], 1)
    if case == 2:
        every[truths - 1] = torch.tensor([500, 500, 510, 510])
    out |= {f"matcher/{case}/truth": every[:truths], f"matcher/{case}/boxes": every[truths:]}
    for name, dtype in kinds:
        overlap = box_ops.box_iou(every[:truths].to(dtype), every[truths:].to(dtype))
        out[f"matcher/{case}.{name}/iou"] = overlap
        out[f"matcher/{case}.{name}/rpn"] = utils.Matcher(0.7, 0.3, True)(overlap)
        out[f"matcher/{case}.{name}/box"] = utils.Matcher(0.5, 0.5, False)(overlap)

# Levels: random boxes, and squares at and beside the borders between levels.
squares = [s * (1 + e) for s in (56, 112, 224, 448, 896) for e in (-1e-5, -3e-7, 0, 1e-5)]  # the rule forgives 1e-6 of a level
boxes = torch.cat([random_boxes(60, 900, 900), torch.tensor([[0, 0, s, s] for s in squares], dtype=torch.float64)])
out |= {"level/boxes": boxes, "level/level": LevelMapper(2, 5)([boxes])}

# RPN on an image whose last level does not divide it: P6 is 1 x 2 for 64 x 96.
height, width, images = 64, 96, 2
grids = [(16, 24), (8, 12), (4, 6), (2, 3), (1, 2)]


class Given(nn.Module):
    def __init__(self):
        super().__init__()
        self.objectness, self.deltas = [], []
        for h, w in grids:
            self.objectness.append(torch.randn(images, 3, h, w, dtype=torch.float64).requires_grad_())
            far = torch.where(torch.rand(images, 12, h, w, dtype=torch.float64) < 0.05, 10.0, 0.3)
            self.deltas.append((torch.randn(images, 12, h, w, dtype=torch.float64) * far).requires_grad_())

    def forward(self, features):
        return self.objectness, self.deltas


head = Given()
generator = AnchorGenerator(tuple((32 << i,) for i in range(5)), ((0.5, 1.0, 2.0),) * 5)
rpn = RegionProposalNetwork(generator, head, 0.7, 0.3, 10**6, 0.5, {"training": 300, "testing": 30}, {"training": 150, "testing": 60}, 0.7)
batch = ImageList(torch.zeros(images, 3, height, width, dtype=torch.float64), [(height, width)] * images)
features = {str(i): torch.zeros(images, 1, h, w, dtype=torch.float64) for i, (h, w) in enumerate(grids)}
truth = [torch.tensor([[10, 12, 44, 40], [20, 5, 62, 60], [3, 3, 9, 10]], dtype=torch.float64), torch.zeros(0, 4, dtype=torch.float64)]
targets = [{"boxes": t, "labels": torch.ones(len(t), dtype=torch.int64)} for t in truth]
assign = rpn.assign_targets_to_anchors  # its labels are f32 whatever the predictions, and the loss with them
rpn.assign_targets_to_anchors = lambda *given: ([x.double() for x in assign(*given)[0]], assign(*given)[1])
out["rpn/anchors"] = generator(batch, list(features.values()))[0]
found, losses = rpn.train()(batch, features, targets)
sum(losses.values()).backward()
out |= {f"rpn/{k}": v for k, v in losses.items()} | {"rpn/truth": truth[0]}
for i in range(5):
    for name, x in (("objectness", head.objectness[i]), ("deltas", head.deltas[i])):
        out |= {f"rpn/{name}.{i}": x.permute(0, 2, 3, 1), f"rpn/grad.{name}.{i}": x.grad.permute(0, 2, 3, 1)}
tested = rpn.eval()(batch, features)[0]
for n in range(images):
    out |= {f"rpn/training.{n}": found[n], f"rpn/testing.{n}": tested[n]}

# Box head: targets and losses on the proposals, then detections at a threshold that leaves more than are kept.
heads = RoIHeads(None, None, None, 0.5, 0.5, 10**6, 0.25, None, 0.35, 0.5, 3)
proposals, matched, labels, regression = heads.select_training_samples(list(found), targets)
count = sum(len(p) for p in proposals)
logits = torch.randn(count, 2, dtype=torch.float64).requires_grad_()
deltas = torch.randn(count, 8, dtype=torch.float64).requires_grad_()
classifier, box = fastrcnn_loss(logits, deltas, labels, regression)
(classifier + box).backward()
results = heads.postprocess_detections(logits.detach(), deltas.detach(), proposals, [(height, width)] * images)
out |= {"box/logits": logits, "box/deltas": deltas, "box/loss_classifier": classifier, "box/loss_box_reg": box, "box/grad.logits": logits.grad,
        "box/grad.deltas": deltas.grad, "box/labels": torch.cat(labels)}
for n in range(images):
    assert len(results[0][n]) == 3
    out |= {f"box/proposals.{n}": proposals[n], f"box/matched.{n}": matched[n], f"box/regression.{n}": regression[n][labels[n] > 0],
            f"box/found.{n}": results[0][n], f"box/score.{n}": results[1][n]}
assert [len(f) for f in found + tested] == [150, 150, 60, 60] and sum(int((x > 0).sum()) for x in labels) == 10
write(__file__, out)
