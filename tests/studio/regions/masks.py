"""Masks to test with, and the tags that keep them pixel by pixel."""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage

from backend.studio import regions, tags
from backend.types import Control, Head, Instance, Mask

BRUSH, BITMASK = (
    Control("mask", "image", tag, Head.SEGMENTATION, ("A", "B"), "image") for tag in ("BrushLabels", "BitmaskLabels")
)
BRUSH_PAIR, BITMASK_PAIR = (
    Control("stroke", "image", tag, Head.SEGMENTATION, ("A", "B"), "image", labels_from="kind")
    for tag in ("Brush", "Bitmask")
)


def read(control: Control, *items: dict[str, Any], size: tuple[int, int] | None = None) -> regions.ReadResult:
    return tags.for_control(control).read(items, control, size)


def write(control: Control, mask: Mask, **fields: Any) -> list[dict[str, Any]]:
    instance = Instance("A", (0.0, 0.0, 1.0, 1.0), mask=mask, **fields)
    return tags.for_control(control).write([instance], control, (mask.shape[1], mask.shape[0]))


def only(found: regions.ReadResult) -> Mask:
    """The mask of the one region that was read, without a problem."""
    assert found.problems == ()
    assert len(found.instances) == 1
    assert found.instances[0].mask is not None
    return found.instances[0].mask


def disk(width: int, height: int, x: float, y: float, radius: float) -> Mask:
    """The pixels whose centres are in a circle."""
    rows, columns = np.mgrid[:height, :width]
    return np.asarray((columns + 0.5 - x) ** 2 + (rows + 0.5 - y) ** 2 < radius**2)


def blob(seed: int, width: int, height: int, share: float) -> Mask:
    """Smooth shapes, several of them with holes, over a share of the image."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).random((height, width)), 5)
    return np.asarray(noise > np.quantile(noise, 1 - share))


def iou(one: Mask, other: Mask) -> float:
    """Intersection over union."""
    return float((one & other).sum() / (one | other).sum())


small = arrays.arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 9)))
"""Any mask of few pixels: odd sizes, single pixels, holes, parts that touch at corners, also empty."""
blobs = st.builds(blob, st.integers(0, 999), st.integers(40, 90), st.integers(40, 90), st.floats(0.1, 0.9))
