"""How the points of an object lie to each other, told by the labelled frames: rejects what no animal could do."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backend.learning.pose.view import Points

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Pose = tuple[tuple[float, float, float], ...]
"""For each keypoint x and y in diagonals of the box, and 1 where it is present, else 0."""
TURNING = math.radians(25)
"""Largest difference of labelled directions from which objects are taken to turn all around."""
UPRIGHT = math.radians(20)
"""How far objects may turn beyond what was labelled."""
FEWEST = 3
"""Labelled objects, and sure keypoints of one besides the one in question, from which its place can be told."""
LOOSE = 0.06
"""Least deviation, in diagonals, of a keypoint from where the others tell it to be."""
FAR = 3.0
"""Deviations beyond which a place is as impossible as any other; costs as much as a confidence 90 times lower."""


def fit(source: Points, target: Points, weight: Floats) -> tuple[complex, complex, float]:
    """The similarity z -> a * z + b of (n, 2) `source` points that comes nearest to `target`, and the deviation left."""
    s, t = source[:, 0] + 1j * source[:, 1], target[:, 0] + 1j * target[:, 1]
    w = weight / max(weight.sum(), 1e-12)
    middle_s, middle_t = (w * s).sum(), (w * t).sum()
    spread = (w * np.abs(s - middle_s) ** 2).sum()
    a = (w * np.conj(s - middle_s) * (t - middle_t)).sum() / spread if spread > 0 else 1.0 + 0j
    b = middle_t - a * middle_s
    left = math.sqrt(float((w * np.abs(a * s + b - t) ** 2).sum()))
    return complex(a), complex(b), left


def turn_of(poses: Sequence[tuple[Points, Flags]]) -> float:
    """How far objects turn to either side, radians; pi is all around."""
    angles = []
    for i, (points, present) in enumerate(poses):
        for other, shown in poses[:i]:
            both = present & shown
            if both.sum() >= 2:
                a, _, _ = fit(points[both], other[both], np.ones(int(both.sum())))
                angles.append(abs(math.atan2(a.imag, a.real)))
    if not angles:
        return UPRIGHT
    return math.pi if max(angles) > TURNING else max(angles) + UPRIGHT


def expected(index: int, places: Points, weight: Floats, poses: Floats) -> tuple[Points, Floats]:
    """Where each pose (n, keypoints, 3) that holds a keypoint tells it to be, given all others: (m, 2), deviations (m,)."""
    told, left = [], []
    for pose in poses:
        known = weight * pose[:, 2]
        known[index] = 0
        if pose[index, 2] and (known > 0.2).sum() >= FEWEST:
            a, b, rest = fit(pose[:, :2], places, known)
            z = a * complex(*pose[index, :2]) + b
            told.append((z.real, z.imag))
            left.append(rest)
    return np.array(told, float).reshape(-1, 2), np.array(left)


def looseness(poses: Floats) -> Floats:
    """(keypoints,) how far each labelled keypoint lies from where the other labelled objects tell it to be."""
    count, points = poses.shape[:2]
    found: list[list[float]] = [[] for _ in range(points)]
    for i in range(count):
        others = np.delete(poses, i, 0)
        for k in np.flatnonzero(poses[i, :, 2]):
            told, left = expected(int(k), poses[i, :, :2], poses[i, :, 2], others)
            if len(told):
                found[k].append(float((np.hypot(*(told - poses[i, k, :2]).T) + left).min()))
    return np.array([max(float(np.sqrt(np.mean(np.square(f)))) if f else np.inf, LOOSE) for f in found])


def settle(places: Points, scores: Floats, poses: Floats, loose: Floats, size: float) -> tuple[Points, Floats]:
    """Of (keypoints, m, 2) candidates, best first, with (keypoints, m) scores the ones that fit together, and their scores.

    `size` is the diagonal of the object's box in the unit of the places.
    """
    chosen = np.zeros(len(places), int)
    rows = np.arange(len(places))
    penalty = np.zeros(scores.shape)
    if len(poses) < FEWEST:
        return places[:, 0], scores[:, 0]
    for _ in range(2):
        for k in np.argsort(scores[rows, chosen]):
            if not np.isfinite(loose[k]):
                continue
            told, left = expected(int(k), places[rows, chosen], scores[rows, chosen], poses)
            if len(told):
                apart = np.hypot(*np.moveaxis(places[k][:, None] - told, -1, 0)) + left
                penalty[k] = np.minimum(apart.min(1) / size / loose[k], FAR) ** 2 / 2
                chosen[k] = int(np.argmax(np.log(scores[k] + 1e-6) - penalty[k]))
    impossible = penalty[rows, chosen] >= FAR**2 / 2
    return places[rows, chosen], np.where(impossible, scores[rows, chosen] * 0.1, scores[rows, chosen])
