"""Temporal order: the one place that decides whether frames are a film, so that their order says where things are."""

from collections.abc import Sequence

import numpy as np

from backend.learning.tracking.detections import NO_TRACK, Detections, Floats
from backend.learning.tracking.motion import distances

MIN_FRAMES = 5
"""From which motion can be judged."""
STILL_MAX_SIDES = 0.25
"""Median distance to the next frame, in sides, below which things hardly move: then order does no harm at least."""
MIN_Z = 2.3
"""By how many standard deviations the next frame must be nearer than one far away in time more often than it is not: by
chance that happens once in a hundred times."""
MIN_SCORE = 0.2
"""Share of the frame's best score from which a detection counts."""


def is_film(frames: Sequence[Sequence[Detections]], anchors: Sequence[Sequence[Detections]]) -> bool:
    """Whether frames are a film, for each label with its detections; `anchors` are what a person labelled.

    They are where a person drew one object through several of them, or where neighbours resemble each other more than
    strangers: what is best seen in one is nearer to something in the next one than in one far away in time. Frames of which
    one has no place in time (NaN), or two have the same, are no film.
    """
    if not all(_placed(own) for own in frames):
        return False
    if any((anchor.tracks != NO_TRACK).any() for own in anchors for anchor in own):
        return True
    together = [[*own, *labelled] for own, labelled in zip(frames, anchors, strict=True) if len(own) >= MIN_FRAMES]
    seen = [sorted((f for f in own if len(f)), key=lambda frame: frame.order) for own in together]
    seen = [own for own in seen if len(own) >= MIN_FRAMES]
    if not seen:
        return False
    near = np.concatenate([_steps(own, 1) for own in seen])
    far = np.concatenate([_steps(own, max(len(own) // 3, 2)) for own in seen])
    nearer = int((near < far).sum()) - int((near > far).sum())
    return bool(np.median(near) < STILL_MAX_SIDES or nearer > MIN_Z * np.sqrt(len(near)))


def _placed(frames: Sequence[Detections]) -> bool:
    return len({frame.order for frame in frames if np.isfinite(frame.order)}) == len(frames)


def _steps(frames: Sequence[Detections], apart: int) -> Floats:
    """(frames,) from what is best seen in each to the nearest detection so many frames later, in sides of the object; the
    last ones go round to the first."""
    return np.array([_distance(now, frames[(n + apart) % len(frames)]) for n, now in enumerate(frames)])


def _distance(now: Detections, then: Detections) -> float:
    likely = then.boxes[then.scores >= MIN_SCORE * then.scores.max()]
    return float(distances(now.boxes[[now.scores.argmax()]], likely).min())
