"""Pose prior: how the keypoints of an object lie to each other in labelled frames; rejects implausible ones."""

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from backend.learning.geometry.crop import Points

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]
"""x + iy."""
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
IMPOSSIBLE = 0.1
"""What the confidence of such a place is multiplied with."""
SEEDS, WORTH, APART = 6, 0.15, 0.12
"""Keypoints, the surest, that labelled objects are laid upon; least confidence; least distance of two, diagonals."""
SIZES = 1.6
"""Most that an object is larger or smaller than a labelled one."""
AGREEING = 6
"""Layings, the best, of which any may tell a keypoint's place: limbs move on their own."""


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


def consistent_candidates(
    places: Points, scores: Floats, poses: Floats, loose: Floats, size: float
) -> tuple[Points, Floats]:
    """Of (keypoints, m, 2) candidates, best first, with (keypoints, m) scores the ones that fit together, and their scores.

    `size` is the diagonal of the object's box in the unit of the places. A labelled object is laid upon each pair of
    sure points; where it agrees with most others it tells which candidates are possible.
    """
    spots: Complex = (places[..., 0] + 1j * places[..., 1]).astype(np.complex128) / size
    loose = np.minimum(loose, 1e6)
    told = _laid(spots, scores, poses)
    if len(poses) < FEWEST or not len(told):
        return places[:, 0], scores[:, 0]
    for _ in range(2):
        cost = _costs(spots, told, loose)
        worth = (np.log(scores + 1e-6) - cost).max(2)
        best = np.argsort(-worth.sum(1), kind="stable")[:AGREEING]
        told = _refined(spots, scores, cost[best], told[best])
    penalty = _costs(spots, told, loose).min(0)
    chosen = (np.log(scores + 1e-6) - penalty).argmax(1)
    rows = np.arange(len(places))
    impossible = penalty[rows, chosen] >= FAR**2 / 2
    return places[rows, chosen], scores[rows, chosen] * np.where(impossible, IMPOSSIBLE, 1.0)


def _laid(spots: Complex, scores: Floats, poses: Floats) -> Complex:
    """(hypotheses, keypoints) where labelled objects, laid upon pairs of sure points, have theirs; nan where absent."""
    known = np.argsort(-scores[:, 0], kind="stable")[:SEEDS]
    seeds = [(k, m) for k in known for m in (0, 1) if scores[k, m] >= WORTH]
    shape = np.where(poses[..., 2] > 0, poses[..., 0] + 1j * poses[..., 1], np.nan)
    laid = []
    for (i, m), (j, n) in combinations(seeds, 2):
        base = shape[:, j] - shape[:, i]
        with np.errstate(all="ignore"):
            a = (spots[j, n] - spots[i, m]) / base
            good = (np.abs(base) >= APART) & (np.abs(a) > 1 / SIZES) & (np.abs(a) < SIZES)
        laid.append(spots[i, m] + a[good, None] * (shape[good] - shape[good, i, None]))
    return np.concatenate(laid) if laid else np.zeros((0, len(spots)), complex)


def _costs(spots: Complex, told: Complex, loose: Floats) -> Floats:
    """(hypotheses, keypoints, m) how impossible each candidate is; a keypoint that nothing is told of costs half."""
    apart = np.abs(spots - told[:, :, None]) / loose[:, None]
    return np.where(np.isnan(apart), FAR**2 / 4, np.minimum(apart, FAR) ** 2 / 2)


def _refined(spots: Complex, scores: Floats, cost: Floats, told: Complex) -> Complex:
    """The same, laid upon all points that agree with them, by least squares."""
    rows = np.arange(len(spots))
    better = []
    for one, near in zip(cost, told, strict=True):
        chosen = (np.log(scores + 1e-6) - one).argmax(1)
        there = spots[rows, chosen]
        weight = scores[rows, chosen] * (one[rows, chosen] < FAR**2 / 2) * ~np.isnan(near)
        if (weight > 0).sum() < 2:
            better.append(near)
            continue
        # A similarity of what is laid now is one of the labelled object, too.
        known = np.nan_to_num(near)
        a, b, _ = fit(_pairs(known), _pairs(there), weight)
        better.append(a * near + b)
    return np.array(better)


def _pairs(points: Complex) -> Points:
    return np.stack([points.real, points.imag], -1)
