"""Outline selection by contrast: along the object's the picture changes, and inside it is unlike around it."""

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.learning.prompting.random_walker import Floats

REGION_CONTRAST_WEIGHT = 0.3
"""Weight of how different inside and around are, where that of the change along the outline is 1; logarithms of both. With
it and `clicks.CUT` one click on our seven groups of masks gives a mean IoU of 0.450, without both 0.363, with it alone
0.426."""
RING_CELLS = np.ones((9, 9), np.uint8)
"""Cells across which an outline is compared with what is around it."""

Cells = NDArray[np.bool_]


def contrast(features: Floats, part: Cells) -> float:
    """How much a part of (rows, columns, d) features looks like a whole object; -inf of one too small or large to tell."""
    ring = (cv2.dilate(part.astype(np.uint8), RING_CELLS) > 0) & ~part
    if min(np.count_nonzero(part), np.count_nonzero(ring)) < len(RING_CELLS):
        return -np.inf
    change = [
        np.square(features[one] - features[other]).sum(-1)[part[one] != part[other]]
        for one, other in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:]))
    ]
    inner, outer = features[part], features[ring]
    spread = float(inner.var(0).sum() + outer.var(0).sum())
    apart = float(np.square(inner.mean(0) - outer.mean(0)).sum()) / max(spread, 1e-6)
    along = float(np.concatenate(change).mean())
    return float(np.log(along + 1e-3) + REGION_CONTRAST_WEIGHT * np.log(apart + 1e-3))
