"""Baselines without any model: what the labelled frames alone give. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from backend.types import Instance, Keypoint

Labelled = Mapping[float, Sequence[Instance]]
"""{time of a labelled frame: what is in it}"""
OTHER_LABEL_DISTANCE = 1e9
"""Distance of objects of different labels, pixels."""


def nearest(labelled: Labelled, time: float) -> list[Instance]:
    """A copy of the labelled frame that is nearest in time, of two the earlier one; nothing without labels."""
    if not labelled:
        return []
    return [_new(one) for one in labelled[min(labelled, key=lambda at: (abs(at - time), at))]]


def interpolated(labelled: Labelled, time: float) -> list[Instance]:
    """Boxes and points in straight lines between labelled frames, as Label Studio moves them between keyframes.

    Held before the first frame and after the last; an object that only one side has is shown up to half way.
    """
    before = max((at for at in labelled if at <= time), default=None)
    after = min((at for at in labelled if at >= time), default=None)
    if before is None or after is None or before == after:
        return nearest(labelled, time)
    share = (time - before) / (after - before)
    first, last = labelled[before], labelled[after]
    pairs = _same_objects(first, last)
    rest = (
        [one for n, one in enumerate(first) if n not in {i for i, _ in pairs}]
        if share < 0.5
        else [one for n, one in enumerate(last) if n not in {j for _, j in pairs}]
    )
    return [_between(first[i], last[j], share) for i, j in pairs] + [_new(one) for one in rest]


def _same_objects(first: Sequence[Instance], last: Sequence[Instance]) -> list[tuple[int, int]]:
    """Pairs of one label: with the same id where all have one, else those whose centres lie nearest to each other."""
    if not first or not last:
        return []
    if all(one.region_id for one in (*first, *last)):
        same = [(a.region_id, a.label) for a in first], [(b.region_id, b.label) for b in last]
        return [(i, same[1].index(name)) for i, name in enumerate(same[0]) if name in same[1]]
    here, there = (np.array([_centre(one) for one in some]) for some in (first, last))
    cost = np.linalg.norm(here[:, None] - there[None], axis=2)
    cost += np.array([[0.0 if a.label == b.label else OTHER_LABEL_DISTANCE for b in last] for a in first])
    rows, columns = linear_sum_assignment(cost)
    return [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if cost[i, j] < OTHER_LABEL_DISTANCE]


def _between(a: Instance, b: Instance, share: float) -> Instance:
    x0, y0, x1, y1 = (p + share * (q - p) for p, q in zip(a.box, b.box, strict=True))
    return replace(_new(a), box=(x0, y0, x1, y1), keypoints=_points_between(a, b, share))


def _points_between(a: Instance, b: Instance, share: float) -> tuple[Keypoint, ...]:
    """Points that only one side has are those of the nearer one."""
    here, there = ({point.label: point for point in one.keypoints} for one in (a, b))
    nearer = here if share < 0.5 else there
    names = [name for name in {**here, **there} if (name in here and name in there) or name in nearer]
    return tuple(
        Keypoint(name, *_on_the_way(here[name], there[name], share))
        if name in here and name in there
        else Keypoint(name, nearer[name].x, nearer[name].y)
        for name in names
    )


def _on_the_way(p: Keypoint, q: Keypoint, share: float) -> tuple[float, float]:
    return p.x + share * (q.x - p.x), p.y + share * (q.y - p.y)


def _centre(one: Instance) -> tuple[float, float]:
    return (one.box[0] + one.box[2]) / 2, (one.box[1] + one.box[3]) / 2


def _new(one: Instance) -> Instance:
    """The same in another frame: regions of their own."""
    points = tuple(replace(point, region_id=None) for point in one.keypoints)
    return replace(one, region_id=None, keypoints=points)
