"""Points as boxes around them, which detection learns, and its boxes as points again."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from backend.learning.points.spacing import MAX_SPACING_SHARE, Array, spacings
from backend.types import Instance, Keypoint, LabeledFrame, Prediction


def points_of(instances: Sequence[Instance]) -> list[Keypoint]:
    """All points, whatever object somebody took them for."""
    return [point for instance in instances for point in instance.keypoints]


def places(points: Sequence[Keypoint], label: str) -> Array:
    """(n, 2) x, y of those of a label, pixels."""
    return np.array([(point.x, point.y) for point in points if point.label == label], np.float64).reshape(-1, 2)


def side_of(labeled: Sequence[LabeledFrame]) -> float:
    """Side of the box around a point, as a share of the frame's diagonal: the usual spacing."""
    shares = list[float]()
    for one in labeled:
        size, points = (one.frame.width, one.frame.height), points_of(one.instances)
        for label in {point.label for point in points}:
            shares += list(spacings(places(points, label), size) / math.hypot(*size))
    return float(np.median(shares)) if shares else MAX_SPACING_SHARE


def points_to_boxes(labeled: LabeledFrame, side: float) -> LabeledFrame:
    """The frame with a box around each of its points; `side` is a share of the diagonal.

    A frame whose prediction was submitted as it was counts in full: that its points are there is certain, and they have
    no outline that could drift.
    """
    half = side * math.hypot(labeled.frame.width, labeled.frame.height) / 2
    boxes = tuple(
        Instance(p.label, (p.x - half, p.y - half, p.x + half, p.y + half), 1.0, p.region_id, instance.accepted)
        for instance in labeled.instances
        for p in instance.keypoints
    )
    return replace(labeled, instances=boxes, weight=1.0)


def boxes_to_points(prediction: Prediction) -> Prediction:
    """The prediction with a point in the middle of each of its boxes."""
    return replace(prediction, instances=tuple(_with_point(one) for one in prediction.instances))


def _with_point(box: Instance) -> Instance:
    x0, y0, x1, y1 = box.box
    return replace(box, keypoints=(Keypoint(box.label, (x0 + x1) / 2, (y0 + y1) / 2, box.score),))
