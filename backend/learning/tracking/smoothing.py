"""Whittaker smoother of tracks: a detector's boxes tremble from frame to frame, objects do not.

A pure function of boxes, times and trust. Each track becomes the one that is nearest to its boxes while it accelerates
least (penalised least squares: Whittaker 1923; Eilers, A perfect smoother, 2003). How much acceleration is usual is read
off the tracks themselves, so that what moves wildly is left alone; and where a track turns sharply, or goes over to
another object, the penalty gives way (reweighted as for a Cauchy error). What a person drew pulls the boxes of the frames
around it to its own outline.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

from backend.learning.tracking.rules import TrackerRules

Floats = NDArray[np.float64]

MIN_BOXES = 3
"""Of a track that has an acceleration."""
REWEIGHTING_ROUNDS = 3
"""Of reweighting; more change nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Trajectory:
    """One object over time."""

    times: Floats
    """(n,) ascending; a typical interval is 1."""
    boxes: Floats
    """(n, 4) corners in pixels."""
    weights: Floats
    """(n,) how firmly each box is believed; a detector's has 1, less is a guess."""


def smooth(tracks: Sequence[Trajectory], rules: TrackerRules) -> list[Floats]:
    """(n, 4) boxes of each track; of all together, since they tell how things move here."""
    both = [(track, _shape(track)) for track in tracks]
    position = _lambda([_accelerations(track, shape[:, :2]) for track, shape in both], rules.max_position_lambda, rules)
    size = _lambda([_accelerations(track, shape[:, 2:]) for track, shape in both], rules.max_size_lambda, rules)
    return [_boxes(track, _smoothed(track, shape, position, size, rules)) for track, shape in both]


def _smoothed(track: Trajectory, shape: Floats, position: float, size: float, rules: TrackerRules) -> Floats:
    centres = _fit(track, shape[:, :2], position, rules)
    return np.concatenate([centres, _fit(track, shape[:, 2:], size, rules)], 1)


def _shape(track: Trajectory) -> Floats:
    """(n, 4) centres in sides of the object, and the logarithms of width and height."""
    corners, sides = track.boxes.reshape(-1, 2, 2), _sides(track)
    return np.concatenate([corners.mean(1) / _unit(track), np.log(sides)], 1)


def _boxes(track: Trajectory, shape: Floats) -> Floats:
    if len(shape) < MIN_BOXES:
        return track.boxes
    centres, halves = shape[:, :2] * _unit(track), np.exp(shape[:, 2:]) / 2
    return np.concatenate([centres - halves, centres + halves], 1)


def _sides(track: Trajectory) -> Floats:
    return np.maximum(track.boxes[:, 2:] - track.boxes[:, :2], 1e-3)


def _unit(track: Trajectory) -> float:
    """The object's usual side, pixels."""
    return float(np.median(np.sqrt(_sides(track).prod(1))))


def _lambda(accelerations: Sequence[Floats], most: float, rules: TrackerRules) -> float:
    """Weight of the penalty: the variance of the noise over that of the objects' own acceleration."""
    every = np.abs(np.concatenate([one.ravel() for one in accelerations])) if accelerations else np.zeros(0)
    if not len(every):
        return 0.0
    usual = float(np.median(every)) / 0.6745  # as of a normal distribution
    own = usual**2 - 6 * rules.box_noise**2  # a second difference of noise has six times its variance
    return min(rules.box_noise**2 / own, most) if own > 0 else most


def _accelerations(track: Trajectory, values: Floats) -> Floats:
    """(m, c) between boxes that were seen."""
    seen = track.weights >= 1
    return _second_differences(_shares(track.times[seen]), values[seen])


def _shares(times: Floats) -> Floats:
    """(n - 2, 3) what a box, the next and the one after add to an acceleration; 1, -2, 1 for steps of 1."""
    before, after = np.diff(times)[:-1], np.diff(times)[1:]
    both = before + after
    shares: Floats = np.stack([1 / before, -both / (before * after), 1 / after], 1) * np.sqrt(2 / both)[:, None]
    return shares


def _second_differences(shares: Floats, values: Floats) -> Floats:
    return shares[:, :1] * values[:-2] + shares[:, 1:2] * values[1:-1] + shares[:, 2:] * values[2:]


def _fit(track: Trajectory, values: Floats, weight: float, rules: TrackerRules) -> Floats:
    """(n, c) the smooth course of the values."""
    if len(values) < MIN_BOXES or not weight:
        return values
    shares, fitted = _shares(track.times), values
    for _ in range(REWEIGHTING_ROUNDS):
        turn = np.linalg.norm(_second_differences(shares, fitted), axis=1) / rules.cauchy_scale
        bands = _bands(shares, weight / (1 + turn**2))
        bands[0] += track.weights
        fitted = np.asarray(solveh_banded(bands, track.weights[:, None] * values, lower=True))
    return fitted


def _bands(shares: Floats, weights: Floats) -> Floats:
    """(3, n) the penalty's matrix: its diagonal, and the two below."""
    bands = np.zeros((3, len(shares) + 2))
    for row in range(3):
        for ahead in range(3 - row):
            bands[ahead, row : row + len(shares)] += weights * shares[:, row] * shares[:, row + ahead]
    return bands
