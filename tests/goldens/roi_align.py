"""torchvision's RoIAlign with gradients, in f64: maps and crops as N,H,W,C. The RoIs reach over every border, lie outside, are empty and inside out."""
import torch
from torchvision.ops import roi_align
from write import write

torch.manual_seed(0)
out = {}
# batch, height, width, channels, bins_y, bins_x, scale, sampling, aligned
cases = [
    (2, 8, 9, 5, 7, 7, 0.25, 2, 0), (2, 8, 9, 5, 7, 7, 0.25, 2, 1), (1, 6, 5, 16, 3, 2, 0.5, 0, 0), (1, 6, 5, 16, 3, 2, 0.5, 0, 1), (2, 1, 1, 3, 2, 2, 0.25, 2, 0),
    (1, 5, 7, 33, 9, 4, 1.0, 3, 0), (1, 5, 7, 70, 1, 1, 1.0, 1, 1), (1, 16, 16, 4, 16, 16, 0.25, 2, 0),
]
for i, (n, h, w, c, by, bx, scale, sampling, aligned) in enumerate(cases):
    height, width = h / scale, w / scale
    rois = torch.rand(12, 4, dtype=torch.float64) * torch.tensor([width, height, width, height]) * 1.4 - 0.2 * width
    ordered = 12 if sampling == 0 and aligned else 8  # torchvision cannot do an adaptive aligned RoI that is inside out
    rois[:ordered] = torch.cat([torch.minimum(rois[:ordered, :2], rois[:ordered, 2:]), torch.maximum(rois[:ordered, :2], rois[:ordered, 2:])], 1)
    special = [(0, 0, width, height), (-width, -height, 2 * width, 2 * height), (3, 3, 3, 3), (2, 2, 2.1, 2.1), (width, height, width + 3, height + 3),
               (-9 / scale, 0, -3 / scale, height), (-1 / scale, -1 / scale, 0, 0), (width - 1 / scale, 0, width, height)]
    rois = torch.cat([rois, torch.tensor(special, dtype=torch.float64)])
    rois = torch.cat([torch.randint(0, n, (len(rois), 1)).double(), rois], 1)
    x = torch.randn(n, c, h, w, dtype=torch.float64, requires_grad=True)
    y = roi_align(x, rois, (by, bx), scale, sampling, bool(aligned))
    dy = torch.randn_like(y)
    (dx,) = torch.autograd.grad(y, x, dy)
    case = {"x": x, "y": y, "dy": dy, "dx": dx}
    out |= {f"{i}/{name}": t.permute(0, 2, 3, 1) for name, t in case.items()}
    out |= {f"{i}/rois": rois, f"{i}/scale": torch.tensor([scale], dtype=torch.float64), f"{i}/options": torch.tensor([by, bx, sampling, aligned])}
write(__file__, out)
