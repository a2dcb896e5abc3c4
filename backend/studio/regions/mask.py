"""Masks of an image: their size, whether two are the same, and polygons filled into them.

A pixel in column i and row j is the square from (i, j) to (i + 1, j + 1). It belongs to a shape when its centre does.
"""

import numpy as np
from PIL import Image

from backend.pixel_edges import Ring
from backend.studio.regions.region import Size
from backend.types import Mask

SAME_MASK = 0.995
"""Overlap (IoU) from which two masks are one: the editor packs an untouched mask anew, a stroke changes more."""


def of_size(mask: Mask | None, size: Size) -> Mask | None:
    """The mask where it is one of an image of `size` (width, height) and not empty; a wrong shape is our own mistake."""
    if mask is None or not mask.any():
        return None
    if mask.shape != (size[1], size[0]):
        raise ValueError(f"A mask is of shape {mask.shape}. Expected that of the original image: {(size[1], size[0])}.")
    return mask


def resized(mask: Mask, size: Size) -> Mask:
    """The mask for an image of `size` (width, height), each pixel that of its nearest neighbour."""
    if mask.shape == (size[1], size[0]):
        return mask
    return np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.NEAREST), dtype=np.bool_)


def is_same_mask(first: Mask | None, second: Mask | None) -> bool:
    """Whether two masks are as good as equal; what is none, or of another shape, is another one."""
    if first is None or second is None or first.shape != second.shape:
        return False
    union = np.count_nonzero(first | second)
    return union == 0 or np.count_nonzero(first & second) / union >= SAME_MASK


def fill(ring: Ring, size: Size) -> Mask:
    """The pixels of an image of `size` whose centres lie in a polygon, by the nonzero rule as the editor draws it."""
    width, height = size
    start, end = ring, np.roll(ring, -1, axis=0)
    down = end[:, 1] > start[:, 1]
    # Each edge from its upper end, so that the two ways along a slit cross every row at exactly the same place.
    upper, lower = np.where(down[:, None], start, end), np.where(down[:, None], end, start)
    first, last = (np.clip(np.ceil(ends[:, 1] - 0.5), 0, height).astype(np.int64) for ends in (upper, lower))
    crossed = last - first
    edge = np.repeat(np.arange(len(ring)), crossed)
    row = np.arange(len(edge)) - np.repeat(np.cumsum(crossed) - crossed, crossed) + first[edge]
    share = (row + 0.5 - upper[edge, 1]) / (lower[edge, 1] - upper[edge, 1])
    x = upper[edge, 0] + share * (lower[edge, 0] - upper[edge, 0])
    column = np.clip(np.ceil(x - 0.5), 0, width).astype(np.int64)
    mask = np.zeros((height, width), dtype=np.bool_)
    if not len(edge):
        return mask
    x0, y0, y1 = int(column.min()), int(row.min()), int(row.max()) + 1
    winding = np.zeros((y1 - y0, int(column.max()) + 1 - x0), dtype=np.int32)
    np.add.at(winding, (row - y0, column - x0), np.where(down, 1, -1)[edge])
    np.cumsum(winding, axis=1, out=winding)
    # The last column lies past the last crossing: nothing is inside there.
    mask[y0:y1, x0 : x0 + winding.shape[1] - 1] = winding[:, :-1] != 0
    return mask
