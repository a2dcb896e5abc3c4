"""Classes of single frames as ranges of a whole video. Pure.

What a person drew is a fact: a drawn range is in a range of the same class, and no other class is in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from backend.learning.video.frames import VideoFrame
from backend.tracks import Keyframe, Track

MIN_FRAMES = 3
"""Frames that make a range, or a break in one; fewer are a flicker."""

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _ClassTimeline:
    """One class, frame by frame."""

    shown: Flags
    is_drawn: Flags
    """Where a person said whether the class is there."""
    scores: NDArray[np.float64]


def ranges(frames: Sequence[VideoFrame], drawn: Sequence[Track], length: int) -> list[Track]:
    """A track for each range of a class, in order of time, of a video of `length` frames.

    `frames` are in order of time; in those that are `complete`, the classes are those of the drawn ranges. Between two
    frames a range ends half way, unless a person drew its end.
    """
    found: list[Track] = []
    for label in dict.fromkeys([t.label for t in drawn] + [i.label for frame in frames for i in frame.instances]):
        drawn_here = [track for track in drawn if track.label == label]
        timeline = _without_flicker(_timeline(frames, drawn_here, label))
        found += [_range(frames, run, timeline, drawn_here, length, label) for run in _runs(timeline.shown)]
    return sorted(found, key=lambda track: track.keyframes[0].frame)


def _timeline(frames: Sequence[VideoFrame], drawn: Sequence[Track], label: str) -> _ClassTimeline:
    is_drawn = np.array([frame.complete for frame in frames])
    scores = np.array([max((i.score for i in frame.instances if i.label == label), default=0.0) for frame in frames])
    inside = np.array([any(track.box_at(frame.number) for track in drawn) for frame in frames])
    scores = np.where(is_drawn, inside.astype(np.float64), scores)
    return _ClassTimeline(scores > 0, is_drawn, scores)


def _without_flicker(timeline: _ClassTimeline) -> _ClassTimeline:
    """Without flickers: first short breaks are closed, then short ranges dropped; what is certain stays."""
    shown = timeline.shown.copy()
    for value in (False, True):
        for start, end in _runs(shown == value):
            inner = value or (start > 0 and end < len(shown) - 1)
            if inner and end - start + 1 < MIN_FRAMES and not timeline.is_drawn[start : end + 1].any():
                shown[start : end + 1] = not value
    return replace(timeline, shown=shown)


def _runs(flags: Flags) -> list[tuple[int, int]]:
    """(first, last) index of each stretch of true ones."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(start), int(end) - 1) for start, end in zip(edges[::2], edges[1::2], strict=True)]


def _range(
    frames: Sequence[VideoFrame],
    run: tuple[int, int],
    timeline: _ClassTimeline,
    drawn: Sequence[Track],
    length: int,
    label: str,
) -> Track:
    first, last = run
    start, end = frames[first].number, frames[last].number
    if not _drawn_end(start, drawn):
        start = (frames[first - 1].number + start) // 2 + 1 if first else 1
    if not _drawn_end(end, drawn):
        end = (end + frames[last + 1].number) // 2 if last + 1 < len(frames) else length
    continued = [t for t in drawn if t.keyframes[0].frame <= end and t.keyframes[-1].frame >= start]
    box = next((i.box for frame in frames[first : last + 1] for i in frame.instances), None)
    box = box or continued[0].keyframes[0].box
    keyframes = (Keyframe(start, box), Keyframe(end, box, enabled=False)) if start < end else (
        Keyframe(end, box, enabled=False),
    )  # fmt: skip
    score = float(timeline.scores[first : last + 1].mean())
    return Track(label, keyframes, score, continued[0].region_id if continued else None)


def _drawn_end(frame: int, drawn: Sequence[Track]) -> bool:
    return any(frame == keyframe.frame for track in drawn for keyframe in track.keyframes)
