"""Random crops of labelled frames: moved, scaled, mirrored, recoloured, blurred; boxes along with them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from backend.learning.colour import recolour
from backend.learning.heads.base import Crop, Floats, Ints

LEAST_SCALE, MOST_SCALE = 0.75, 1.33
"""Limits of the random scaling of a crop: how far an object may come nearer or go away."""
STRETCH = 0.08
"""Deviation of the random ratio of width to height, as a share."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A scaled frame to cut crops from."""

    image: Tensor
    """(3, height, width) uint8 RGB."""
    boxes: Floats
    """(n, 4) in pixels of the scaled frame."""
    classes: Ints
    """(n,) index into the labels."""
    outlines: Floats
    """(n,) weight of each box's sides, in [0, 1]."""
    ignored: Floats
    """(m, 4) areas of which nothing is learned."""
    hard: Floats
    """(k, 2) centres of what was wrongly taken for an object."""
    weight: float = 1.0
    labelled: bool = True
    """Whether a person submitted it: what else is seen there is a mistake."""


@dataclass(frozen=True, slots=True)
class Shares:
    """Which places crops are centred on; the rest is random."""

    objects: float
    hard: float


def crops(pictures: Sequence[Picture], count: int, side: int, shares: Shares, rng: np.random.Generator) -> list[Crop]:
    """`count` random crops; each picture is drawn as often as its weight says."""
    weights = np.array([picture.weight for picture in pictures])
    chosen = rng.choice(len(pictures), count, p=weights / weights.sum())
    return [_crop(pictures[int(i)], side, shares, rng) for i in chosen]


def _crop(picture: Picture, side: int, shares: Shares, rng: np.random.Generator) -> Crop:
    centre = _centre(picture, side, shares, rng)
    zoom = np.exp(rng.uniform(np.log(LEAST_SCALE), np.log(MOST_SCALE)))
    stretch = np.exp(rng.normal(0, STRETCH) / 2)
    # Signed crop pixels per picture pixel; negative x mirrors.
    gain = np.array([zoom * stretch * rng.choice([-1, 1]), zoom / stretch], np.float32)
    image = recolour(_cut(picture.image, centre, gain, side), rng)
    boxes = _moved(picture.boxes, centre, gain, side)
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    inside = ((middle >= 0) & (middle < side)).all(1)
    ignored = np.concatenate([_moved(picture.ignored, centre, gain, side), boxes[~inside]])
    return Crop(image, boxes[inside], picture.classes[inside], ignored, picture.outlines[inside])


def _centre(picture: Picture, side: int, shares: Shares, rng: np.random.Generator) -> Floats:
    height, width = picture.image.shape[1:]
    kind = rng.random()
    if kind < shares.objects and len(picture.boxes):
        box = picture.boxes[rng.integers(len(picture.boxes))]
        return np.asarray((box[:2] + box[2:]) / 2 + rng.uniform(-0.4, 0.4, 2) * side, np.float32)
    if kind > 1 - shares.hard and len(picture.hard):
        return np.asarray(picture.hard[rng.integers(len(picture.hard))] + rng.uniform(-0.3, 0.3, 2) * side, np.float32)
    margin = np.minimum(np.array([width, height]) / 2, side * 0.4)
    return np.asarray(rng.uniform(margin, np.array([width, height]) - margin), np.float32)


def _moved(boxes: Floats, centre: Floats, gain: Floats, side: int) -> Floats:
    points = (boxes.reshape(-1, 2, 2) - centre) * gain + side / 2
    return np.asarray(np.concatenate([points.min(1), points.max(1)], 1), np.float32)


def _cut(image: Tensor, centre: Floats, gain: Floats, side: int) -> Tensor:
    """(3, side, side) in [0, 1]; what lies outside the picture is grey."""
    height, width = image.shape[1:]
    offsets = torch.arange(side, device=image.device) + 0.5 - side / 2
    x = (offsets / float(gain[0]) + float(centre[0])) / width * 2 - 1
    y = (offsets / float(gain[1]) + float(centre[1])) / height * 2 - 1
    grid = torch.stack([x.expand(side, side), y[:, None].expand(side, side)], -1)[None]
    shifted = (image.float() / 255 - 0.5)[None]
    return functional.grid_sample(shifted, grid, mode="bilinear", align_corners=False)[0] + 0.5
