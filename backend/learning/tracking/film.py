"""Whether frames are a film: the one place that decides if their order in time says anything of where things are."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from backend.learning.tracking.detections import NO_TRACK, Detections
from backend.learning.tracking.motion import distances

MIN_FRAMES = 5
"""With a detection, from which motion can be judged."""
MAX_MOTION = 4.0
"""Median distance between best detections of neighbouring frames, in sides of the object, below which motion is smooth;
generous, since among several objects the best one changes."""


def is_film(frames: Sequence[Detections], anchors: Sequence[Detections]) -> bool:
    """Whether the frames, with what a person labelled at other times, are a film.

    They are where a person drew one object through several of them, or where what is best seen in each is near what the next
    one shows. Frames of which one has no place in time (NaN), or two have the same, are none.
    """
    if len({frame.order for frame in frames if np.isfinite(frame.order)}) < len(frames):
        return False
    if any((anchor.tracks != NO_TRACK).any() for anchor in anchors):
        return True
    if len(frames) < MIN_FRAMES:
        return False
    return _moves_smoothly(sorted([*frames, *anchors], key=lambda frame: frame.order))


def _moves_smoothly(frames: Sequence[Detections]) -> bool:
    best = [frame.boxes[[frame.scores.argmax()]] for frame in frames if len(frame)]
    if len(best) < MIN_FRAMES:
        return False
    return float(np.median([distances(now, after)[0, 0] for now, after in pairwise(best)])) < MAX_MOTION
