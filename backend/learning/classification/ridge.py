"""Ridge regression with an intercept, from frames' vectors to their classes, with probabilities. Pure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

Array = NDArray[np.float64]

MIN_PROBABILITY = 1e-3
"""Probabilities count as at least so much, and as at most 1 less so much: one surprise does not decide alone."""
MAX_LOGIT_SCALE = 20.0
"""Largest factor from values to log odds: few labels say no more."""


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """From vectors to log odds."""

    weights: Array
    """(n, classes)."""
    bias: Array
    """(classes,)."""
    surprise: float = 0.0
    """Mean over what it was fitted to of -log of the probability of the truth, told without its own frame's label; nats."""

    def odds(self, vectors: Array) -> Array:
        """(frames, classes) of (frames, n) vectors."""
        return np.asarray(vectors @ self.weights + self.bias)


def fit(
    vectors: Array, targets: Array, counts: Array, ridge: float, single: bool, frames: NDArray[np.int_] | None = None
) -> Linear:
    """The regression of (frames, classes) targets, 1 where a frame has the class and 0 else, on (frames, n) vectors.

    `counts` (frames,) is how much each frame counts; `ridge` the penalty, as a share of the mean squared length of a
    centred vector; `single` whether each frame has exactly one class. The factor from values to log odds (temperature
    scaling: Guo et al., On calibration of modern neural networks, ICML 2017) is the likeliest one for what the labelled
    frames would have been told without their own labels. Where several rows are of one of the `frames`, by number, all of
    them are left out together.
    """
    shares = counts / counts.sum()
    middle, base = shares @ vectors, shares @ targets
    centred = vectors - middle
    alike = centred @ centred.T
    penalty = ridge * max(float(np.diag(alike).mean()), 1e-9) / counts * counts.mean()
    inverse = np.linalg.inv(alike + np.diag(penalty))
    rows = np.arange(len(targets)) if frames is None else frames
    sharpness, surprise = _sharpness(_left_out(alike @ inverse, shares, targets, rows), targets, single)
    weights = centred.T @ inverse @ (targets - base)
    at_zero = base - middle @ weights
    # Of several classes each is there or not: its log odds are 0 half way between the two values.
    return Linear(sharpness * weights, sharpness * (at_zero if single else at_zero - 0.5), surprise / len(targets))


def probabilities(odds: Array, single: bool) -> Array:
    """Of classes, (frames, classes), from log odds."""
    if single:
        chances = np.exp(odds - odds.max(1, keepdims=True))
        return np.asarray(chances / chances.sum(1, keepdims=True))
    return np.asarray(1 / (1 + np.exp(-odds)))


def _left_out(smoother: Array, shares: Array, targets: Array, frames: NDArray[np.int_]) -> Array:
    """(rows, classes) each row's values without its own frame's labels: exactly, by what it has a say in its own values
    (Allen's PRESS, 1974; of several rows at once by the block of the hat matrix). `smoother` maps centred targets to centred
    values."""
    count = len(targets)
    hat = np.tile(shares, (count, 1)) + smoother @ (np.eye(count) - shares)
    apart, found = targets - hat @ targets, np.empty_like(targets)
    for frame in np.unique(frames):
        own = np.flatnonzero(frames == frame)
        if len(own) == 1:  # without a solver: its only number must not be 0
            found[own] = targets[own] - apart[own] / max(1 - hat[own[0], own[0]], 1e-6)
        else:
            block = np.eye(len(own)) - hat[np.ix_(own, own)]
            found[own] = targets[own] - np.linalg.lstsq(block, apart[own], rcond=1e-6)[0]
    return found


def _sharpness(values: Array, targets: Array, single: bool) -> tuple[float, float]:
    """(the likeliest factor from values to log odds, what is left of surprise in all with it)."""
    centred = values if single else values - 0.5

    def surprise(sharpness: float) -> float:
        p = np.clip(probabilities(sharpness * centred, single), MIN_PROBABILITY, 1 - MIN_PROBABILITY)
        return -float((targets * np.log(p) + (1 - targets) * np.log(1 - p)).sum())

    found = minimize_scalar(surprise, bounds=(0.0, MAX_LOGIT_SCALE), method="bounded")
    return float(found.x), float(found.fun)
