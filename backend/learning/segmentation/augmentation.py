"""Random views of labelled frames: moved, scaled, turned, relight; masks along with them.

None is mirrored: the camera never does. Mean J with and without: a car on a roundabout 0.959, 0.980; a dancer 0.890, 0.898;
membranes 0.676, 0.674. With half as much scaling and turning a heart falls from 0.796 to 0.694, with half as much more to 0.778.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from backend.learning.geometry.colour import relight
from backend.learning.geometry.crop import PADDING_GREY, View, turned

LEAST_SCALE, MOST_SCALE = 0.75, 1.33
"""Limits of the random scaling of a view: how far an object may come nearer or go away."""
ASPECT_DEVIATION = 0.08
"""Deviation of the random ratio of width to height, as a share."""
ROTATION_DEVIATION_RADIANS = 0.2
"""Deviation of the random rotation, radians."""
BRIGHTNESS_CHANGE_LIMIT = 0.2
"""Limit of the random change of brightness and contrast, as a share."""
CHANNEL_CHANGE_LIMIT = 0.05
"""Limit of the random change of each colour channel, as a share."""


@dataclass(frozen=True, slots=True, eq=False)
class MaskSample:
    """A scaled frame to cut views from."""

    image: Tensor
    """(3, height, width) uint8 RGB."""
    masks: Tensor
    """(labels, height, width) uint8, 255 where the label is."""
    sure: Tensor | None = None
    """(labels, height, width) uint8, 255 where the mask is to be learned; None is everywhere."""
    weight: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Views:
    """One training batch."""

    images: Tensor
    """(batch, 3, side, side) float RGB in [0, 1]."""
    masks: Tensor
    """(batch, labels, side, side) in [0, 1]."""
    sure: Tensor
    """(batch, labels, side, side) in [0, 1]: weight of each pixel."""


@dataclass(frozen=True, slots=True)
class Viewing:
    """How views are drawn."""

    count: int
    side: int
    """Pixels of the scaled frame."""
    objects: float
    """Share of views that are centred on a labelled pixel."""


def views(pictures: Sequence[MaskSample], how: Viewing, rng: np.random.Generator) -> Views:
    """Random views; each picture is drawn as often as its weight says."""
    weights = np.array([picture.weight for picture in pictures])
    chosen = rng.choice(len(pictures), how.count, p=weights / weights.sum())
    cut = [_view(pictures[int(i)], how, rng) for i in chosen]
    images, masks, sure = (torch.stack(part) for part in zip(*cut, strict=True))
    return Views(images.contiguous(memory_format=torch.channels_last), masks, sure)


def _view(picture: MaskSample, how: Viewing, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
    labels, centre = len(picture.masks), _centre(picture, how, rng)
    zoom = math.exp(rng.uniform(math.log(LEAST_SCALE), math.log(MOST_SCALE)))
    stretch, angle = math.exp(rng.normal(0, ASPECT_DEVIATION)), rng.normal(0, ROTATION_DEVIATION_RADIANS)
    sure = picture.sure if picture.sure is not None else torch.full_like(picture.masks, 255)
    planes = torch.cat([picture.image, picture.masks, sure])
    nothing = torch.zeros(len(planes), 1, 1, device=planes.device)
    nothing[:3] = PADDING_GREY
    out = View(np.array(centre), turned(zoom, angle, False, stretch), how.side).cut(planes, nothing)
    return relight(out[:3], BRIGHTNESS_CHANGE_LIMIT, CHANNEL_CHANGE_LIMIT, rng), out[3 : 3 + labels], out[3 + labels :]


def _centre(picture: MaskSample, how: Viewing, rng: np.random.Generator) -> tuple[float, float]:
    _, height, width = picture.masks.shape
    if rng.random() < how.objects:
        present = [i for i in range(len(picture.masks)) if bool((picture.masks[i] > 127).any())]
        if present:
            rows, columns = torch.nonzero(picture.masks[present[rng.integers(len(present))]] > 127, as_tuple=True)
            at = int(rng.integers(len(rows)))
            shift = rng.uniform(-0.35, 0.35, 2) * how.side
            return _inside(float(columns[at]) + shift[0], width, how), _inside(float(rows[at]) + shift[1], height, how)
    return _inside(rng.uniform(0, width), width, how), _inside(rng.uniform(0, height), height, how)


def _inside(place: float, length: int, how: Viewing) -> float:
    """Near enough to the frame that most of the view shows it."""
    margin = min(length / 2, how.side * 0.4)
    return float(np.clip(place, margin, length - margin))
