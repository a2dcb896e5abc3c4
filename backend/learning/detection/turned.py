"""Angles of the rotated boxes that are shown: those of their candidates, or where a track jumps over a frame, the nearest in
time. Pure.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backend.learning.detection.rotation import Array

MAX_FRAME_DISTANCE = 8
"""Frames from which an angle is taken over: tracks jump over fewer."""
SAME_OBJECT_DIAGONALS = 1.0
"""Distance of centres, in diagonals of the bounding box, within which it is the same object."""


def turned(bounds: Sequence[Array], chosen: Sequence[NDArray[np.int64]], candidates: Sequence[Array]) -> list[Array]:
    """For each frame (n, 3) width, height and degrees of the boxes shown in it.

    `bounds` are around them, (n, 4) pixels; `chosen` (n,) tells which of the frame's `candidates` (m, 3) each is, -1 none.
    """
    found = list[Array]()
    for at, own in enumerate(chosen):
        rows = np.zeros((len(own), 3))
        rows[own >= 0] = candidates[at][own[own >= 0]]
        for n in np.flatnonzero(own < 0):
            rows[n] = _nearby(bounds, chosen, candidates, at, bounds[at][n])
        found.append(rows)
    return found


def _nearby(
    bounds: Sequence[Array], chosen: Sequence[NDArray[np.int64]], candidates: Sequence[Array], at: int, box: Array
) -> Array:
    """(3,) of the same object in the frame next in time in which it was seen; else as the bounding box itself."""
    for step in sorted(range(-MAX_FRAME_DISTANCE, MAX_FRAME_DISTANCE + 1), key=abs)[1:]:
        if not 0 <= at + step < len(bounds):
            continue
        seen = np.flatnonzero(chosen[at + step] >= 0)
        others = bounds[at + step][seen]
        off = np.linalg.norm(others[:, :2] + others[:, 2:] - box[:2] - box[2:], axis=1) / 2
        if len(off) and off.min() < SAME_OBJECT_DIAGONALS * np.linalg.norm(box[2:] - box[:2]):
            return np.asarray(candidates[at + step][chosen[at + step][seen[int(off.argmin())]]])
    return np.array([box[2] - box[0], box[3] - box[1], 0.0])
