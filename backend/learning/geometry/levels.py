"""Contrast stretching: the brightness that a group's sensor uses is made the whole range, the same for all its frames.

The backbone learnt from photographs. What a microscope, an X-ray or a thermal camera records may lie between 2 and 41 of 255:
to it that is black. All colours are stretched alike, so that colour still tells. (Gonzalez and Woods, Digital Image Processing,
section 3.2.)
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from backend.types import Frame

Levels = tuple[int, int]
"""What becomes black and what becomes white, of 0 to 255."""
FULL_RANGE: Levels = (0, 255)
"""Nothing is stretched."""
CLIPPED_PER_CENT = 0.1
"""Per cent of the values that may become black, and as many white: single odd pixels must not decide."""
MIN_RANGE = 8
"""Between black and white: what is stretched more is noise."""


def find_levels(frames: Sequence[Frame]) -> Levels:
    """Of some frames that are spread over the whole group."""
    if not len(frames):
        return FULL_RANGE
    counts = np.sum([_histogram(frame.image) for frame in frames], 0)
    shares = np.cumsum(counts) / counts.sum()
    black, white = np.searchsorted(shares, [CLIPPED_PER_CENT / 100, 1 - CLIPPED_PER_CENT / 100])
    return (int(black), int(white)) if white - black >= MIN_RANGE else FULL_RANGE


def stretched(pixels: Tensor, levels: Levels) -> Tensor:
    """uint8 with these levels -> uint8 with the whole range."""
    black, white = levels
    if levels == FULL_RANGE:
        return pixels
    return pixels.float().sub_(black).mul_(255 / (white - black)).clamp_(0, 255).round_().to(pixels.dtype)


def _histogram(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(256,) shares of the values: large frames count no more than small ones."""
    return np.bincount(image.ravel(), minlength=256) / image.size
