"""Matching a prompt with a probability map: which connected part is meant."""

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.learning.geometry.boxes import mask_bounds
from backend.learning.prompting.click_memory import Points
from backend.types import Box, Mask, Prompt

Chances = NDArray[np.float32]
"""(height, width) probabilities, of the original frame."""

PROBABILITY_THRESHOLDS = (0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8, 0.1, 0.9)
"""What counts as the object, the likeliest first; the first that agrees with every click is taken."""
BOX_MARGIN_SHARE = 0.1
"""How much too small a box may be drawn, in shares of its sides, on each side."""
MIN_BOX_IOU, MIN_ROUGH_BOX_IOU = 0.5, 0.25
"""Intersection over union of a drawn box and what is known in it, below which something else is meant; and of a box that may
have but half an object in it. With 0.25 for both, masks of boxes drawn a tenth off have 0.554 instead of 0.576 in a group of
half A and 0.769 instead of 0.794 in another; in one of half B it changes nothing."""
DRAWN_BOX_IOU = 0.6
"""The same, from which it is the box of what is known: a box around an object whose sides are each drawn a tenth too far
inside has 0.64."""
MIN_PART_SHARE = 0.1
"""Share of the largest part's area from which another part in the box belongs to the object too."""


def under(chances: Chances, prompt: Prompt, *, whole: bool, rough: bool = False) -> Mask | None:
    """The object that is meant; None where the map knows none there. `whole`: it must be one connected part; `rough`: a box
    is but roughly where it is."""
    least = MIN_ROUGH_BOX_IOU if rough else MIN_BOX_IOU
    if prompt.box is not None:
        return in_box(chances, prompt.box, least, whole=whole)
    if prompt.outline is not None:
        found = in_box(chances, mask_bounds(prompt.outline), MIN_ROUGH_BOX_IOU, whole=whole)
        return found if found is not None and iou(found, prompt.outline) >= MIN_ROUGH_BOX_IOU else None
    inside, outside = seeds(prompt, chances.shape)
    for threshold in PROBABILITY_THRESHOLDS if len(inside) else ():
        parts = np.asarray(cv2.connectedComponents((chances >= threshold).astype(np.uint8), connectivity=4)[1])
        chosen = parts[inside[:, 1], inside[:, 0]]
        if (chosen == 0).any() or np.isin(parts[outside[:, 1], outside[:, 0]], chosen).any():
            continue
        mask = np.isin(parts, chosen)
        if not whole or len(set(chosen.tolist())) == 1:
            return np.asarray(mask)
    return None


def in_box(chances: Chances, box: Box, least: float, *, whole: bool) -> Mask | None:
    """What lies in a box, but for specks, where it fills the box with an IoU of `least` or more: by the first threshold whose
    mask does so as well as a box drawn by hand would fit, else by the one whose mask does so best."""
    best, chosen = least, None
    for threshold in PROBABILITY_THRESHOLDS:
        mask = _within(chances, box, threshold, whole=whole)
        fit = 0.0 if mask is None else overlap(mask_bounds(mask), box)
        if fit >= DRAWN_BOX_IOU:
            return mask
        if fit > best:
            best, chosen = fit, mask
    return chosen


def _within(chances: Chances, box: Box, threshold: float, *, whole: bool) -> Mask | None:
    """What is above a threshold in a rough box, but for specks; None where nothing is."""
    x0, y0, x1, y1 = box
    wide, high = BOX_MARGIN_SHARE * (x1 - x0), BOX_MARGIN_SHARE * (y1 - y0)
    rows = slice(max(round(y0 - high), 0), max(round(y1 + high), 0))
    columns = slice(max(round(x0 - wide), 0), max(round(x1 + wide), 0))
    mask = np.zeros(chances.shape, np.uint8)
    mask[rows, columns] = chances[rows, columns] >= threshold
    count, parts, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    if count < 2:
        return None
    areas = stats[1:, cv2.CC_STAT_AREA]
    kept = areas >= areas.max() if whole else areas >= MIN_PART_SHARE * areas.max()
    return np.asarray(np.isin(parts, 1 + np.flatnonzero(kept)))


def seeds(prompt: Prompt, shape: tuple[int, ...]) -> tuple[Points, Points]:
    """(n, 2) columns and rows of pixels that are the object, and of those that are not."""
    last = np.array([shape[1] - 1, shape[0] - 1])
    inside, outside = (
        np.clip(np.array(points, np.float64).reshape(-1, 2).astype(np.int64), 0, last)
        for points in (prompt.inside, prompt.outside)
    )
    if prompt.stroke is not None:
        inside = np.concatenate([inside, core(prompt.stroke)])
    return inside, outside


def core(stroke: Mask) -> Points:
    """(1, 2) column and row of the pixel of a stroke that is farthest from its edge."""
    distance = cv2.distanceTransform(np.pad(stroke, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    row, column = np.unravel_index(int(distance.argmax()), distance.shape)
    return np.array([[column, row]], np.int64)


def iou(one: Mask, other: Mask) -> float:
    """Intersection over union of two masks."""
    return float(np.count_nonzero(one & other) / max(np.count_nonzero(one | other), 1))


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes."""
    width = max(min(one[2], other[2]) - max(one[0], other[0]), 0.0)
    height = max(min(one[3], other[3]) - max(one[1], other[1]), 0.0)
    area = (one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1]) - width * height
    return width * height / area if area > 0 else 0.0
