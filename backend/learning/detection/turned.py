"""How the boxes are turned that are shown: as their candidate is, or where a track jumps over a frame, as next to it in time."""

from collections.abc import Sequence

import numpy as np

from backend.learning.detection.rotation import Array
from backend.learning.detection.seen import Decided
from backend.learning.tracking.graph import distance

FARTHEST = 8
"""Frames from which an angle is taken over: tracks jump over fewer."""
NEAR = 1.0
"""Distance in sides of the object within which it is the same one."""


def turned_in(decided: Sequence[Decided], at: int) -> list[Array] | None:
    """For each label (n, 3) width, height and degrees of the boxes that are shown in a frame; None: all are upright."""
    turned = decided[at].seen.candidates.turned
    if turned is None:
        return None
    found = list[Array]()
    for label, shown in enumerate(decided[at].shown):
        rows = _candidates(decided[at], label)[np.maximum(shown.chosen, 0)] if len(turned) else np.zeros((0, 3))
        rows = np.zeros((len(shown.chosen), 3)) if len(rows) < len(shown.chosen) else rows.copy()
        for n in np.flatnonzero(shown.chosen < 0):
            rows[n] = _nearby(decided, at, label, shown.boxes[n])
        found.append(rows)
    return found


def _candidates(decided: Decided, label: int) -> Array:
    """(n, 3) of a label's candidates."""
    candidates = decided.seen.candidates
    rows = np.zeros((len(candidates), 3)) if candidates.turned is None else candidates.turned.astype(np.float64)
    return np.asarray(rows[candidates.classes == label])


def _nearby(decided: Sequence[Decided], at: int, label: int, hull: Array) -> Array:
    """(3,) of the same object in the frame next in time in which it was seen; else as the hull itself."""
    for step in sorted(range(-FARTHEST, FARTHEST + 1), key=abs)[1:]:
        if not 0 <= at + step < len(decided):
            continue
        shown = decided[at + step].shown[label]
        seen = np.flatnonzero(shown.chosen >= 0)
        off = distance(hull[None], shown.boxes[seen])[0]
        if len(off) and off.min() < NEAR:
            nearest = shown.chosen[seen[int(off.argmin())]]
            return np.asarray(_candidates(decided[at + step], label)[nearest])
    return np.array([hull[2] - hull[0], hull[3] - hull[1], 0.0])
