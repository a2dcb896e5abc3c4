"""What the labelled frames tell about how the points of an object lie to each other."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backend.learning.pose.view import Points

Flags = NDArray[np.bool_]
TURNING = math.radians(25)
"""Largest difference of labelled directions from which objects are taken to turn all around."""
UPRIGHT = math.radians(20)
"""How far objects may turn beyond what was labelled."""


def fit(source: Points, target: Points, weight: NDArray[np.float64]) -> tuple[complex, complex]:
    """The similarity z -> a * z + b of (n, 2) `source` points that comes nearest to `target` by weighted squares."""
    s, t = source[:, 0] + 1j * source[:, 1], target[:, 0] + 1j * target[:, 1]
    w = weight / max(weight.sum(), 1e-12)
    middle_s, middle_t = (w * s).sum(), (w * t).sum()
    spread = (w * np.abs(s - middle_s) ** 2).sum()
    a = (w * np.conj(s - middle_s) * (t - middle_t)).sum() / spread if spread > 0 else 1.0 + 0j
    return complex(a), complex(middle_t - a * middle_s)


def turn_of(poses: Sequence[tuple[Points, Flags]]) -> float:
    """How far objects turn to either side, radians; pi is all around. One object, or one point, tells nothing: pi."""
    angles = []
    for i, (points, present) in enumerate(poses):
        for other, shown in poses[:i]:
            both = present & shown
            if both.sum() >= 2:
                a, _ = fit(points[both], other[both], np.ones(int(both.sum())))
                angles.append(abs(math.atan2(a.imag, a.real)))
    if not angles:
        return UPRIGHT
    return math.pi if max(angles) > TURNING else max(angles) + UPRIGHT
