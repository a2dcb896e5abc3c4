"""From a detection head's raw output to its candidates, as `DetectionHead.decode` finds them, for graphs."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional
from torchvision.ops import nms

from backend.learning.detection.head import DetectionHead, voted
from backend.learning.exporting.turned import decoded, overlaps
from backend.learning.exporting.without import without_nearby


class Seen(NamedTuple):
    """Candidates, strongest first."""

    boxes: Tensor
    """(n, 4) in pixels of the scaled frame."""
    scores: Tensor
    """(n,)"""
    labels: Tensor
    """(n,) numbers of labels."""
    turns: Tensor | None = None
    """(n, 3) width, height and degrees of the boxes of which `boxes` are the hulls; None where all are upright."""

    def at(self, rows: Tensor) -> "Seen":
        """These of them."""
        boxes, scores, labels, turns = self
        return Seen(boxes[rows], scores[rows], labels[rows], None if turns is None else turns[rows])


def candidates(head: DetectionHead, output: Tensor) -> Seen:
    """Of one frame: (1, channels, h, w)."""
    heat = torch.sigmoid(output[0, : head.labels])
    peaks = heat * (functional.max_pool2d(heat[None], 3, 1, 1)[0] == heat)
    most = 4 * head.most
    values, cells = torch.cat([peaks.flatten(), torch.zeros(most)]).topk(most)
    cells = torch.minimum(cells, torch._shape_as_tensor(peaks).prod() - 1)
    area = torch._shape_as_tensor(peaks)[1:].prod()
    labels, cells = cells // area, cells % area
    turns = head.turns(output)
    corners, said = voted(cells, head.boxes(output)[0], heat.amax(0) ** 2, None if turns is None else turns[0])
    if said is None:
        kept = _apart(corners, values, labels, head.overlap)
        kept = kept[values[kept] >= head.floor][: head.most]
        return Seen(corners, values, labels).at(kept)
    found = Seen(corners, values, labels, decoded(said)).at(torch.nonzero(values >= head.floor)[:, 0])
    near = (overlaps(found.boxes, found.turns) > head.overlap) & (found.labels[:, None] == found.labels)  # type: ignore[arg-type]
    return found.at(torch.nonzero(without_nearby(near))[: head.most, 0])


def united(seen: Sequence[Seen], overlap: float, most: int) -> Seen:
    """As `detection.candidates.united`."""
    boxes, scores, labels = (torch.cat(column) for column in list(zip(*seen, strict=True))[:3])
    return Seen(boxes, scores, labels).at(_apart(boxes, scores, labels, overlap)[:most])


def _apart(boxes: Tensor, scores: Tensor, labels: Tensor, overlap: float) -> Tensor:
    """Rows of those that overlap no stronger one of their label by more, strongest first."""
    apart = (torch.cat([boxes.abs().flatten(), torch.zeros(1)]).max() + 1) * 2 * labels[:, None]
    kept: Tensor = nms(boxes + apart, scores, overlap)
    return kept
