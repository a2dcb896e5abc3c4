"""Boxes that are turned: whether a group has them, how much two of them overlap, and upright boxes in their place."""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.learning.geometry.boxes import corners, ious
from backend.types import Box, Instance, LabeledFrame

ROTATED_MIN_DEGREES = 5.0
"""Degrees from which a box is turned on purpose: less is a slip of the handle."""
MIN_ROTATED_BOXES = 3
"""Turned boxes that show that a group's boxes are to be turned."""
MIN_ROTATED_SHARE = 0.1
"""Of a group's boxes that must be turned besides: among many, three are an exception."""


def has_turned(labeled: Sequence[LabeledFrame]) -> bool:
    """Whether the group's boxes are drawn turned, so that the angle is to be learnt and predicted."""
    angles = [abs(instance.angle) for one in labeled for instance in one.instances]
    turned = sum(angle > ROTATED_MIN_DEGREES for angle in angles)
    return turned >= MIN_ROTATED_BOXES and turned >= MIN_ROTATED_SHARE * len(angles)


def upright(labeled: LabeledFrame) -> LabeledFrame:
    """The frame with the smallest upright box in the image around each box that is turned."""
    if not any(instance.angle for instance in labeled.instances):
        return labeled
    size = labeled.frame.width, labeled.frame.height
    return replace(labeled, instances=tuple(_upright(instance, size) for instance in labeled.instances))


def _upright(instance: Instance, size: tuple[int, int]) -> Instance:
    if not instance.angle:
        return instance
    x0, y0, x1, y1 = instance.bounds
    box: Box = max(x0, 0.0), max(y0, 0.0), min(x1, float(size[0])), min(y1, float(size[1]))
    return replace(instance, box=box, angle=0.0)


def overlaps(a: Sequence[Instance], b: Sequence[Instance]) -> NDArray[np.float64]:
    """(n, m) intersection over union of the boxes as they are turned; 0 where both are without area."""
    if not any(instance.angle for instance in (*a, *b)):
        return ious(corners(a), corners(b))
    found = ious(bounds(a), bounds(b))
    outlines = [[np.array(one.corners, np.float32) for one in some] for some in (a, b)]
    for i, j in np.argwhere(found > 0):
        if a[i].angle or b[j].angle:
            found[i, j] = overlap(outlines[0][i], outlines[1][j])
    return found


def bounds(instances: Sequence[Instance]) -> NDArray[np.float64]:
    """(n, 4) corners of the upright boxes around them, pixels of the original frame."""
    return np.array([instance.bounds for instance in instances], np.float64).reshape(-1, 4)


def overlap(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Intersection over union of two convex polygons (k, 2), each clockwise or each not."""
    shared, _ = cv2.intersectConvexConvex(a, b)
    union = cv2.contourArea(a) + cv2.contourArea(b) - shared
    return float(shared / union) if union > 0 else 0.0
