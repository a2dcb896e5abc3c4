"""What was drawn, at another place."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.ndimage import shift
from scipy.optimize import linear_sum_assignment

from backend.types import Box, Instance, Prediction
from tests.benchmarks.baselines.baseline import Given


def moved(instance: Instance, x: float, y: float) -> Instance:
    """The same so many pixels to the right and down, a region of its own."""
    x0, y0, x1, y1 = instance.box
    mask = instance.mask
    if mask is not None:
        mask = shift(mask.astype(np.uint8), (round(y), round(x)), order=0).astype(bool)
    points = tuple(replace(point, x=point.x + x, y=point.y + y, region_id=None) for point in instance.keypoints)
    return replace(instance, box=(x0 + x, y0 + y, x1 + x, y1 + y), mask=mask, keypoints=points, region_id=None)


def hung(given: Given, predictions: Sequence[Prediction]) -> list[Prediction]:
    """Points stretched from the boxes around them to those that they hang on; all else as it is."""
    if given.boxes is None:
        return list(predictions)
    return [replace(one, instances=_hung(one.instances, given.boxes[one.task])) for one in predictions]


def _hung(shown: Sequence[Instance], boxes: Sequence[Instance]) -> tuple[Instance, ...]:
    if not shown or not boxes:
        return ()
    here, there = (np.array([_centre(one.box) for one in some]) for some in (shown, boxes))
    rows, columns = linear_sum_assignment(np.linalg.norm(here[:, None] - there[None], axis=2))
    return tuple(_stretched(shown[i], boxes[j]) for i, j in zip(rows, columns, strict=True))


def _stretched(shown: Instance, onto: Instance) -> Instance:
    (x, y), (to_x, to_y) = _centre(shown.box), _centre(onto.box)
    wide, high = ((onto.box[n + 2] - onto.box[n]) / max(shown.box[n + 2] - shown.box[n], 1.0) for n in (0, 1))
    points = tuple(
        replace(point, x=to_x + (point.x - x) * wide, y=to_y + (point.y - y) * high) for point in shown.keypoints
    )
    return replace(shown, box=onto.box, region_id=onto.region_id, keypoints=points)


def _centre(box: Box) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
