"""Boxes as arrays of corners x0, y0, x1, y1."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backend.pixel_edges import bounding_box
from backend.types import Box, Instance, Mask

Boxes = NDArray[np.floating]


def corners(instances: Sequence[Instance]) -> NDArray[np.float64]:
    """(n, 4) in pixels of the original frame."""
    return np.array([instance.box for instance in instances], np.float64).reshape(-1, 4)


def mask_bounds(mask: Mask) -> Box:
    """The bounding box of a mask that is not empty."""
    box = bounding_box(mask)
    assert box is not None
    return box


def ious(a: Boxes, b: Boxes) -> NDArray[np.float64]:
    """(n, 4) and (m, 4) corners -> (n, m) intersection over union; 0 where both are without area."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(2)
    union = _areas(a)[:, None] + _areas(b)[None] - shared
    return np.asarray(np.divide(shared, union, out=np.zeros(shared.shape), where=union > 0), np.float64)


def _areas(boxes: Boxes) -> Boxes:
    return np.asarray(np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(1))
