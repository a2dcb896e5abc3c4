"""How the boxes of one label are turned that are shown: as their candidate is, or where a track jumps over a frame, as next to
it in time. Pure.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backend.learning.detection.rotation import Array

FARTHEST = 8
"""Frames from which an angle is taken over: tracks jump over fewer."""
NEAR = 1.0
"""Distance of centres, in diagonals of the hull, within which it is the same object."""


def turned(hulls: Sequence[Array], chosen: Sequence[NDArray[np.int64]], candidates: Sequence[Array]) -> list[Array]:
    """For each frame (n, 3) width, height and degrees of the boxes shown in it.

    `hulls` are around them, (n, 4) pixels; `chosen` (n,) tells which of the frame's `candidates` (m, 3) each is, -1 none.
    """
    found = list[Array]()
    for at, own in enumerate(chosen):
        rows = np.zeros((len(own), 3))
        rows[own >= 0] = candidates[at][own[own >= 0]]
        for n in np.flatnonzero(own < 0):
            rows[n] = _nearby(hulls, chosen, candidates, at, hulls[at][n])
        found.append(rows)
    return found


def _nearby(
    hulls: Sequence[Array], chosen: Sequence[NDArray[np.int64]], candidates: Sequence[Array], at: int, hull: Array
) -> Array:
    """(3,) of the same object in the frame next in time in which it was seen; else as the hull itself."""
    for step in sorted(range(-FARTHEST, FARTHEST + 1), key=abs)[1:]:
        if not 0 <= at + step < len(hulls):
            continue
        seen = np.flatnonzero(chosen[at + step] >= 0)
        others = hulls[at + step][seen]
        off = np.linalg.norm(others[:, :2] + others[:, 2:] - hull[:2] - hull[2:], axis=1) / 2
        if len(off) and off.min() < NEAR * np.linalg.norm(hull[2:] - hull[:2]):
            return np.asarray(candidates[at + step][chosen[at + step][seen[int(off.argmin())]]])
    return np.array([hull[2] - hull[0], hull[3] - hull[1], 0.0])
