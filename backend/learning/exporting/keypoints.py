"""Pose from a picture to the points of its objects, as torch modules: what a micro-model says of a single frame."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from backend.learning.exporting.candidates import candidates
from backend.learning.exporting.peaks import peaks
from backend.learning.exporting.resizing import Scaled, scaled, size_of
from backend.learning.exporting.skeleton import Skeleton
from backend.learning.exporting.whole import in_float32
from backend.learning.geometry.crop import PADDING_GREY
from backend.learning.pose.config import PoseConfig
from backend.learning.pose.head import probabilities
from backend.learning.pose.micro_model import OBJECT_MIN_SCORE, RECROP_DISTANCE_DIAGONALS, TEST_TIME_VIEWS
from backend.types import Weights

SOMEWHERE = 0.0, 0.0, 16.0, 16.0
"""A box to look at where there is none."""


class BoxesToKeypoints(nn.Module):
    """(height, width, 3) uint8 RGB and the boxes (n, 4) of its objects in pixels -> keypoints (n, k, 2) x, y, their scores
    (n, k), 0 where a point is not to be shown, and scores (n,) of the objects."""

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        self.config = PoseConfig.from_metadata(weights.metadata)
        self.network = in_float32(self.config, weights)
        self.skeleton = Skeleton(self.config) if self.config.skeleton else None

    def forward(self, image: Tensor, boxes: Tensor) -> tuple[Tensor, ...]:
        """As the class says."""
        frame = scaled(image, self.config.fine)
        return self._shown(image, *self._points(frame, boxes))

    def _shown(self, image: Tensor, places: Tensor, scores: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        size = size_of(image).float().flip(0)
        places = torch.minimum(places.clamp_min(0), size)
        sure = torch.where(scores >= torch.tensor(self.config.thresholds).float(), scores.clamp_max(1), 0 * scores)
        return places, sure, sure.sum(1) / (sure > 0).float().sum(1).clamp_min(1)

    def _points(self, frame: Scaled, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """(n, k, 2) places in original pixels and (n, k) scores of the points in these boxes."""
        config, half, count = self.config, self.config.crop / 2, boxes.shape[0]
        none = torch.nonzero(torch._shape_as_tensor(boxes)[:1] == 0)[:, 0]
        boxes = torch.cat([boxes, torch.tensor([SOMEWHERE])[none]])  # runtimes cannot reshape what has no rows
        least, _, greatest = config.diagonals
        wide = _diagonal(boxes).clamp(least * 0.85, greatest * 1.15)
        zoom = (config.crop / config.margin) / (wide * frame.factor)
        centre = (boxes[:, :2] + boxes[:, 2:]) / 2 * frame.factor
        spots, scores = peaks(self._heat(_cut(frame.pixels, centre, zoom, config.crop)))
        places, sure = spots[:, :, 0], scores[:, :, 0]
        if self.skeleton is not None:
            places, sure = self.skeleton(spots, scores)
        found = ((places - half) / zoom[:, None, None] + centre[:, None]) / frame.factor
        return found[:count], sure[:count]

    def _heat(self, crops: Tensor) -> Tensor:
        """As `PoseModel.heat`."""
        config = self.config
        turns = [one for one in TEST_TIME_VIEWS if (config.mirrors or not one[0]) and (config.turn > 3 or not one[1])]
        turns = turns[: max(config.views, 1)]
        total = torch.zeros(())
        for mirror, quarters in turns:
            heat = probabilities(self.network.see(_rotated(crops.flip(3) if mirror else crops, quarters)))
            heat = _rotated(heat, -quarters % 4)
            total = total + (heat.flip(3)[:, list(config.partners)] if mirror else heat)
        return total / len(turns)


class PictureToKeypoints(BoxesToKeypoints):
    """(height, width, 3) uint8 RGB -> keypoints and scores as of `BoxesToKeypoints`, and between them boxes (n, 4) around the
    points that are shown, of the objects that are found in the whole frame."""

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:  # type: ignore[override]
        """As the class says."""
        frame = scaled(image, self.config.fine)
        around = self._located(image)
        places, scores = self._again(frame, around, *self._points(frame, around))
        places, sure, whole = self._shown(image, places, scores)
        at = torch.nonzero(whole > 0)[:, 0]
        return places[at], sure[at], _hulls(places[at], sure[at] > 0), whole[at]

    def _located(self, image: Tensor) -> Tensor:
        """(n, 4) boxes in original pixels, as `PoseModel.locate`."""
        frame = scaled(image, self.config.coarse)
        found = candidates(self.network.head, self.network(frame.pixels))
        least, most = min(self.config.counts, default=0), max(self.config.counts, default=0)
        rank = torch.cumsum(torch.ones_like(found.scores), 0) - 1
        shown = (rank < least) | ((rank < most) & (found.scores >= OBJECT_MIN_SCORE))
        return found.boxes[torch.nonzero(shown)[:, 0]] / frame.factor

    def _again(self, frame: Scaled, boxes: Tensor, places: Tensor, scores: Tensor) -> tuple[Tensor, Tensor]:
        """As `PoseModel._again`; each object is looked at twice, whether that counts or not."""
        ordered, middle = torch.sort(scores, 1).values, scores.shape[1] // 2
        median = (ordered[:, middle] + ordered[:, (scores.shape[1] - 1) // 2]) / 2
        sure = scores >= median[:, None]
        centred = _hulls(places, sure)
        moved = torch.sqrt((((centred - boxes)[:, :2] + (centred - boxes)[:, 2:]) ** 2).sum(1)) / 2
        second, better = self._points(frame, centred)
        taken = (
            (moved >= RECROP_DISTANCE_DIAGONALS * _diagonal(boxes))
            & (sure.sum(1) >= 2)
            & (better.mean(1) > scores.mean(1))
        )
        return torch.where(taken[:, None, None], second, places), torch.where(taken[:, None], better, scores)


def _cut(pixels: Tensor, centre: Tensor, zoom: Tensor, side: int) -> Tensor:
    """(n, 3, side, side) crops of (1, 3, H, W) around centres (n, 2), as `View.cut`; padding is what lies outside."""
    at = (torch.arange(side).float() + 0.5 - side / 2) / zoom[:, None]
    x, y = at + centre[:, :1], at + centre[:, 1:]
    size = torch._shape_as_tensor(pixels)[2:].float()
    across = (2 * x / size[1] - 1)[:, None].expand(-1, side, -1)
    down = (2 * y / size[0] - 1)[:, :, None].expand(-1, -1, side)
    grid = torch.stack([across, down], 3).reshape(1, -1, side, 2)  # crops below each other: one picture serves all
    cut = functional.grid_sample(pixels - PADDING_GREY, grid, mode="bilinear", align_corners=False) + PADDING_GREY
    return cut.reshape(3, -1, side, side).transpose(0, 1)


def _rotated(images: Tensor, quarters: int) -> Tensor:
    """As `torch.rot90` of the last two axes, which ONNX lacks."""
    if quarters == 2:
        return images.flip((2, 3))
    return images if not quarters else images.transpose(2, 3).flip(2 if quarters == 1 else 3)


def _diagonal(boxes: Tensor) -> Tensor:
    return torch.sqrt(((boxes[:, 2:] - boxes[:, :2]) ** 2).sum(1))


def _hulls(places: Tensor, counted: Tensor) -> Tensor:
    """(n, 4) around those of (n, k, 2) places that count, at least a pixel wide and high."""
    far = torch.full_like(places, torch.inf)
    low = torch.where(counted[..., None], places, far).amin(1)
    high = torch.where(counted[..., None], places, -far).amax(1)
    return torch.cat([low, torch.maximum(high, low + 1)], 1)
