"""Crops of regions, and numbers that tell where a region lies in its frame. Pure."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from backend.types import Box, Frame, Instance

PLACE_PARTS = (2, 3)
"""Numbers of `place` that say where a box is, and how large and of which shape."""
PLACE_WIDTH = sum(PLACE_PARTS)


def regions_of(instances: Sequence[Instance]) -> Iterator[tuple[Instance, frozenset[str]]]:
    """(one instance, all labels) of each region: those of one id, or where there is none of one box, are the same region."""
    found = dict[object, list[Instance]]()
    for one in instances:
        found.setdefault(one.region_id or one.box, []).append(one)
    return ((some[0], frozenset(one.label for one in some)) for some in found.values())


def crop(frame: Frame, box: Sequence[float], margin: float = 0.0) -> Frame:
    """What is seen in a box (x0, y0, x1, y1) of a frame, pixels of the original, with a margin on each side as a share of the
    box's own; at least a pixel, and within the frame."""
    height, width = frame.image.shape[:2]
    sx, sy = width / frame.width, height / frame.height
    mx, my = margin * (box[2] - box[0]), margin * (box[3] - box[1])
    x0 = min(max(int(np.floor((box[0] - mx) * sx)), 0), width - 1)
    y0 = min(max(int(np.floor((box[1] - my) * sy)), 0), height - 1)
    x1 = min(max(int(np.ceil((box[2] + mx) * sx)), x0 + 1), width)
    y1 = min(max(int(np.ceil((box[3] + my) * sy)), y0 + 1), height)
    image = np.ascontiguousarray(frame.image[y0:y1, x0:x1])
    return Frame(frame.task, image, max(round((x1 - x0) / sx), 1), max(round((y1 - y0) / sy), 1))


def place(frame: Frame, box: Box) -> NDArray[np.float64]:
    """(5,) the box's centre, x and y, and the logarithms of its width, height and shape; all relative to the frame."""
    x0, y0, x1, y1 = box
    wide, high = max((x1 - x0) / frame.width, 1e-3), max((y1 - y0) / frame.height, 1e-3)
    shape = np.log(max(x1 - x0, 1e-3) / max(y1 - y0, 1e-3))
    centre = (x0 + x1) / 2 / frame.width, (y0 + y1) / 2 / frame.height
    return np.array([*centre, np.log(wide), np.log(high), shape])
