"""Outline selection by contrast: along the object's the picture changes, and inside it is unlike around it. Of
probable ones that one is taken which has most in common with all of them (minimum Bayes risk)."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.learning.prompting.random_walker import Floats

REGION_CONTRAST_WEIGHT, WEAKEST_EDGE_WEIGHT = 0.3, 0.5
"""Weights of how different inside and around are, and of the change along that quarter of the outline where it is least, where
that of the mean change along the outline is 1; logarithms of all."""
RING_CELLS = np.ones((9, 9), np.uint8)
"""Cells across which an outline is compared with what is around it."""

BESIDE: tuple[tuple[Any, Any], ...] = ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:]))
"""Cells and those right of them; cells and those below them."""

Cells = NDArray[np.bool_]


def contrasts(features: Floats, parts: Sequence[Cells]) -> list[float]:
    """How much each part of (rows, columns, d) features looks like a whole object; -inf of one too small or large to tell."""
    rings = [(cv2.dilate(part.astype(np.uint8), RING_CELLS) > 0) & ~part for part in parts]
    told = [
        min(np.count_nonzero(p), np.count_nonzero(ring)) >= len(RING_CELLS)
        for p, ring in zip(parts, rings, strict=True)
    ]
    if not any(told):
        return [-np.inf] * len(parts)
    change = [np.square(features[one] - features[other]).sum(-1) for one, other in BESIDE]
    flat = features.reshape(-1, features.shape[-1])
    inner, outer = _moments(flat, parts), _moments(flat, rings)
    spread = (inner[1] + outer[1]).sum(1)
    apart = np.square(inner[0] - outer[0]).sum(1) / np.maximum(spread, 1e-6)
    return [
        _along(change, part) + REGION_CONTRAST_WEIGHT * float(np.log(apart[at] + 1e-3)) if told[at] else -np.inf
        for at, part in enumerate(parts)
    ]


def _moments(flat: Floats, masks: Sequence[Cells]) -> tuple[Floats, Floats]:
    """(masks, d) means and variances of (cells, d) features in each mask."""
    inside = np.stack([mask.ravel() for mask in masks]).astype(np.float32)
    inside /= np.maximum(inside.sum(1, keepdims=True), 1)
    mean = inside @ flat
    return mean, np.maximum(inside @ np.square(flat) - np.square(mean), 0)


def _along(change: Sequence[Floats], part: Cells) -> float:
    """How much the picture changes along the outline of a part, given the change from each cell to the next."""
    crossed = [c[part[one] != part[other]] for c, (one, other) in zip(change, BESIDE, strict=True)]
    along = np.concatenate(crossed)
    return float(np.log(along.mean() + 1e-3) + WEAKEST_EDGE_WEIGHT * np.log(np.percentile(along, 25) + 1e-3))


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
