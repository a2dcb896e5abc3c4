"""The object around a first click, kept for the further ones that mend it: each prompt comes with all clicks before it."""

from collections.abc import Callable

import numpy as np

from backend.types import Frame, Mask

Place = tuple[int, int]
"""x and y, pixels of the original frame."""


class FirstClick:
    """Remembers what was found around the last first click. Whoever asks does so one prompt at a time."""

    def __init__(self) -> None:
        self._last: tuple[Frame, Place, Mask | None] | None = None

    def around(self, frame: Frame, place: Place, find: Callable[[], Mask | None]) -> Mask | None:
        """What `find` says, which is asked only where frame or place are others than the last time."""
        if self._last is None or self._last[1] != place or not _same(self._last[0], frame):
            self._last = (frame, place, find())
        return self._last[2]


def _same(one: Frame, other: Frame) -> bool:
    """Whether two frames show the same: for each prompt a frame is decoded anew."""
    return (one.width, one.height) == (other.width, other.height) and np.array_equal(one.image, other.image)
