"""Detection: a heatmap of centres per label, and at each cell the four distances to the sides of its box.

Where boxes are turned these are the sides of the upright bounding box, whose middle is the box's, and the cell says besides how
long, wide and turned the box in it is.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops import batched_nms, generalized_box_iou_loss

from backend.learning.detection.candidates import Candidates, TrainingCrop, no_candidates
from backend.learning.detection.rotation import ROTATION_CHANNELS, decoded, encoded, kept_apart
from backend.learning.geometry.background import with_difference
from backend.learning.network.backbone import Backbone
from backend.learning.network.network import Network
from backend.learning.network.pyramid import PYRAMID_STRIDE, Pyramid

CENTRE_PRIOR = 0.01
"""Share of cells that are taken for a centre before training: keeps the first steps calm."""
HEATMAP_SIGMA_SHARE = 0.1
"""Deviation of a centre's bump in the heatmap, as a share of the box's side."""
BOX_AREA = 0.4
"""Height of the bump from which a cell learns the box."""
BOX_WEIGHT = 2.0
"""Of the box loss; the heatmap's has 1."""
TURN_WEIGHT = 3.0
"""Of the loss of longer side, shorter side and angle, where boxes are turned. With 1 and 3 made-up rods, of which a quarter of
22 frames is labelled, have F1 0.94 and 1.00 (0.75 and 0.88 at IoU 0.7), and their angles are 5.9 and 3.9 degrees off."""
BACKGROUND_TENSOR = "background"
"""Tensor of the network that holds the background's picture."""
VOTING_SQUARE_CELLS = 7
"""Side of the square of cells that vote on a peak's box."""
VOTING_MIN_IOU = 0.3
"""Intersection over union with the peak's own box from which another one votes. F1 with 0.1, 0.3 and 0.5: a fast face (three
trainings) 0.960, 0.960, 0.951; a mouse (three) 0.723, 0.723, 0.733; 150 cells that touch 0.930, 0.960, 0.961, where all
vote 0.788."""


class DetectionHead(nn.Module):
    """Output channels: a heatmap logit per label, then log distances left, top, right, bottom; of boxes that are turned then
    what `rotation.encoded` makes of them."""

    base: Tensor

    def __init__(
        self,
        labels: int,
        width: int,
        size: tuple[float, float],
        floor: float,
        most: int,
        overlap: float,
        turned: bool = False,
    ) -> None:
        super().__init__()
        self.labels, self.floor, self.most, self.overlap = labels, floor, most, overlap
        self.shared = nn.Conv2d(width, width, 3, padding=1)
        self.heat = nn.Conv2d(width, labels, 1)
        self.sides = nn.Conv2d(width, 4, 1)
        nn.init.kaiming_normal_(self.shared.weight, nonlinearity="relu")
        nn.init.normal_(self.heat.weight, std=0.01)
        nn.init.normal_(self.sides.weight, std=0.01)
        nn.init.constant_(self.heat.bias, -math.log((1 - CENTRE_PRIOR) / CENTRE_PRIOR))  # type: ignore[arg-type]
        nn.init.zeros_(self.sides.bias)  # type: ignore[arg-type]
        self.turn = nn.Conv2d(width, ROTATION_CHANNELS, 1) if turned else None
        if self.turn is not None:
            nn.init.normal_(self.turn.weight, std=0.01)
            nn.init.zeros_(self.turn.bias)  # type: ignore[arg-type]
        self.side = math.log(size[0] * size[1]) / 2
        half = torch.tensor([size[0], size[1], size[0], size[1]]) / 2
        self.register_buffer("base", half.view(4, 1, 1), persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """(batch, width, h, w) -> (batch, labels + 4, h, w), with CHANNELS more where boxes are turned."""
        x = functional.relu(self.shared(features))
        said = [self.heat(x), self.sides(x)] if self.turn is None else [self.heat(x), self.sides(x), self.turn(x)]
        return torch.cat(said, 1)

    def boxes(self, output: Tensor) -> Tensor:
        """Raw output -> (batch, 4, h, w) corners in pixels of the scaled frame."""
        rows, columns = output.shape[2:]
        distances = self.base.float() * output[:, self.labels : self.labels + 4].float().clamp(-3, 3).exp()
        x = (torch.arange(columns, device=output.device) + 0.5) * PYRAMID_STRIDE
        y = (torch.arange(rows, device=output.device)[:, None] + 0.5) * PYRAMID_STRIDE
        left, top, right, bottom = distances.unbind(1)
        return torch.stack([x - left, y - top, x + right, y + bottom], 1)

    def turns(self, output: Tensor) -> Tensor | None:
        """Raw output -> (batch, CHANNELS, h, w) as `rotation.encoded`, in pixels of the scaled frame; None: all are upright."""
        if self.turn is None:
            return None
        said = output[:, self.labels + 4 :].float()
        return torch.cat([said[:, :2].clamp(-3, 3) + self.side, said[:, 2:]], 1)

    def loss(self, output: Tensor, crops: Sequence[TrainingCrop]) -> Tensor:
        """Focal loss of the heatmap plus GIoU loss of the boxes around the centres, per object."""
        heat, ignore, box, mass = targets(crops, self.labels, (int(output.shape[2]), int(output.shape[3])))
        heat, ignore, box, mass = (t.to(output.device) for t in (heat, ignore, box, mass))
        logits = output[:, : self.labels].float()
        p = torch.sigmoid(logits)
        found = functional.logsigmoid(logits) * (1 - p) ** 2
        empty = functional.logsigmoid(-logits) * p**2 * (1 - heat) ** 4
        per_cell = -torch.where(heat == 1, found, empty) * (1 - ignore)
        objects = max(sum(len(c.boxes) for c in crops), 1)
        where = mass > 0
        predicted = self.boxes(output).permute(0, 2, 3, 1)[where]
        wanted = box.permute(0, 2, 3, 1)[where]
        giou = generalized_box_iou_loss(predicted, wanted[:, :4]) * mass[where]
        total: Tensor = (per_cell.sum() + BOX_WEIGHT * giou.sum()) / objects
        turns = self.turns(output)
        if turns is not None:
            off = functional.l1_loss(turns.permute(0, 2, 3, 1)[where], wanted[:, 4:], reduction="none").sum(1)
            total = total + TURN_WEIGHT * (off * mass[where]).sum() / objects
        return total

    @torch.no_grad()
    def decode(self, output: Tensor) -> list[Candidates]:
        """Local maxima of the heatmap, strongest first, doubles dropped."""
        heat = torch.sigmoid(output[:, : self.labels].float())
        peaks = heat * (functional.max_pool2d(heat, 3, 1, 1) == heat)
        votes = heat.amax(1) ** 2
        turns = self.turns(output)
        every = [None] * len(peaks) if turns is None else list(turns)
        return [self._peaks(*one) for one in zip(peaks, self.boxes(output), votes, every, strict=True)]

    def _peaks(self, heat: Tensor, boxes: Tensor, votes: Tensor, turns: Tensor | None) -> Candidates:
        scores, cells = heat.flatten().topk(min(4 * self.most, heat.numel()))
        scores, cells = scores[scores >= self.floor], cells[scores >= self.floor]
        if not len(scores):
            return no_candidates()
        classes, cells = cells // heat[0].numel(), cells % heat[0].numel()
        corners, seen = voted(cells, boxes, votes, turns)
        if seen is None:
            kept = batched_nms(corners, scores, classes, self.overlap)[: self.most]
            return Candidates(corners[kept].cpu().numpy(), scores[kept].cpu().numpy(), classes[kept].cpu().numpy())
        bounds, values, labels = corners.cpu().numpy(), scores.cpu().numpy(), classes.cpu().numpy()
        turned = decoded(seen.cpu().numpy())
        chosen = kept_apart(bounds, turned, values, labels, self.overlap)[: self.most]
        return Candidates(bounds[chosen], values[chosen], labels[chosen], turned[chosen].astype(np.float32))


def voted(cells: Tensor, boxes: Tensor, votes: Tensor, turns: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """(n, 4) and (n, CHANNELS): for each of n cells, the mean of what it and the cells around it say of its box, by their
    votes (h, w).

    Box voting (Gidaris and Komodakis, Object detection via a multi-region and semantic segmentation-aware CNN model,
    2015): what neighbouring cells get wrong differs, so their mean fits better than the box of the peak alone. As
    there, only boxes that overlap the peak's own vote: those of the next object don't.
    """
    rows, columns = votes.shape
    steps = torch.arange(VOTING_SQUARE_CELLS, device=cells.device) - VOTING_SQUARE_CELLS // 2
    y, x = (cells // columns)[:, None, None] + steps[:, None], (cells % columns)[:, None, None] + steps
    inside = (y >= 0) & (y < rows) & (x >= 0) & (x < columns)
    at = torch.where(inside, y * columns + x, cells[:, None, None]).flatten(1)
    said, own = boxes.flatten(1)[:, at], boxes.flatten(1)[:, cells, None]
    weights = votes.flatten()[at] * inside.flatten(1) * (_overlaps(said, own) > VOTING_MIN_IOU)
    total = weights.sum(1, keepdim=True).clamp_min(torch.finfo(weights.dtype).tiny)
    seen = None if turns is None else (turns.flatten(1)[:, at] * weights).sum(2).T / total
    return (said * weights).sum(2).T / total, seen


def _overlaps(a: Tensor, b: Tensor) -> Tensor:
    """Corners (4, ...) of two sets of boxes, side by side -> intersection over union (...)."""
    sides = (torch.minimum(a[2:], b[2:]) - torch.maximum(a[:2], b[:2])).clamp_min(0)
    shared = sides.prod(0)
    return shared / ((a[2:] - a[:2]).prod(0) + (b[2:] - b[:2]).prod(0) - shared)


class DetectionNetwork(Network[DetectionHead]):
    """Scaled frames in, heatmaps and distances out."""

    def __init__(
        self, backbone: Backbone, pyramid: Pyramid, head: DetectionHead, background: tuple[int, int] | None = None
    ) -> None:
        super().__init__(backbone, pyramid, head)
        empty = torch.zeros(3, *background) if background else None
        self.background = None if empty is None else nn.Parameter(empty, requires_grad=False)

    def input_of(self, pixels: Tensor) -> Tensor:
        """A scaled frame, (3, h, w) uint8 RGB, as the network is to see it: with its difference from the background."""
        return pixels if self.background is None else with_difference(pixels, self.background)


def targets(
    crops: Sequence[TrainingCrop], labels: int, shape: tuple[int, int]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Heatmap (b, labels, h, w); ignored cells (b, 1, h, w); boxes (b, 4, h, w), of turned ones followed by what
    `rotation.encoded` makes of them; and their weights (b, h, w)."""
    rows, columns = shape
    channels = 4 + ROTATION_CHANNELS * any(crop.turns is not None for crop in crops)
    heat = np.zeros((len(crops), labels, rows, columns), np.float32)
    ignore = np.zeros((len(crops), 1, rows, columns), np.float32)
    box = np.zeros((len(crops), channels, rows, columns), np.float32)
    mass = np.zeros((len(crops), rows, columns), np.float32)
    x, y = np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32)
    for i, crop in enumerate(crops):
        for x0, y0, x1, y1 in np.maximum(crop.ignored / PYRAMID_STRIDE, 0):
            ignore[i, 0, int(y0) : math.ceil(y1), int(x0) : math.ceil(x1)] = 1
        best = np.zeros((rows, columns), np.float32)
        said = crop.boxes if crop.turns is None else np.concatenate([crop.boxes, encoded(crop.turns)], 1)
        for corners, kind, outline, wanted in zip(crop.boxes, crop.classes, crop.outlines, said, strict=True):
            centre = (corners[:2] + corners[2:]) / 2 / PYRAMID_STRIDE
            deviation = np.maximum((corners[2:] - corners[:2]) / PYRAMID_STRIDE * HEATMAP_SIGMA_SHARE, 0.6)
            cx, cy = min(int(centre[0]), columns - 1), min(int(centre[1]), rows - 1)
            across = np.exp(-((x - cx) ** 2) / (2 * deviation[0] ** 2))
            bump = np.exp(-((y - cy) ** 2) / (2 * deviation[1] ** 2))[:, None] * across
            heat[i, kind] = np.maximum(heat[i, kind], bump)
            own = (bump > best) & (bump >= BOX_AREA)
            best[own] = bump[own]
            box[i][:, own] = wanted[:, None]
            mass[i][own] = outline * bump[own] / bump[bump >= BOX_AREA].sum()
            ignore[i, 0, cy, cx] = 0
    return torch.from_numpy(heat), torch.from_numpy(ignore), torch.from_numpy(box), torch.from_numpy(mass)
