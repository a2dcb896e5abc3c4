"""Masks to test with."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage

from backend.types import Mask


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
