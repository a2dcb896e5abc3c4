"""Agreement in time: candidates of neighbouring frames are linked into tracks, and tracks decide what is shown.

A pure function of boxes and scores. Tracks are the best paths through the frames (dynamic programming, the best first,
each taking its candidates away: Pirsiavash, Ramanan, Fowlkes 2011). A path earns what its candidates' scores say and
pays for starting, for motion that is unlike the group's, and for frames that it jumps over. Then they are cut where they
jump, and joined anew. What is shown of a path is its smooth course.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from backend.learning.tracking.graph import Array, Column, Odds, Path, Rules, distance, graph_of, usual_step
from backend.learning.tracking.smoothing import Track, smooth
from backend.learning.tracking.stitching import rejoined

JUMPED = 0.5
"""Score of a box that fills a jump, as a share of the weaker end's."""
DRAWN, SEEN, GUESSED = 100.0, 1.0, 0.01
"""How firmly a box is believed that a person drew, that a network saw (whoever accepted it), or that fills a jump."""
FEWEST_STEPS = 5
"""Frames with a candidate from which motion can be judged."""
SMOOTH_STEP = 4.0
"""Median distance between best candidates of neighbouring frames, in sides of the object, below which motion is smooth;
generous, since among several objects the best one changes."""


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """What is shown of one label in one frame."""

    boxes: Array
    scores: Array
    chosen: NDArray[np.int64]
    """(n,) which candidate each box is; -1 where the track jumped over the frame."""


def link(columns: Sequence[Column], odds: Odds, rules: Rules) -> list[Shown]:
    """What is shown in each of these frames, which are in order of time."""
    graph = graph_of(columns, odds, rules)
    return _shown(columns, rejoined(graph, graph.paths()), usual_step(columns), rules.smooth)


def moves_smoothly(columns: Sequence[Column]) -> bool:
    """Whether the best candidates of neighbouring frames are near each other: else order says nothing of place."""
    best = [column.boxes[[column.scores.argmax()]] for column in columns if len(column.scores)]
    if len(best) < FEWEST_STEPS:
        return False
    steps = [distance(now, after)[0, 0] for now, after in pairwise(best)]
    return float(np.median(steps)) < SMOOTH_STEP


def _shown(columns: Sequence[Column], paths: Sequence[Path], unit: float, smoothed: bool) -> list[Shown]:
    shown: list[list[tuple[Array, float, int]]] = [[] for _ in columns]
    tracks = [_track(columns, path, unit) for path in paths]
    courses = smooth(tracks) if smoothed else [track.boxes for track in tracks]
    for path, course in zip(paths, courses, strict=True):
        first, sure = path[0][0], _smoothed(np.array([columns[t].scores[i] for t, i in path]))
        for here, (t, i) in enumerate(path):
            shown[t].append((course[t - first], float(sure[here]), i))
            if here + 1 < len(path):
                score = JUMPED * float(min(sure[here], sure[here + 1]))
                for between in range(t + 1, path[here + 1][0]):
                    shown[between].append((course[between - first], score, -1))
    return [
        Shown(
            np.array([one[0] for one in column]).reshape(-1, 4),
            np.array([one[1] for one in column]),
            np.array([one[2] for one in column], np.int64),
        )
        for column in shown
    ]


def _track(columns: Sequence[Column], path: Path, unit: float) -> Track:
    """The path with all its frames; those that it jumps over lie on the line between."""
    first, last = path[0][0], path[-1][0]
    times = np.array([column.order for column in columns[first : last + 1]]) / unit
    at = [t - first for t, _ in path]
    own = np.array([columns[t].boxes[i] for t, i in path])
    boxes = np.stack([np.interp(times, times[at], own[:, side]) for side in range(4)], 1)
    weights = np.full(len(times), GUESSED)
    weights[at] = [_weight(columns[t], i) for t, i in path]
    return Track(times, boxes, weights)


def _weight(column: Column, index: int) -> float:
    return SEEN if column.drawn is None or not column.drawn[index] else DRAWN


def _smoothed(scores: Array) -> Array:
    """Each score pulled toward those of its neighbours on the path, as log odds."""
    p = np.clip(scores, 1e-3, 1 - 1e-3)
    odds = np.log(p / (1 - p))
    weights = np.array([1.0, 2.0, 4.0, 2.0, 1.0])
    whole = np.convolve(np.pad(np.ones(len(odds)), 2), weights, "valid")
    total = np.convolve(np.pad(odds, 2), weights, "valid") / whole
    return np.asarray(1 / (1 + np.exp(-np.maximum(total, odds))))
