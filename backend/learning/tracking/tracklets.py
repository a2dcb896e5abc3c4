"""From paths through the graph to tracks: gaps are filled, boxes and scores smoothed."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from backend.learning.tracking.detections import NO_CANDIDATE, Detections, Floats, Ints
from backend.learning.tracking.graph import Path
from backend.learning.tracking.motion import typical_interval
from backend.learning.tracking.rules import TrackerRules
from backend.learning.tracking.smoothing import Trajectory, smooth

SCORE_KERNEL = np.array([1.0, 2.0, 4.0, 2.0, 1.0])
"""Weights of a detection and of its neighbours on the path in its score."""


@dataclass(frozen=True, slots=True, eq=False)
class Tracklet:
    """One object through the frames that the tracker was asked about."""

    frames: Ints
    """(n,) indices, ascending."""
    boxes: Floats
    """(n, 4) corners in pixels, smoothed."""
    scores: Floats
    """(n,) in [0, 1], smoothed."""
    candidates: Ints
    """(n,) index of each box among the frame's detections; `NO_CANDIDATE` where it was drawn or fills a gap."""
    identity: int
    """Which object a person said this is; `NO_TRACK`: nobody did."""


def to_tracklets(
    frames: Sequence[Detections], paths: Sequence[Path], identities: Sequence[int], rules: TrackerRules
) -> list[Tracklet]:
    """One for each path, with all frames from its first to its last."""
    interval = typical_interval(frames)
    trajectories = [_trajectory(frames, path, interval, rules) for path in paths]
    smoothed = smooth(trajectories, rules) if rules.smooth else [one.boxes for one in trajectories]
    found = list[Tracklet]()
    for path, boxes, identity in zip(paths, smoothed, identities, strict=True):
        first, last = path[0][0], path[-1][0]
        candidates = np.full(last - first + 1, NO_CANDIDATE)
        candidates[[t - first for t, _ in path]] = [frames[t].candidates[i] for t, i in path]
        scores = _filled_scores(path, _smoothed_scores(np.array([frames[t].scores[i] for t, i in path])), rules)
        found.append(Tracklet(np.arange(first, last + 1), boxes, scores, candidates, identity))
    return found


def _trajectory(frames: Sequence[Detections], path: Path, interval: float, rules: TrackerRules) -> Trajectory:
    """The path with all its frames; those that it jumps over lie on the line between."""
    first, last = path[0][0], path[-1][0]
    times = np.array([frame.order for frame in frames[first : last + 1]]) / interval
    at = [t - first for t, _ in path]
    own = np.array([frames[t].boxes[i] for t, i in path])
    boxes = np.stack([np.interp(times, times[at], own[:, side]) for side in range(4)], 1)
    weights = np.full(len(times), rules.gap_weight)
    weights[at] = [rules.drawn_weight if frames[t].drawn[i] else 1.0 for t, i in path]
    return Trajectory(times, boxes, weights)


def _filled_scores(path: Path, scores: Floats, rules: TrackerRules) -> Floats:
    """The scores of all frames of a path; where it jumps over some, a share of the weaker end's."""
    filled = [float(scores[0])]
    for (before, _), (after, _), ends in zip(path, path[1:], pairwise(scores), strict=False):
        filled += [rules.gap_score * float(min(ends))] * (after - before - 1)
        filled.append(float(ends[1]))
    return np.array(filled)


def _smoothed_scores(scores: Floats) -> Floats:
    """Each score raised toward those of its neighbours on the path, as log odds."""
    p = np.clip(scores, 1e-3, 1 - 1e-3)
    odds, reach = np.log(p / (1 - p)), len(SCORE_KERNEL) // 2
    whole = np.convolve(np.pad(np.ones(len(odds)), reach), SCORE_KERNEL, "valid")
    total = np.convolve(np.pad(odds, reach), SCORE_KERNEL, "valid") / whole
    return np.asarray(1 / (1 + np.exp(-np.maximum(total, odds))))
