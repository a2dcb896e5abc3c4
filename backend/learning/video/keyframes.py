"""Keyframe reduction: the fewest keyframes of a track between which straight lines stay near enough to its boxes. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from backend.tracks import Keyframe, Track

EDGE_TOLERANCE = 0.05
"""Most that an edge may lie off, as a share of the box's side along it: what a person would not mend."""


def reduce_keyframes(track: Track, kept: Collection[int] = (), tolerance: float = EDGE_TOLERANCE) -> Track:
    """The track with as few of its keyframes as possible; those of the frames `kept` and ends of lifespans stay."""
    keyframes = track.keyframes
    chosen = set[int]()
    for first, last in _lifespans(keyframes):
        fixed = [i for i in range(first, last + 1) if i in (first, last) or keyframes[i].frame in kept]
        chosen.update(fixed)
        for start, end in pairwise(fixed):
            chosen.update(start + i for i in _fewest(keyframes[start : end + 1], tolerance))
    return replace(track, keyframes=tuple(keyframes[i] for i in sorted(chosen)))


def _lifespans(keyframes: Sequence[Keyframe]) -> list[tuple[int, int]]:
    """(first, last) index of each lifespan."""
    ends = [i for i, one in enumerate(keyframes) if not one.enabled or i == len(keyframes) - 1]
    return list(zip([0, *(end + 1 for end in ends[:-1])], ends, strict=True))


def _fewest(keyframes: Sequence[Keyframe], tolerance: float) -> list[int]:
    """Indices of the fewest keyframes, first and last among them; of equally few the first way that is found.

    A straight line from one keyframe to another is near enough when its slope lies in the cone in which all lines from
    the one pass those in between (Imai and Iri's shortest path, for one edge of the box after the other).
    """
    frames = np.array([one.frame for one in keyframes], np.float64)
    boxes = np.array([one.box for one in keyframes], np.float64)
    sides = np.concatenate([boxes[:, 2:] - boxes[:, :2]] * 2, axis=1)
    allowed = tolerance * np.maximum(sides, 1.0)
    count = np.full(len(frames), len(frames))
    predecessor = np.zeros(len(frames), np.int64)
    count[0] = 0
    for i in range(len(frames) - 1):
        for j in i + 1 + np.flatnonzero(_within_tolerance(frames[i:], boxes[i:], allowed[i:])):
            if count[i] + 1 < count[j]:
                count[j], predecessor[j] = count[i] + 1, i
    chosen = [len(frames) - 1]
    while chosen[-1] > 0:
        chosen.append(int(predecessor[chosen[-1]]))
    return chosen[::-1]


def _within_tolerance(
    frames: NDArray[np.float64], boxes: NDArray[np.float64], allowed: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """(n - 1,) whether a line from the first keyframe to each later one stays near enough to those in between."""
    elapsed = (frames[1:] - frames[0])[:, None]
    slopes = (boxes[1:] - boxes[0]) / elapsed
    low = np.maximum.accumulate((boxes[1:] - allowed[1:] - boxes[0]) / elapsed)
    high = np.minimum.accumulate((boxes[1:] + allowed[1:] - boxes[0]) / elapsed)
    inside = np.ones(len(slopes), bool)
    inside[1:] = ((slopes[1:] >= low[:-1]) & (slopes[1:] <= high[:-1])).all(1)
    return inside
