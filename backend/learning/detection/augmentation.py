"""Random crops of labelled frames: moved, scaled, mirrored, recoloured, blurred; boxes along with them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from backend.learning.detection.candidates import Floats, Ints, TrainingCrop
from backend.learning.detection.rotation import moved, turn_between
from backend.learning.geometry.colour import recolour
from backend.learning.geometry.crop import PADDING_GREY, Points, View, turned
from backend.learning.geometry.scaling import COLOUR_CHANNELS

LEAST_SCALE, MOST_SCALE = 0.75, 1.33
"""Limits of the random scaling of a crop: how far an object may come nearer or go away."""
ASPECT_DEVIATION = 0.08
"""Deviation of the random ratio of width to height, as a share."""


@dataclass(frozen=True, slots=True, eq=False)
class BoxSample:
    """A scaled frame to cut crops from."""

    image: Tensor
    """(3, height, width) uint8 RGB."""
    boxes: Floats
    """(n, 4) in pixels of the scaled frame."""
    classes: Ints
    """(n,) index into the labels."""
    outlines: Floats
    """(n,) weight of each box's sides, in [0, 1]."""
    hard: Floats
    """(k, 2) centres of what was wrongly taken for an object."""
    weight: float = 1.0
    turns: Floats | None = None
    """(n, 3) as those of a `TrainingCrop`."""


@dataclass(frozen=True, slots=True)
class Shares:
    """Which places crops are centred on, the rest being random; and how they are turned."""

    objects: float
    hard: float
    angles: tuple[float, ...] = ()
    """Of the drawn boxes, radians: crops are turned from one to another; none: crops stay upright."""


def crops(
    pictures: Sequence[BoxSample], count: int, side: int, shares: Shares, rng: np.random.Generator
) -> list[TrainingCrop]:
    """`count` random crops; each picture is drawn as often as its weight says."""
    weights = np.array([picture.weight for picture in pictures])
    chosen = rng.choice(len(pictures), count, p=weights / weights.sum())
    return [_crop(pictures[int(i)], side, shares, rng) for i in chosen]


def _crop(picture: BoxSample, side: int, shares: Shares, rng: np.random.Generator) -> TrainingCrop:
    centre = _centre(picture, side, shares, rng)
    zoom = np.exp(rng.uniform(np.log(LEAST_SCALE), np.log(MOST_SCALE)))
    stretch, mirrored = np.exp(rng.normal(0, ASPECT_DEVIATION)), rng.random() < 0.5
    angle = turn_between(shares.angles, mirrored, rng) if shares.angles else 0.0
    view = View(centre, turned(zoom, angle, mirrored, stretch), side)
    cut = view.cut(picture.image, outside_of(picture.image))
    image = torch.cat([recolour(cut[:COLOUR_CHANNELS], rng), cut[COLOUR_CHANNELS:]])
    turns = picture.turns
    if turns is None:
        boxes = _moved(picture.boxes, view)
    else:
        boxes, turns = moved(picture.boxes, turns, view)
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    inside = ((middle >= 0) & (middle < side)).all(1)
    shown = None if turns is None else turns[inside]
    return TrainingCrop(image, boxes[inside], picture.classes[inside], boxes[~inside], picture.outlines[inside], shown)


def outside_of(image: Tensor) -> Tensor:
    """(channels, 1, 1) of what lies beyond the image: grey, and no difference from the background."""
    return torch.tensor([PADDING_GREY] * COLOUR_CHANNELS + [0.0] * (len(image) - COLOUR_CHANNELS), device=image.device)[
        :, None, None
    ]


def _centre(picture: BoxSample, side: int, shares: Shares, rng: np.random.Generator) -> Points:
    height, width = picture.image.shape[1:]
    kind = rng.random()
    if kind < shares.objects and len(picture.boxes):
        box = picture.boxes[rng.integers(len(picture.boxes))]
        return np.asarray((box[:2] + box[2:]) / 2 + rng.uniform(-0.4, 0.4, 2) * side, np.float64)
    if kind > 1 - shares.hard and len(picture.hard):
        return np.asarray(picture.hard[rng.integers(len(picture.hard))] + rng.uniform(-0.3, 0.3, 2) * side, np.float64)
    margin = np.minimum(np.array([width, height]) / 2, side * 0.4)
    return np.asarray(rng.uniform(margin, np.array([width, height]) - margin), np.float64)


def _moved(boxes: Floats, view: View) -> Floats:
    points = view.to_crop(boxes[:, [0, 1, 2, 3, 0, 3, 2, 1]].reshape(-1, 4, 2).astype(np.float64))
    return np.asarray(np.concatenate([points.min(1), points.max(1)], 1), np.float32)
