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
MAX_FRAMES = 25
"""Of the group that are looked at: bounds the time, and more change nothing."""
MIN_FRAMES = 10
"""Fewer tell no background."""
MAX_CHANGE = 0.18
"""How much a pixel usually changes in time, as a share of how much two places of a frame differ, up to which the camera stands
still. Of 29 groups the still ones have 0.02 to 0.15, those of a moving camera and sets of images 0.20 to 0.63."""
SHRINK = 2
"""Pixels of the scaled frame a pixel of the background: noise is averaged away, and it takes little space."""
CHANNELS = 3
"""That the difference adds to a frame's."""


def find_background(frames: Sequence[Frame], scale: Scale) -> Background | None:
    """Of the group, or None where there are too few frames, their sizes differ, or the camera moves.

    `frames` are spread over the whole group; each is decoded when indexed.
    """
    if len(frames) < MIN_FRAMES:
        return None
    chosen = np.unique(np.linspace(0, len(frames) - 1, MAX_FRAMES).round().astype(int))
    seen = [_shrunk(to_tensor(frames[int(at)], scale)[0]) for at in chosen]
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
    height, width = (max(side // SHRINK, 1) for side in pixels.shape[1:])
    return functional.interpolate(pixels[None], (height, width), mode="bilinear", antialias=True)[0]


def with_difference(pixels: Tensor, background: Tensor) -> Tensor:
    """(3, h, w) uint8 RGB -> (6, h, w): the same, and how far each pixel is from the background (3, ...) in each colour.

    Where the light changed as a whole, that is no difference: the frame's median is taken off. Of a background that is
    unknown (NaN) nothing differs.
    """
    small = functional.interpolate(pixels[None], background.shape[1:], mode="bilinear", antialias=True)[0].float()
    change = small - background.float()
    change = (change - change.flatten(1).median(1).values[:, None, None]).abs()
    whole = functional.interpolate(change[None], pixels.shape[1:], mode="bilinear")[0]
    return torch.cat([pixels, whole.nan_to_num(0.0).clamp(0, 255).to(torch.uint8)])
