"""A second look at each box: cropped from the whole picture at the object's own scale, where its sides are told anew.

The first look is at a scale that suits a whole frame, where small things span few cells. In the crop each object is as large
as any other, and the backbone is that of the first look. Every cell says a box, as in FCOS; how much a cell's word counts for
each side is learnt (as side-aware boundaries are: Wang et al., 2020). What is found elsewhere is cropped and told once more (as
in a cascade: Cai and Vasconcelos, 2018). Where the cells disagree, the first look is believed, less so the further it is from
what they say.
"""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops import box_iou, generalized_box_iou_loss

from backend.learning.detection.candidates import Candidates
from backend.learning.detection.config import DetectionConfig
from backend.learning.geometry.crop import View, upright
from backend.learning.geometry.levels import Levels
from backend.learning.geometry.scaling import Scale, to_tensor
from backend.learning.network.backbone import Backbone
from backend.learning.network.micro_model import nbytes_of
from backend.learning.network.network import Network
from backend.learning.network.pyramid import PYRAMID_STRIDE, Pyramid
from backend.types import Box, Frame, State, Weights

Array = NDArray[np.float64]

REFINEMENT_PREFIX = "refinement."
"""Of the names of its tensors in an artifact."""
CROP_SIDE = 128
"""Of a crop, pixels."""
CONTEXT_SIDES = 2.0
"""Sides of the object that a crop shows."""
LONG_SIDE_SHARE = 0.8
"""Share of its longer side that an object's scale is told by at least: else what is long would not fit into the crop."""
MIDDLE_DEVIATION = 0.12
"""Deviation of the cells around the middle that are believed before training, as a share of the crop."""
VOTE_SHARPNESS = 3.0
"""Of what is learnt about which cells to believe."""
CANDIDATE_NOISE = 0.1
"""Deviation of a candidate's sides from the truth, as a share of its own, where the second look finds them in the same place."""
SAME_PLACE_IOU = 0.9
"""IoU of what a crop was made around and what is seen in it from which it is not cropped once more."""
MIN_BOX_SIDE = 2.0
"""Of a box that is cropped, pixels of the picture."""
MAX_REFINED_BOXES = 16
"""Of a frame, those of the highest scores: each takes 10 ms of one core, and crowds hold more than a hundred."""


class RefinementHead(nn.Module):
    """Output channels: log distances left, top, right, bottom; then how much the cell is to be believed of each."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.shared = nn.Conv2d(width, width, 3, padding=1)
        self.said = nn.Conv2d(width, 8, 1)
        nn.init.kaiming_normal_(self.shared.weight, nonlinearity="relu")
        nn.init.normal_(self.said.weight, std=0.01)
        nn.init.zeros_(self.said.bias)  # type: ignore[arg-type]

    def forward(self, features: Tensor) -> Tensor:
        """(batch, width, h, w) -> (batch, 8, h, w)."""
        out: Tensor = self.said(functional.relu(self.shared(features)))
        return out

    def loss(self, output: Tensor, boxes: Tensor) -> Tensor:
        """GIoU loss of what the cells say together, and of each in the middle alone; boxes (batch, 4) in pixels of the crop."""
        corners, votes, middle = _cells(output)
        together = generalized_box_iou_loss((corners * votes).sum(2), boxes).mean()
        every = boxes[:, None].expand(-1, corners.shape[2], -1)
        alone = generalized_box_iou_loss(corners.transpose(1, 2).flatten(0, 1), every.flatten(0, 1))
        total: Tensor = together + (alone.view(len(boxes), -1) * torch.softmax(middle, 0)).sum(1).mean()
        return total

    @torch.no_grad()
    def decode(self, output: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, 4) corners in pixels of the crop, and the deviation of what the cells say of each."""
        corners, votes, _ = _cells(output)
        mean = (corners * votes).sum(2)
        return mean, ((corners - mean[:, :, None]) ** 2 * votes).sum(2).sqrt()


def _cells(output: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of n cells: (batch, 4, n) corners, (batch, 4, n) votes whose sum is 1, and (n,) the log of what is believed beforehand."""
    rows, columns = output.shape[2:]
    y, x = (torch.arange(rows, device=output.device) + 0.5, torch.arange(columns, device=output.device) + 0.5)
    at = torch.stack([x.expand(rows, columns), y[:, None].expand(rows, columns)]) * PYRAMID_STRIDE
    middle = -(((at - CROP_SIDE / 2) / (CROP_SIDE * MIDDLE_DEVIATION)) ** 2).sum(0) / 2
    distances = CROP_SIDE / CONTEXT_SIDES / 2 * output[:, :4].float().clamp(-3, 3).exp()
    corners = torch.cat([at - distances[:, :2], at + distances[:, 2:]], 1).flatten(2)
    votes = torch.softmax((output[:, 4:].float() * VOTE_SHARPNESS + middle).flatten(2), 2)
    return corners, votes, middle.flatten()


class Refiner(Network[RefinementHead]):
    """Crops (batch, 3, CROP_SIDE, CROP_SIDE) in, what `RefinementHead` says out; its backbone is the first look's."""

    @classmethod
    def on(cls, backbone: Backbone, width: int) -> "Refiner":
        """A fresh one over a backbone that does not learn any more."""
        return cls(backbone, Pyramid(backbone.channels, width), RefinementHead(width))

    @property
    def nbytes(self) -> int:
        """Memory that its weights take without the backbone, bytes."""
        return nbytes_of(self.pyramid) + nbytes_of(self.head)

    def refined(self, candidates: Candidates, frame: Frame, config: DetectionConfig) -> Candidates:
        """The candidates, those that may be shown with new boxes."""
        chosen = worth_it(candidates, config)
        if not len(chosen):
            return candidates
        image, factor = whole(frame, config.levels)
        boxes = candidates.boxes[chosen].astype(np.float64) * factor
        better = np.clip(self._seen(image.to(self.device), boxes) / factor, 0, [frame.width, frame.height] * 2)
        mixed = candidates.boxes.copy()
        good = (better[:, 2:] > better[:, :2]).all(1)
        mixed[chosen[good]] = better[good]
        return replace(candidates, boxes=mixed)

    def refined_box(self, box: Box, frame: Frame, config: DetectionConfig) -> Box:
        """One box by itself, whatever scored it."""
        found = Candidates(np.array([box], np.float32), np.ones(1, np.float32), np.zeros(1, np.int64))
        x0, y0, x1, y1 = (float(edge) for edge in self.refined(found, frame, config).boxes[0])
        return x0, y0, x1, y1

    def _seen(self, image: Tensor, boxes: Array) -> Array:
        """(n, 4) new boxes in pixels of the picture."""
        seen, doubt = self._look(image, boxes)
        elsewhere = box_iou(torch.from_numpy(boxes), torch.from_numpy(seen)).diagonal().numpy() < SAME_PLACE_IOU
        if elsewhere.any():
            seen[elsewhere], doubt[elsewhere] = self._look(image, seen[elsewhere])
        return believed(boxes, seen, doubt)

    def _look(self, image: Tensor, boxes: Array) -> tuple[Array, Array]:
        """(n, 4) what crops around the boxes show, and its deviation, both in pixels of the picture."""
        views = [view_of(box) for box in boxes]
        crops = torch.stack([view.cut(image) for view in views]).contiguous(memory_format=torch.channels_last)
        with torch.inference_mode():
            corners, deviation = (one.cpu().numpy().astype(np.float64) for one in self.head.decode(self(crops)))
        seen = [view.to_image(own.reshape(2, 2)).ravel() for view, own in zip(views, corners, strict=True)]
        return np.array(seen), deviation / np.array([view.gain[0, 0] for view in views])[:, None]


def believed(boxes: Array, seen: Array, doubt: Array) -> Array:
    """(n, 4): between the boxes of the first look and those of the second, by the variance of both; `doubt` (n, 4) is the
    deviation of the second look, pixels. That of the first is larger where the second finds a side elsewhere."""
    sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    own = (CANDIDATE_NOISE * sides) ** 2 + np.minimum(np.abs(seen - boxes), sides) ** 2
    share = own / np.maximum(own + doubt**2, np.finfo(np.float64).tiny)
    return np.asarray(boxes + (seen - boxes) * share)


def worth_it(candidates: Candidates, config: DetectionConfig) -> NDArray[np.int64]:
    """Indices of the candidates that may be shown: of each label as many as any labelled frame holds, and all that score; of
    these the best, at most `MAX_REFINED_BOXES`."""
    likely = candidates.scores >= config.score_threshold
    for label, counts in enumerate(config.counts):
        likely[np.flatnonzero(candidates.classes == label)[: max(counts, default=0)]] = True
    return np.flatnonzero(likely)[:MAX_REFINED_BOXES]


def view_of(box: Array) -> View:
    """The crop around a box (4,) in pixels of the picture."""
    return upright((box[:2] + box[2:]) / 2, zoom_of(box), CROP_SIDE)


def zoom_of(box: Array) -> float:
    """Crop pixels per picture pixel for a box (4,)."""
    sides = np.maximum(box[2:] - box[:2], MIN_BOX_SIDE)
    return float(CROP_SIDE / (CONTEXT_SIDES * max(sides.max() * LONG_SIDE_SHARE, np.sqrt(sides.prod()))))


def whole(frame: Frame, levels: Levels) -> tuple[Tensor, float]:
    """(3, h, w) uint8 RGB of the frame as it was read, its brightness stretched, and its pixels per original pixel: of a large
    original less than 1, whose size decides neither memory nor time."""
    height, width = frame.image.shape[:2]
    return to_tensor(frame, Scale(1.0, height * width, levels=levels))


def without_refinement(weights: Weights) -> Weights:
    """The artifact without what refines boxes."""
    return replace(
        weights, arrays={name: a for name, a in weights.arrays.items() if not name.startswith(REFINEMENT_PREFIX)}
    )


def refinement_state(weights: Weights) -> State:
    """Tensors of what refines boxes; none where nothing does."""
    own = weights.arrays.items()
    return {name.removeprefix(REFINEMENT_PREFIX): array for name, array in own if name.startswith(REFINEMENT_PREFIX)}


def named(state: State) -> State:
    """The tensors as they are named in an artifact."""
    return {REFINEMENT_PREFIX + name: array for name, array in state.items()}
