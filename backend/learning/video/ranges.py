"""Classes of single frames as ranges of a whole video. Pure.

What a person drew is a fact: a drawn range is in a range of the same class, and no other class is in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from backend.learning.video.associate import Look
from backend.types import Keyframe, Track

FEWEST = 3
"""Looks that make a range, or a break in one; fewer are a flicker."""

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Class:
    """One class, look by look."""

    shown: Flags
    certain: Flags
    """Where a person said whether the class is there."""
    scores: NDArray[np.float64]


def ranges(looks: Sequence[Look], drawn: Sequence[Track], frames: int) -> list[Track]:
    """A track for each range of a class, in order of time, of a video of so many frames.

    `looks` are in order of time; in those that are `certain`, the classes are those of the drawn ranges. Between two
    looks a range ends half way, unless a person drew its end.
    """
    found: list[Track] = []
    for label in dict.fromkeys([t.label for t in drawn] + [i.label for look in looks for i in look.instances]):
        own = [track for track in drawn if track.label == label]
        one = _settled(_class(looks, own, label))
        found += [_range(looks, run, one, own, frames, label) for run in _runs(one.shown)]
    return sorted(found, key=lambda track: track.keyframes[0].frame)


def _class(looks: Sequence[Look], drawn: Sequence[Track], label: str) -> _Class:
    certain = np.array([look.certain for look in looks])
    scores = np.array([max((i.score for i in look.instances if i.label == label), default=0.0) for look in looks])
    inside = np.array([any(track.box_at(look.frame) for track in drawn) for look in looks])
    scores = np.where(certain, inside.astype(np.float64), scores)
    return _Class(scores > 0, certain, scores)


def _settled(one: _Class) -> _Class:
    """Without flickers: first short breaks are closed, then short ranges dropped; what is certain stays."""
    shown = one.shown.copy()
    for value in (False, True):
        for start, end in _runs(shown == value):
            inner = value or (start > 0 and end < len(shown) - 1)
            if inner and end - start + 1 < FEWEST and not one.certain[start : end + 1].any():
                shown[start : end + 1] = not value
    return replace(one, shown=shown)


def _runs(flags: Flags) -> list[tuple[int, int]]:
    """(first, last) index of each stretch of true ones."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(start), int(end) - 1) for start, end in zip(edges[::2], edges[1::2], strict=True)]


def _range(
    looks: Sequence[Look], run: tuple[int, int], one: _Class, drawn: Sequence[Track], frames: int, label: str
) -> Track:
    first, last = run
    start, end = looks[first].frame, looks[last].frame
    if not _drawn_end(start, drawn):
        start = (looks[first - 1].frame + start) // 2 + 1 if first else 1
    if not _drawn_end(end, drawn):
        end = (end + looks[last + 1].frame) // 2 if last + 1 < len(looks) else frames
    continued = [t for t in drawn if t.keyframes[0].frame <= end and t.keyframes[-1].frame >= start]
    box = next((i.box for look in looks[first : last + 1] for i in look.instances), None)
    box = box or continued[0].keyframes[0].box
    keyframes = (Keyframe(start, box), Keyframe(end, box, enabled=False)) if start < end else (
        Keyframe(end, box, enabled=False),
    )  # fmt: skip
    score = float(one.scores[first : last + 1].mean())
    return Track(label, keyframes, score, continued[0].region_id if continued else None)


def _drawn_end(frame: int, drawn: Sequence[Track]) -> bool:
    return any(frame == one.frame for track in drawn for one in track.keyframes)
