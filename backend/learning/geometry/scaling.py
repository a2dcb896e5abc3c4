"""From frames of any size to the scaled RGB tensors that networks see, and boxes along with them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from backend.learning.geometry.levels import FULL_RANGE, Levels, stretched
from backend.types import Frame, LabeledFrame

COLOUR_CHANNELS = 3
"""Channels of an image that the backbone sees; the pyramid is given the others as they are."""
SIDE_MULTIPLE_PIXELS = 16
"""Sides of what goes through the network are multiples of the coarsest stride, pixels."""
UNKNOWN_SIDE = 64.0
"""Side of an object taken for typical while no label shows one, pixels."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How frames of one group are scaled: by a factor, down to a limit of pixels.

    Frames of other sizes than the usual one are scaled as if they had as many pixels: a camera whose resolution changes
    shows the same things in them.
    """

    factor: float
    """Scaled pixels per original pixel, in a frame of the usual size."""
    pixels: int
    """Most pixels of a scaled frame."""
    area: float = 0.0
    """Pixels of a frame of the usual size; 0: every frame is one."""
    levels: Levels = FULL_RANGE
    """What becomes black and white."""

    def of(self, width: int, height: int) -> float:
        """The factor for a frame of this original size."""
        usual = to_usual(self.area, width, height) if self.area else 1.0
        return min(self.factor * usual, math.sqrt(self.pixels / max(width * height, 1)))

    @property
    def halved(self) -> "Scale":
        """Frames half as wide and half as high."""
        return replace(self, factor=self.factor / 2, pixels=max(self.pixels // 4, 1))


def scale_for(labeled: Sequence[LabeledFrame], side: float, largest: float, pixels: int) -> Scale:
    """The factor that brings the labelled objects, the smaller ones above all, to about `side` pixels."""
    return Scale(min(side / typical_side(labeled), largest), pixels, usual_area(labeled))


def usual_area(labeled: Sequence[LabeledFrame]) -> float:
    """Pixels of a labelled frame, the median; 0 where there is none."""
    return float(np.median([one.frame.width * one.frame.height for one in labeled])) if labeled else 0.0


def to_usual(area: float, width: int, height: int) -> float:
    """Pixels of a frame of `area` pixels per pixel of a frame of this size; exactly 1 where it has as many."""
    return math.sqrt(area / max(width * height, 1))


def typical_side(labeled: Sequence[LabeledFrame]) -> float:
    """Of the labelled objects, the smaller ones above all: root of the area, at least 1 pixel of a frame of the usual size."""
    area = usual_area(labeled)
    sides = [
        math.sqrt(w * h) * to_usual(area, one.frame.width, one.frame.height) for one in labeled for w, h in _sizes(one)
    ]
    return max(float(np.percentile(sides, 35)), 1.0) if sides else UNKNOWN_SIDE


def largest_side(labeled: Sequence[LabeledFrame], scale: Scale) -> float:
    """Of the labelled objects: root of the area, pixels of the scaled frame; 0 where there is none."""
    return max(
        (math.sqrt(w * h) * scale.of(f.frame.width, f.frame.height) for f in labeled for w, h in _sizes(f)), default=0.0
    )


def _sizes(labeled: LabeledFrame) -> list[tuple[float, float]]:
    boxes = [instance.box for instance in labeled.instances]
    return [(x1 - x0, y1 - y0) for x0, y0, x1, y1 in boxes if x1 > x0 and y1 > y0]


def to_tensor(frame: Frame, scale: Scale) -> tuple[Tensor, float]:
    """The frame as (3, height, width) uint8 RGB, its brightness stretched, and the scaled pixels per original pixel."""
    factor = scale.of(frame.width, frame.height)
    width, height = max(round(frame.width * factor), 1), max(round(frame.height * factor), 1)
    pixels = torch.from_numpy(np.ascontiguousarray(as_rgb(frame.image))).permute(2, 0, 1)
    if pixels.shape[1:] != (height, width):
        smaller = height < pixels.shape[1] or width < pixels.shape[2]
        pixels = functional.interpolate(pixels[None], (height, width), mode="bilinear", antialias=smaller)[0]
    return stretched(pixels, scale.levels), factor


def as_rgb(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Grey and RGBA images as RGB."""
    if image.ndim == 2:
        image = image[..., None]
    if image.shape[2] != 3:
        image = np.repeat(image[..., :1], 3, axis=2) if image.shape[2] < 3 else image[..., :3]
    return image.copy() if not image.flags.writeable else image


def to_batch(pixels: Sequence[Tensor]) -> Tensor:
    """Images of (channels, h, w) uint8 -> (batch, channels, H, W) in [0, 1], padded to sides that are multiples of 16: colours
    with grey, what follows them with 0."""
    height = max(-(-p.shape[1] // SIDE_MULTIPLE_PIXELS) * SIDE_MULTIPLE_PIXELS for p in pixels)
    width = max(-(-p.shape[2] // SIDE_MULTIPLE_PIXELS) * SIDE_MULTIPLE_PIXELS for p in pixels)
    batch = torch.full((len(pixels), len(pixels[0]), height, width), 0.5, device=pixels[0].device)
    batch[:, COLOUR_CHANNELS:] = 0
    for row, image in zip(batch, pixels, strict=True):
        row[:, : image.shape[1], : image.shape[2]] = image.float() / 255
    return batch.contiguous(memory_format=torch.channels_last)
