"""Outline selection by contrast: along the object's the picture changes, and inside it is unlike around it. Of
probable ones that one is taken which has most in common with all of them (minimum Bayes risk)."""

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.learning.prompting.random_walker import Floats

REGION_CONTRAST_WEIGHT, WEAKEST_EDGE_WEIGHT = 0.3, 0.5
"""Weights of how different inside and around are, and of the change along that quarter of the outline where it is least, where
that of the mean change along the outline is 1; logarithms of all."""
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
    along = np.concatenate(change)
    weak = WEAKEST_EDGE_WEIGHT * np.log(np.percentile(along, 25) + 1e-3)
    return float(np.log(along.mean() + 1e-3) + weak + REGION_CONTRAST_WEIGHT * np.log(apart + 1e-3))


def solidity(part: Cells) -> float:
    """Share of its convex hull that a part fills, in (0, 1]."""
    outlines, _ = cv2.findContours(part.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outer = max(outlines, key=cv2.contourArea)
    # The contour runs through the middles of cells: half a cell is lacking all around.
    around = cv2.contourArea(cv2.convexHull(outer)) + cv2.arcLength(outer, True) / 2 + 1
    return float(min(np.count_nonzero(part) / around, 1.0))


def most_in_common(parts: Floats, scores: Floats, sure: float) -> int:
    """Which of (n, cells) parts has the greatest mean IoU with all of them, by their probabilities: by 1 more of a score a
    part is more probable by `sure`, as a logarithm."""
    shared, areas = parts @ parts.T, parts.sum(1)
    overlaps = shared / np.maximum(areas[:, None] + areas - shared, 1)
    return int((overlaps @ np.exp(sure * (scores - scores.max()))).argmax())
