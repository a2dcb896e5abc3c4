"""Background subtraction: what a camera that stands still sees when nothing is there, and how a frame differs from it.

What moves before a still camera is told from the rest without any label, and whatever it looks like: the sixth car of a road
differs from the road as the first five did. The network is shown that difference beside the colours, and learns from the labels
how much it says. The background is the pixel-wise median of the group's frames (Piccardi, Background subtraction techniques: a
review, 2004).
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from backend.learning.geometry.scaling import Scale, to_tensor
from backend.types import Frame

Background = NDArray[np.uint8]
"""(3, h, w) RGB."""
MIN_FRAMES = 10
"""Fewer tell no background."""
MAX_CHANGE = 0.18
"""How much a pixel usually changes in time, as a share of how much two places of a frame differ, up to which the camera stands
still. Of 29 groups those of a still camera have 0.02 to 0.16, moving cameras and sets of images 0.19 to 0.63 (2026-11-30): the
gap is narrow, and the number lies in it."""
BACKGROUND_DOWNSCALE = 2
"""Pixels of the scaled frame a pixel of the background: noise is averaged away, and it takes little space."""
UNKNOWN_VALUE = -1.0
"""In place of a background's values where it is another group's."""
DIFFERENCE_CHANNELS = 3
"""That the difference adds to a frame's."""


def find_background(frames: Sequence[Frame], scale: Scale) -> Background | None:
    """Of some frames that are spread over the whole group; None where they are too few, their sizes differ, or the camera
    moves."""
    if len(frames) < MIN_FRAMES:
        return None
    seen = [_shrunk(to_tensor(frame, scale)[0]) for frame in frames]
    if len({one.shape for one in seen}) > 1:
        return None
    stacked = torch.stack(seen).float()
    background = stacked.median(0).values
    change = (stacked - background).abs().median(0).values.mean()
    return background.round().to(torch.uint8).numpy() if change < MAX_CHANGE * _contrast(stacked) else None


def _contrast(frames: Tensor) -> float:
    """Mean difference of two places of the same frame."""
    flat = frames.flatten(2)
    return float((flat - flat.roll(flat.shape[2] // 2 + 1, 2)).abs().mean())


def _shrunk(pixels: Tensor) -> Tensor:
    height, width = (max(side // BACKGROUND_DOWNSCALE, 1) for side in pixels.shape[1:])
    return functional.interpolate(pixels[None], (height, width), mode="bilinear", antialias=True)[0]


def with_difference(pixels: Tensor, background: Tensor) -> Tensor:
    """(3, h, w) uint8 RGB -> (6, h, w): the same, and how far each pixel is from the background (3, ...) in each colour.

    Where the light changed as a whole, that is no difference: the frame's median is taken off. Of a background that is
    `UNKNOWN_VALUE` nothing differs.
    """
    small = functional.interpolate(pixels[None], background.shape[1:], mode="bilinear", antialias=True)[0].float()
    change = small - background.float()
    change = (change - change.flatten(1).median(1).values[:, None, None]).abs()
    change = change.masked_fill(background == UNKNOWN_VALUE, 0.0)
    whole = functional.interpolate(change[None], pixels.shape[1:], mode="bilinear")[0]
    return torch.cat([pixels, whole.clamp(0, 255).to(torch.uint8)])
