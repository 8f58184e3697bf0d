"""torchvision's NMS and batched NMS in f32 and f64: ties in the scores, equal boxes, empty boxes, IoUs that equal the threshold."""
import torch
from torchvision.ops import boxes as box_ops
from write import write

torch.manual_seed(0)
out = {}
for i, (n, threshold) in enumerate([(1, 0.5), (40, 0.3), (300, 0.5), (300, 0.7), (300, 0.05), (200, 0.25)]):
    low = torch.rand(n, 2) * 60
    boxes = torch.cat([low, low + torch.rand(n, 2) * 30 + 2], 1)
    if i == 5:  # integer corners: many IoUs are exactly 1/4, 1/3, 1/2
        low = torch.randint(0, 6, (n, 2)).float()
        boxes = torch.cat([low, low + torch.randint(0, 4, (n, 2)).float()], 1)
    scores = torch.randint(0, n // 3 + 2, (n,)).float() / 8
    if n > 20:
        boxes[3], boxes[7, 2:] = boxes[11], boxes[7, :2]
    group = torch.randint(0, 4, (n,))
    for name, dtype in (("f32", torch.float32), ("f64", torch.float64)):
        b, s = boxes.to(dtype), scores.to(dtype)
        kept = box_ops._batched_nms_vanilla(b, s, group, threshold).sort()[0]  # leaves ties in any order: theirs by index
        kept = kept[s[kept].sort(descending=True, stable=True)[1]]
        out |= {f"{i}.{name}/boxes": b, f"{i}.{name}/scores": s, f"{i}.{name}/kept": box_ops.nms(b, s, threshold),
                f"{i}.{name}/kept_by_group": kept}
    out |= {f"{i}/group": group, f"{i}/threshold": torch.tensor([threshold], dtype=torch.float64)}
write(__file__, out)
