"""Films: frames that follow each other, looked at in windows, with tracks that go on from one window to the next."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backend.instances import NO_TRACK, Instances
from backend.objects.frames import AnyFrames, InputFrame, each_of, film_frames, input_frame
from backend.objects.model import Model, Tell

MOST_FRAMES, LEAST_FRAMES = 96, 48
"""Of a window: what neighbours in time tell of a frame comes from these. The more pixels frames have, the fewer."""
WINDOW_PIXELS = 60_000_000
"""Of a window's frames: with their masks these take some hundred MB."""
OVERLAP_FRAMES = 16
"""Frames that two windows have in common: by these a track is known again. They are looked at twice."""
SAME_IOU = 0.5
"""Least overlap of two boxes in one frame that show the same object."""


def film(model: Model, video: str | Path | AnyFrames, progress: Tell) -> Iterator[tuple[int, Instances]]:
    """See `Model.film`."""
    source, seams, window = frames_of(video), Seams(), list[InputFrame]()
    while True:
        window += islice(source, 1)
        most = _most(window)
        window += islice(source, most - len(window))
        last = len(window) < most
        found = seams.joined([answer.found for answer in model.answers(window)] if window else [])
        done = len(window) if last else len(window) - OVERLAP_FRAMES
        for one, objects in zip(window[:done], found[:done], strict=True):
            yield one.number or 0, objects
            progress(1)
        if last:
            return
        window = window[done:]


class Seams:
    """Gives tracks of one window after the other numbers that hold throughout the film."""

    def __init__(self) -> None:
        self._tail: Sequence[Instances] = ()
        """The last frames of the window before."""
        self._next = 0

    def joined(self, window: Sequence[Instances]) -> list[Instances]:
        """The window's objects with the numbers of the film."""
        numbers = _same(self._tail, window)
        for track in sorted({int(track) for one in window for track in one.track} - {NO_TRACK, *numbers}):
            numbers[track] = self._next
            self._next += 1
        known = numbers | {NO_TRACK: NO_TRACK}
        found = [one.with_columns(track=[known[int(track)] for track in one.track]) for one in window]
        self._tail = [one.with_columns(mask=None) for one in found[-OVERLAP_FRAMES:]]
        return found


def _same(before: Sequence[Instances], after: Sequence[Instances]) -> dict[int, int]:
    """{track of `after`: track of `before` that shows the same object}, by their boxes in the frames that both have."""
    votes = defaultdict[tuple[int, int], float](float)
    for old, new in zip(before, after, strict=False):
        overlap = overlaps(old.xyxy, new.xyxy) * (old.label[:, None] == new.label)
        for i, j in np.argwhere(overlap >= SAME_IOU):
            if NO_TRACK not in (old.track[i], new.track[j]):
                votes[int(new.track[j]), int(old.track[i])] += float(overlap[i, j])
    found, taken = dict[int, int](), set[int]()
    for new_track, old_track in sorted(votes, key=lambda pair: (-votes[pair], pair)):
        if new_track not in found and old_track not in taken:
            found[new_track] = old_track
            taken.add(old_track)
    return found


def overlaps(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 4) and (m, 4) boxes -> (n, m) intersection over union."""
    sides = np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2])
    shared = np.clip(sides, 0, None).prod(-1)
    areas = [np.clip(one[:, 2:] - one[:, :2], 0, None).prod(1) for one in (a, b)]
    whole = areas[0][:, None] + areas[1] - shared
    return np.asarray(np.divide(shared, whole, out=np.zeros_like(shared), where=whole > 0))


def _most(window: Sequence[InputFrame]) -> int:
    """Frames of a window with frames like these."""
    pixels = max((one.frame.image.shape[0] * one.frame.image.shape[1] for one in window), default=1)
    return max(LEAST_FRAMES, min(MOST_FRAMES, WINDOW_PIXELS // pixels))


def frames_of(video: str | Path | AnyFrames) -> Iterator[InputFrame]:
    """One frame after the other, each with its place in time."""
    if isinstance(video, str | Path) and not Path(video).is_dir():
        yield from film_frames(Path(video))
        return
    for number, frame in enumerate(each_of(video)):
        one = input_frame(frame, number)
        yield replace(one, frame=replace(one.frame, order=float(number)))
