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

    def odds(self, vectors: Array) -> Array:
        """(frames, classes) of (frames, n) vectors."""
        return np.asarray(vectors @ self.weights + self.bias)


def fit(vectors: Array, targets: Array, counts: Array, ridge: float, single: bool) -> Linear:
    """The regression of (frames, classes) targets, 1 where a frame has the class and 0 else, on (frames, n) vectors.

    `counts` (frames,) is how much each frame counts; `ridge` the penalty, as a share of the mean squared length of a
    centred vector; `single` whether each frame has exactly one class. The factor from values to log odds (temperature
    scaling: Guo et al., On calibration of modern neural networks, ICML 2017) is the likeliest one for what the labelled
    frames would have been told without their own labels.
    """
    shares = counts / counts.sum()
    middle, base = shares @ vectors, shares @ targets
    centred = vectors - middle
    alike = centred @ centred.T
    penalty = ridge * max(float(np.diag(alike).mean()), 1e-9) / counts * counts.mean()
    inverse = np.linalg.inv(alike + np.diag(penalty))
    sharpness = _sharpness(_left_out(alike @ inverse, shares, targets), targets, single)
    weights = centred.T @ inverse @ (targets - base)
    at_zero = base - middle @ weights
    # Of several classes each is there or not: its log odds are 0 half way between the two values.
    return Linear(sharpness * weights, sharpness * (at_zero if single else at_zero - 0.5))


def probabilities(odds: Array, single: bool) -> Array:
    """Of classes, (frames, classes), from log odds."""
    if single:
        chances = np.exp(odds - odds.max(1, keepdims=True))
        return np.asarray(chances / chances.sum(1, keepdims=True))
    return np.asarray(1 / (1 + np.exp(-odds)))


def _left_out(smoother: Array, shares: Array, targets: Array) -> Array:
    """(frames, classes) each frame's values without its own label: exactly, by what it has a say in its own values
    (Allen's PRESS, 1974). `smoother` maps centred targets to centred values."""
    count = len(targets)
    hat = np.tile(shares, (count, 1)) + smoother @ (np.eye(count) - shares)
    own = np.maximum(1 - np.diag(hat), 1e-6)
    return np.asarray(targets - (targets - hat @ targets) / own[:, None])


def _sharpness(values: Array, targets: Array, single: bool) -> float:
    """The likeliest factor from values to log odds."""
    centred = values if single else values - 0.5

    def surprise(sharpness: float) -> float:
        p = np.clip(probabilities(sharpness * centred, single), MIN_PROBABILITY, 1 - MIN_PROBABILITY)
        return -float((targets * np.log(p) + (1 - targets) * np.log(1 - p)).sum())

    return float(minimize_scalar(surprise, bounds=(0.0, MAX_LOGIT_SCALE), method="bounded").x)
