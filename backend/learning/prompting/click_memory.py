"""What clicks gave, kept for the further ones: each prompt comes with all clicks before it."""

from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from backend.types import Frame, Mask

MASKS_KEPT = 8
"""Of as many prompts: whoever takes back a click or two is answered as before. A mask of a large frame takes 8 MB."""
Points = NDArray[np.int64]
"""(n, 2) columns and rows of pixels."""
Place = tuple[int, int]
"""x and y, pixels of the original frame."""


class ClickMemory:
    """Remembers the object around the last first click, and what further clicks made of one. Whoever asks does so one prompt
    at a time."""

    def __init__(self) -> None:
        self._first: tuple[Frame, Place, Mask | None] | None = None
        self._mended: tuple[Frame, Mask, deque[tuple[Points, Points, Mask]]] | None = None

    def around(self, frame: Frame, place: Place, find: Callable[[], Mask | None]) -> Mask | None:
        """What `find` says, which is asked only where frame or place are others than the last time."""
        if self._first is None or self._first[1] != place or not _same(self._first[0], frame):
            self._first = (frame, place, find())
        return self._first[2]

    def mended(
        self, frame: Frame, mask: Mask, inside: Points, outside: Points, mend: Callable[[Mask], Mask | None]
    ) -> Mask | None:
        """What `mend` makes by all of these clicks of a mask that was known before them: of the mask itself, or of what most
        of them made of it already, so that each prompt mends one click more."""
        if self._mended is None or not np.array_equal(self._mended[1], mask) or not _same(self._mended[0], frame):
            self._mended = (frame, mask, deque(maxlen=MASKS_KEPT))
        kept = self._mended[2]
        earlier = [one for one in kept if _begins(inside, one[0]) and _begins(outside, one[1])]
        found = mend(max(earlier, key=lambda one: len(one[0]) + len(one[1]))[2] if earlier else mask)
        if found is not None:
            kept.append((inside, outside, found))
        return found


def _begins(points: Points, first: Points) -> bool:
    return np.array_equal(points[: len(first)], first)


def _same(one: Frame, other: Frame) -> bool:
    """Whether two frames show the same: for each prompt a frame is decoded anew."""
    return (one.width, one.height) == (other.width, other.height) and np.array_equal(one.image, other.image)
