"""Tracks made smooth: a network's boxes tremble from frame to frame, objects do not.

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

Array = NDArray[np.float64]

NOISE = 0.06
"""Deviation of a network's box from the truth, in sides of the object."""
PLACE, SIZE = 4.0, 80.0
"""The most that smoothness may weigh, for the place and for the size, which changes less."""
SHARP = 0.15
"""Acceleration from which the penalty gives way, in sides of the object: twice what noise alone makes."""
FEWEST = 3
"""Boxes of a track that has an acceleration."""
ROUNDS = 3
"""Of reweighting; more change nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One object over time."""

    times: Array
    """(n,) ascending; a usual step is 1."""
    boxes: Array
    """(n, 4) corners in pixels."""
    weights: Array
    """(n,) how firmly each box is believed; a network's has 1, less is a guess."""


def smooth(tracks: Sequence[Track]) -> list[Array]:
    """(n, 4) boxes of each track; of all together, since they tell how things move here."""
    shapes = [_shape(track) for track in tracks]
    place = _stiffness([_turns(track, shape[:, :2]) for track, shape in zip(tracks, shapes, strict=True)], PLACE)
    size = _stiffness([_turns(track, shape[:, 2:]) for track, shape in zip(tracks, shapes, strict=True)], SIZE)
    return [
        _boxes(track, np.concatenate([_fit(track, shape[:, :2], place), _fit(track, shape[:, 2:], size)], 1))
        for track, shape in zip(tracks, shapes, strict=True)
    ]


def _shape(track: Track) -> Array:
    """(n, 4) centres in sides of the object, and the logarithms of width and height."""
    corners, sides = track.boxes.reshape(-1, 2, 2), _sides(track)
    return np.concatenate([corners.mean(1) / _unit(track), np.log(sides)], 1)


def _boxes(track: Track, shape: Array) -> Array:
    if len(shape) < FEWEST:
        return track.boxes
    centres, halves = shape[:, :2] * _unit(track), np.exp(shape[:, 2:]) / 2
    return np.concatenate([centres - halves, centres + halves], 1)


def _sides(track: Track) -> Array:
    return np.maximum(track.boxes[:, 2:] - track.boxes[:, :2], 1e-3)


def _unit(track: Track) -> float:
    """The object's usual side, pixels."""
    return float(np.median(np.sqrt(_sides(track).prod(1))))


def _stiffness(turns: Sequence[Array], most: float) -> float:
    """Weight of the penalty: the variance of the noise over that of the objects' own acceleration."""
    every = np.abs(np.concatenate([one.ravel() for one in turns])) if turns else np.zeros(0)
    if not len(every):
        return 0.0
    usual = float(np.median(every)) / 0.6745  # as of a normal distribution
    own = usual**2 - 6 * NOISE**2  # a second difference of noise has six times its variance
    return min(NOISE**2 / own, most) if own > 0 else most


def _turns(track: Track, values: Array) -> Array:
    """(m, c) accelerations between boxes that were seen."""
    seen = track.weights >= 1
    return _second(_differences(track.times[seen]), values[seen])


def _differences(times: Array) -> Array:
    """(n - 2, 3) what a box, the next and the one after add to an acceleration; 1, -2, 1 for steps of 1."""
    before, after = np.diff(times)[:-1], np.diff(times)[1:]
    both = before + after
    shares: Array = np.stack([1 / before, -both / (before * after), 1 / after], 1) * np.sqrt(2 / both)[:, None]
    return shares


def _second(shares: Array, values: Array) -> Array:
    return shares[:, :1] * values[:-2] + shares[:, 1:2] * values[1:-1] + shares[:, 2:] * values[2:]


def _fit(track: Track, values: Array, stiffness: float) -> Array:
    """(n, c) the smooth course of the values."""
    if len(values) < FEWEST or not stiffness:
        return values
    shares, fitted = _differences(track.times), values
    for _ in range(ROUNDS):
        turn = np.linalg.norm(_second(shares, fitted), axis=1) / SHARP
        bands = _bands(shares, stiffness / (1 + turn**2))
        bands[0] += track.weights
        fitted = np.asarray(solveh_banded(bands, track.weights[:, None] * values, lower=True))
    return fitted


def _bands(shares: Array, weights: Array) -> Array:
    """(3, n) the penalty's matrix: its diagonal, and the two below."""
    bands = np.zeros((3, len(shares) + 2))
    for row in range(3):
        for ahead in range(3 - row):
            bands[ahead, row : row + len(shares)] += weights * shares[:, row] * shares[:, row + ahead]
    return bands
