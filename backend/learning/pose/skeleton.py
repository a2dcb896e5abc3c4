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
FREE_ROTATION_RADIANS = math.radians(25)
"""Largest difference of labelled directions from which objects are taken to turn all around."""
ROTATION_MARGIN_RADIANS = math.radians(20)
"""How far objects may turn beyond what was labelled."""
MIN_SUPPORT = 3
"""Labelled objects, and sure keypoints of one besides the one in question, from which its place can be told."""
MIN_DEVIATION_DIAGONALS = 0.06
"""Least deviation, in diagonals, of a keypoint from where the others tell it to be."""
MAX_DEVIATIONS = 3.0
"""Deviations beyond which a place is as impossible as any other; costs as much as a confidence 90 times lower."""
IMPLAUSIBLE_SCORE_FACTOR = 0.1
"""What the confidence of such a place is multiplied with."""
MAX_SEED_KEYPOINTS, SEED_MIN_SCORE, SEED_MIN_DISTANCE_DIAGONALS = 6, 0.15, 0.12
"""Keypoints, the surest, that labelled objects are fitted to; least confidence; least distance of two, diagonals."""
MAX_SIZE_RATIO = 1.6
"""Most that an object is larger or smaller than a labelled one."""
HYPOTHESES_KEPT = 6
"""Hypotheses, the best, of which any may tell a keypoint's place: limbs move on their own."""


def fit_similarity(source: Points, target: Points, weight: Floats) -> tuple[complex, complex, float]:
    """The similarity z -> a * z + b of (n, 2) `source` points that comes nearest to `target`, and the deviation left."""
    s, t = source[:, 0] + 1j * source[:, 1], target[:, 0] + 1j * target[:, 1]
    w = weight / max(weight.sum(), 1e-12)
    middle_s, middle_t = (w * s).sum(), (w * t).sum()
    spread = (w * np.abs(s - middle_s) ** 2).sum()
    a = (w * np.conj(s - middle_s) * (t - middle_t)).sum() / spread if spread > 0 else 1.0 + 0j
    b = middle_t - a * middle_s
    left = math.sqrt(float((w * np.abs(a * s + b - t) ** 2).sum()))
    return complex(a), complex(b), left


def rotation_range(poses: Sequence[tuple[Points, Flags]]) -> float:
    """How far objects turn to either side, radians; pi is all around."""
    angles = []
    for i, (points, present) in enumerate(poses):
        for other, shown in poses[:i]:
            both = present & shown
            if both.sum() >= 2:
                a, _, _ = fit_similarity(points[both], other[both], np.ones(int(both.sum())))
                angles.append(abs(math.atan2(a.imag, a.real)))
    if not angles:
        return ROTATION_MARGIN_RADIANS
    return math.pi if max(angles) > FREE_ROTATION_RADIANS else max(angles) + ROTATION_MARGIN_RADIANS


def expected_places(index: int, places: Points, weight: Floats, poses: Floats) -> tuple[Points, Floats]:
    """Where each pose (n, keypoints, 3) that holds a keypoint tells it to be, given all others: (m, 2), deviations (m,)."""
    hypotheses, left = [], []
    for pose in poses:
        known = weight * pose[:, 2]
        known[index] = 0
        if pose[index, 2] and (known > 0.2).sum() >= MIN_SUPPORT:
            a, b, rest = fit_similarity(pose[:, :2], places, known)
            z = a * complex(*pose[index, :2]) + b
            hypotheses.append((z.real, z.imag))
            left.append(rest)
    return np.array(hypotheses, float).reshape(-1, 2), np.array(left)


def place_deviations(poses: Floats) -> Floats:
    """(keypoints,) how far each labelled keypoint lies from where the other labelled objects tell it to be."""
    count, points = poses.shape[:2]
    found: list[list[float]] = [[] for _ in range(points)]
    for i in range(count):
        others = np.delete(poses, i, 0)
        for k in np.flatnonzero(poses[i, :, 2]):
            hypotheses, left = expected_places(int(k), poses[i, :, :2], poses[i, :, 2], others)
            if len(hypotheses):
                found[k].append(float((np.hypot(*(hypotheses - poses[i, k, :2]).T) + left).min()))
    return np.array(
        [max(float(np.sqrt(np.mean(np.square(f)))) if f else np.inf, MIN_DEVIATION_DIAGONALS) for f in found]
    )


def consistent_candidates(
    places: Points, scores: Floats, poses: Floats, loose: Floats, size: float
) -> tuple[Points, Floats]:
    """Of (keypoints, m, 2) candidates, best first, with (keypoints, m) scores the ones that fit together, and their scores.

    `size` is the diagonal of the object's box in the unit of the places. A labelled object is fitted to each pair of
    sure points, as in RANSAC; where it agrees with most others it tells which candidates are plausible.
    """
    candidates: Complex = (places[..., 0] + 1j * places[..., 1]).astype(np.complex128) / size
    loose = np.minimum(loose, 1e6)
    hypotheses = _hypotheses(candidates, scores, poses)
    if len(poses) < MIN_SUPPORT or not len(hypotheses):
        return places[:, 0], scores[:, 0]
    for _ in range(2):
        cost = _costs(candidates, hypotheses, loose)
        log_likelihood = (np.log(scores + 1e-6) - cost).max(2)
        best = np.argsort(-log_likelihood.sum(1), kind="stable")[:HYPOTHESES_KEPT]
        hypotheses = _refined(candidates, scores, cost[best], hypotheses[best])
    penalty = _costs(candidates, hypotheses, loose).min(0)
    chosen = (np.log(scores + 1e-6) - penalty).argmax(1)
    rows = np.arange(len(places))
    implausible = penalty[rows, chosen] >= MAX_DEVIATIONS**2 / 2
    return places[rows, chosen], scores[rows, chosen] * np.where(implausible, IMPLAUSIBLE_SCORE_FACTOR, 1.0)


def _hypotheses(candidates: Complex, scores: Floats, poses: Floats) -> Complex:
    """(hypotheses, keypoints) where labelled objects, fitted to pairs of sure points, have theirs; nan where absent."""
    known = np.argsort(-scores[:, 0], kind="stable")[:MAX_SEED_KEYPOINTS]
    seeds = [(k, m) for k in known for m in (0, 1) if scores[k, m] >= SEED_MIN_SCORE]
    shape = np.where(poses[..., 2] > 0, poses[..., 0] + 1j * poses[..., 1], np.nan)
    hypotheses = []
    for (i, m), (j, n) in combinations(seeds, 2):
        base = shape[:, j] - shape[:, i]
        with np.errstate(all="ignore"):
            a = (candidates[j, n] - candidates[i, m]) / base
            plausible = (
                (np.abs(base) >= SEED_MIN_DISTANCE_DIAGONALS)
                & (np.abs(a) > 1 / MAX_SIZE_RATIO)
                & (np.abs(a) < MAX_SIZE_RATIO)
            )
        hypotheses.append(candidates[i, m] + a[plausible, None] * (shape[plausible] - shape[plausible, i, None]))
    return np.concatenate(hypotheses) if hypotheses else np.zeros((0, len(candidates)), complex)


def _costs(candidates: Complex, hypotheses: Complex, loose: Floats) -> Floats:
    """(hypotheses, keypoints, m) how implausible each candidate is; a keypoint without a hypothesis costs half."""
    distance = np.abs(candidates - hypotheses[:, :, None]) / loose[:, None]
    return np.where(np.isnan(distance), MAX_DEVIATIONS**2 / 4, np.minimum(distance, MAX_DEVIATIONS) ** 2 / 2)


def _refined(candidates: Complex, scores: Floats, cost: Floats, hypotheses: Complex) -> Complex:
    """The same hypotheses, fitted to all points that agree with them, by least squares."""
    rows = np.arange(len(candidates))
    refined = []
    for one, near in zip(cost, hypotheses, strict=True):
        chosen = (np.log(scores + 1e-6) - one).argmax(1)
        target = candidates[rows, chosen]
        weight = scores[rows, chosen] * (one[rows, chosen] < MAX_DEVIATIONS**2 / 2) * ~np.isnan(near)
        if (weight > 0).sum() < 2:
            refined.append(near)
            continue
        # A similarity of the hypothesis is one of the labelled object, too.
        known = np.nan_to_num(near)
        a, b, _ = fit_similarity(_pairs(known), _pairs(target), weight)
        refined.append(a * near + b)
    return np.array(refined)


def _pairs(points: Complex) -> Points:
    return np.stack([points.real, points.imag], -1)
