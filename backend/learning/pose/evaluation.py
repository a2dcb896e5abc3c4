"""Evaluation of keypoints: recall, precision and F1 within a distance (PCK), of predictions against what a person drew."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from backend.learning.geometry.measures import metrics_of
from backend.learning.pose.sample import diagonal
from backend.types import Instance, LabeledFrame, Metrics, Prediction

PCK_DIAGONALS = 0.1
"""Distance, in diagonals of the drawn box, up to which a keypoint is right."""


def evaluate(predictions: Sequence[Prediction], truth: Sequence[LabeledFrame], near: float = PCK_DIAGONALS) -> Metrics:
    """Recall, precision and F1 of keypoints that are within `near`; a frame without a prediction shows nothing."""
    shown = {prediction.task: prediction.instances for prediction in predictions}
    hits = predicted = drawn = 0
    for labeled in truth:
        instances = shown.get(labeled.frame.task, ())
        predicted += sum(len(one.keypoints) for one in instances)
        drawn += sum(len(one.keypoints) for one in labeled.instances)
        for i, j in matches(instances, labeled.instances):
            limit = near * diagonal(labeled.instances[j].box)
            hits += int((errors(instances[i], labeled.instances[j]) <= limit).sum())
    return metrics_of(len(truth), hits, predicted, drawn)


def matches(predicted: Sequence[Instance], drawn: Sequence[Instance]) -> list[tuple[int, int]]:
    """Pairs of one predicted and one drawn instance whose common keypoints lie nearest to each other."""
    if not predicted or not drawn:
        return []
    far = 1e9
    apart = [[errors(p, d) for d in drawn] for p in predicted]
    cost = np.array([[float(e.mean()) if len(e) else far for e in row] for row in apart])
    rows, columns = linear_sum_assignment(cost)
    return [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if cost[i, j] < far]


def errors(a: Instance, b: Instance) -> NDArray[np.float64]:
    """Distances in pixels of the keypoints that both have."""
    other = {point.label: point for point in b.keypoints}
    pairs = [(point, other[point.label]) for point in a.keypoints if point.label in other]
    return np.array([np.hypot(p.x - q.x, p.y - q.y) for p, q in pairs], np.float64)
