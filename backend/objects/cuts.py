"""Cuts: where a film jumps from one shot to another, so that each shot may have a micro-model of its own: `by_time`.

As PySceneDetect's adaptive detector finds them: how much hue, saturation and brightness change from frame to frame, against
how much they change in the frames around. A camera that moves changes them all the time, a cut once.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backend import types
from backend.objects.film import frames_of
from backend.objects.frames import AnyFrames
from backend.objects.model import Tell

COMPARED_SIDE_PIXELS = 64
"""Pixels of the longer side that frames are compared at: a cut changes all of a frame, noise and small things do not."""
LEAST_CHANGE = 15.0
"""Mean change of hue, saturation and brightness, each of 0 to 255, from which a cut may be meant."""
CHANGE_RATIO = 3.0
"""How many times the change in the frames around a cut's must be."""
NEIGHBOUR_FRAMES = 2
"""Frames on either side that count as around."""
MIN_SHOT_FRAMES = 15
"""Frames of a shot: a flash ends nothing."""


def cuts(video: str | Path | AnyFrames, *, progress: Tell | None = None) -> list[tuple[int, int | None]]:
    """The shots of a film as `by_time` takes them: (first frame, end) from 0, the end exclusive, the last one's None.

    `video` is a file, a folder or frames that follow each other; memory holds one of them. Raises MediaError.
    """
    return shots(list(_changes(video, progress)))


def shots(changes: Sequence[float]) -> list[tuple[int, int | None]]:
    """The shots of a film in which each frame differs so much from the one before it; of the first that is 0. Pure.

    >>> shots([0, *[1.0] * 29, 80.0, *[1.0] * 29])
    [(0, 30), (30, None)]
    """
    starts = [0]
    for n, change in enumerate(changes):
        near = [*changes[max(n - NEIGHBOUR_FRAMES, 1) : n], *changes[n + 1 : n + 1 + NEIGHBOUR_FRAMES]]
        usual = sum(near) / len(near) if near else 0.0
        far_enough = min(n - starts[-1], len(changes) - n) >= MIN_SHOT_FRAMES
        if change >= LEAST_CHANGE and change >= CHANGE_RATIO * usual and far_enough:
            starts.append(n)
    return list(zip(starts, [*starts[1:], None], strict=True))


def _changes(video: str | Path | AnyFrames, progress: Tell | None) -> Iterator[float]:
    """Mean change of each frame from the one before it."""
    before: NDArray[np.int16] | None = None
    for one in frames_of(video):
        now = _small(one.frame.image)
        yield 0.0 if before is None else _change(before, now)
        before = now
        if progress is not None:
            progress(1)


def _small(image: types.Image) -> NDArray[np.int16]:
    """(height, width, 3) hue, saturation and brightness of a small picture."""
    import cv2

    share = COMPARED_SIDE_PIXELS / max(image.shape[:2])
    size = max(round(image.shape[1] * share), 1), max(round(image.shape[0] * share), 1)
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2HSV_FULL), np.int16)


def _change(before: NDArray[np.int16], now: NDArray[np.int16]) -> float:
    """Mean change; of pictures of different shapes the greatest: that is a cut."""
    if before.shape != now.shape:
        return 255.0
    apart = np.abs(now - before)
    apart[..., 0] = np.minimum(apart[..., 0], 256 - apart[..., 0])  # hue goes round
    return float(apart.mean())
