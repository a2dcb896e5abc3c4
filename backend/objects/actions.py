"""Human actions: what a person would do to a prediction until it is right. Pure.

Right is a box with an IoU of 0.5 or more with the drawn one of its label; a mask with a J of 0.8 or more; a point no farther
off than 5 % of the diagonal of its object's box; the same class. Each object that is moved, relabelled, drawn or deleted is
an action, each point that is moved, set or deleted one, each mask that is drawn anew, each class that is chosen.
"""

import numpy as np
from numpy.typing import NDArray

from backend.instances import ABSENT, Instances
from backend.objects.film import overlaps
from backend.types import Head

SAME_BOX, SAME_MASK, SAME_POINT = 0.5, 0.8, 0.05
AT_ALL = 1e-6
"""Least IoU of a box that is moved rather than deleted and drawn anew."""


def actions(head: Head, shown: Instances, truth: Instances) -> int:
    """How many actions turn what is shown into the truth."""
    match head:
        case Head.DETECTION:
            return _of_boxes(shown, truth)
        case Head.SEGMENTATION:
            return _of_masks(shown, truth)
        case Head.POSE:
            return _of_points(shown, truth)
        case Head.CLASSIFICATION:
            return int(sorted(shown.label.tolist()) != sorted(truth.label.tolist()))


def _of_boxes(shown: Instances, truth: Instances) -> int:
    """Right ones are left alone; of the others as many as possible are relabelled or moved, the rest deleted and drawn."""
    overlap, same = overlaps(shown.xyxy, truth.xyxy), shown.label[:, None] == truth.label
    free, counts = np.ones(overlap.shape, bool), list[int]()
    for least, alike in ((SAME_BOX, True), (SAME_BOX, False), (AT_ALL, True), (AT_ALL, False)):
        good = free & (overlap >= least) & (same if alike else True)
        found = pairs(np.where(good, min(good.shape) + 1 + overlap, 0.0))
        counts.append(len(found))
        for i, j in found:
            free[i], free[:, j] = False, False
    right, *mended = counts
    return len(shown) + len(truth) - 2 * right - sum(mended)


def _of_masks(shown: Instances, truth: Instances) -> int:
    """One mask a label: drawn anew where it is not near enough, deleted where there is none."""
    known, count = {str(name): n for n, name in enumerate(shown.label)}, 0
    for n, name in enumerate(truth.label.tolist()):
        there = known.pop(name, None)
        if there is None or shown.mask[there].shape != truth.mask[n].shape:
            count += 1
            continue
        both, either = shown.mask[there] & truth.mask[n], shown.mask[there] | truth.mask[n]
        count += bool(both.sum() < SAME_MASK * max(int(either.sum()), 1))
    return count + len(known)


def _of_points(shown: Instances, truth: Instances) -> int:
    """Of each pair of objects the points that are off, missing or too many; of others all points."""
    names = tuple(dict.fromkeys((*shown.keypoint_names, *truth.keypoint_names)))
    seen, drawn = _places(shown, names), _places(truth, names)
    size = np.hypot(*(truth.xyxy[:, 2:] - truth.xyxy[:, :2]).T)
    off = np.hypot(*np.moveaxis(seen[:, None] - drawn[None], -1, 0))  # (shown, drawn, points)
    right = off <= SAME_POINT * size[:, None]
    both_absent = np.isnan(seen[:, None, :, 0]) & np.isnan(drawn[None, :, :, 0])
    wrong = (~right & ~both_absent).sum(-1)
    near = (
        np.where(np.isnan(off).all(-1), 0, 1 / (1 + np.nan_to_num(off).mean(-1)))
        if off.size
        else np.zeros(off.shape[:2])
    )
    matched = pairs(near)
    count = sum(int(wrong[i, j]) for i, j in matched)
    left = set(range(len(shown))) - {i for i, _ in matched}
    missed = set(range(len(truth))) - {j for _, j in matched}
    return count + len(left) + sum(int((~np.isnan(drawn[j, :, 0])).sum()) for j in missed)


def _places(one: Instances, names: tuple[str, ...]) -> NDArray[np.float64]:
    """(n, names, 2) of the points that are placed."""
    found = np.full((len(one), len(names), 2), np.nan)
    for at, name in enumerate(one.keypoint_names):
        placed = one.visibility[:, at] != ABSENT
        found[placed, names.index(name)] = one.keypoints[placed, at]
    return found


def pairs(worth: NDArray[np.float64]) -> list[tuple[int, int]]:
    """The pairs of rows and columns that are worth most together; a pair that is worth nothing is none."""
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(-worth)
    return [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if worth[i, j] > 0]
