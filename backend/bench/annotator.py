"""The simulated person: sees what is shown, knows what is true, mends what is wrong and nothing else. Pure.

Right, and left alone, is a box of the same label with an IoU of 0.5 or more; a mask with a J of 0.8 or more; a point
no farther off than 5 % of the diagonal of its object's true box; the same class. A well placed box with a wrong label
is relabelled; one that overlaps a missed object at all is moved, and relabelled if need be; what is left over is
deleted, what is still missing is drawn. Pairs are found in that order, as many as possible, then those that overlap
most. How many human actions that is, `loop.review` counts from what was shown and what was submitted.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from backend.bench.scenario import Result, Scenario
from backend.learning.geometry.rotation import overlaps
from backend.learning.pose.evaluation import matches
from backend.learning.pose.sample import diagonal
from backend.loop.review.compare import compare
from backend.types import Head, Instance, Keypoint

SAME_BOX = 0.5
"""Least IoU of a box that is left alone."""
SAME_MASK = 0.8
"""Least overlap (J) of a mask that is left alone."""
SAME_POINT = 0.05
"""Greatest distance of a point that is left alone, in diagonals of its object's true box."""
AT_ALL = 1e-6
"""Least IoU of a box that is moved rather than deleted and drawn anew."""

Instances = Sequence[Instance]


def submit(scenario: Scenario, shown: Result, truth: Instances) -> list[dict[str, object]]:
    """The annotation that a person makes of a prediction."""
    seen = scenario.read(shown)
    return scenario.rewrite(
        shown, seen, mend(scenario.controls[-1].head, seen, truth, boxed=len(scenario.controls) > 1)
    )


def actions(shown: Result, submitted: Result) -> int:
    """Human actions from the one to the other."""
    return sum(tally.actions for tally in compare(shown, submitted).values())


def mend(head: Head, shown: Instances, truth: Instances, boxed: bool = False) -> list[Instance]:
    """The instances that a person leaves: those that are right are the very same objects, changed ones keep their ids.

    `boxed` says of points that each object's box is a region as well.
    """
    match head:
        case Head.DETECTION:
            return _boxes(shown, truth)
        case Head.SEGMENTATION:
            return _masks(shown, truth)
        case Head.POSE:
            return _poses(shown, truth, boxed)
        case Head.CLASSIFICATION:
            return _classes(shown, truth)


def _boxes(shown: Instances, truth: Instances) -> list[Instance]:
    found: list[Instance] = []
    left, missed = list(shown), list(truth)
    for least, same_label in ((SAME_BOX, True), (SAME_BOX, False), (AT_ALL, True), (AT_ALL, False)):
        pairs = paired(left, missed, least, same_label)
        found += [_placed(left[i], missed[j], stays=least == SAME_BOX) for i, j in pairs]
        left = [one for n, one in enumerate(left) if n not in {i for i, _ in pairs}]
        missed = [one for n, one in enumerate(missed) if n not in {j for _, j in pairs}]
    return found + missed


def _placed(shown: Instance, true: Instance, stays: bool) -> Instance:
    """The shown box with the true label, and in the true place unless it may stay."""
    if stays and shown.label == true.label:
        return shown
    if stays:
        return replace(shown, label=true.label)
    return replace(shown, label=true.label, box=true.box, angle=true.angle)


def paired(shown: Instances, truth: Instances, least: float, same_label: bool) -> list[tuple[int, int]]:
    """Pairs with an IoU of `least` or more: as many as possible, of these with the largest sum of IoU."""
    if not shown or not truth:
        return []
    overlap = overlaps(shown, truth)
    labels = np.array([[one.label == true.label or not same_label for true in truth] for one in shown])
    good = (overlap >= least) & labels
    rows, columns = linear_sum_assignment(-np.where(good, min(good.shape) + 1 + overlap, 0.0))
    return [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if good[i, j]]


def _masks(shown: Instances, truth: Instances) -> list[Instance]:
    """One mask a label: kept, or redrawn."""
    seen = {one.label: one for one in shown}
    return [_redrawn(seen[true.label], true) if true.label in seen else true for true in truth]


def _redrawn(shown: Instance, true: Instance) -> Instance:
    if shown.mask is None or true.mask is None:
        return true
    both = np.count_nonzero(shown.mask & true.mask) / max(np.count_nonzero(shown.mask | true.mask), 1)
    return shown if both >= SAME_MASK else replace(shown, box=true.box, mask=true.mask)


def _poses(shown: Instances, truth: Instances, boxed: bool) -> list[Instance]:
    """Objects are those whose points lie nearest; points by name."""
    found, pairs = dict(enumerate(truth)), list[tuple[int, int]]()
    for label in {true.label for true in truth}:
        mine = [n for n, one in enumerate(shown) if one.label == label]
        wanted = [n for n, true in enumerate(truth) if true.label == label]
        pairs += [(mine[i], wanted[j]) for i, j in matches([shown[n] for n in mine], [truth[n] for n in wanted])]
    for i, j in pairs:
        found[j] = _posed(shown[i], truth[j], boxed)
    return list(found.values())


def _posed(shown: Instance, true: Instance, boxed: bool) -> Instance:
    """The shown object with what is right of it left alone; a box that is none of the regions is that of the truth."""
    near = SAME_POINT * diagonal(true.box)
    seen = {point.label: point for point in shown.keypoints}
    points = tuple(_point(seen[p.label], p, near) if p.label in seen else p for p in true.keypoints)
    stays = not boxed or (shown.region_id is not None and _overlap(shown, true) >= SAME_BOX)
    if stays and set(points) == set(shown.keypoints):
        return shown
    return replace(shown, box=shown.box if boxed and stays else true.box, keypoints=points)


def _point(shown: Keypoint, true: Keypoint, near: float) -> Keypoint:
    return shown if np.hypot(shown.x - true.x, shown.y - true.y) <= near else replace(shown, x=true.x, y=true.y)


def _overlap(a: Instance, b: Instance) -> float:
    return float(overlaps([a], [b])[0, 0])


def _classes(shown: Instances, truth: Instances) -> list[Instance]:
    """One class a frame: kept, or another chosen."""
    if [one.label for one in shown] == [true.label for true in truth]:
        return list(shown)
    ids = [one.region_id for one in shown] or [None]
    return [replace(true, region_id=ids[0]) for true in truth]
