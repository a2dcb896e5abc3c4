"""Evaluation of points: F1 within half their spacing, of predictions against what a person drew.

A point is right that lies within half the spacing at the point that was drawn (P2PNet's measure at 0.5, see `spacing`): nearer
to it than to any other, and no farther than 2.5 % of the frame's diagonal.
"""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from backend.learning.geometry.measures import metrics_of
from backend.learning.points.boxes import places, points_of
from backend.learning.points.spacing import spacings
from backend.types import Instance, LabeledFrame, Metrics, Prediction

MEASURE = "F1 of points within half their spacing"
RIGHT_WITHIN_SPACINGS = 0.5
"""Distance, in spacings, up to which a point is right."""


def evaluate(
    predictions: Sequence[Prediction], truth: Sequence[LabeledFrame], within: float = RIGHT_WITHIN_SPACINGS
) -> Metrics:
    """Recall, precision and F1 of points over the frames of `truth`; a frame without a prediction shows nothing."""
    shown = {prediction.task: prediction.instances for prediction in predictions}
    hits = predicted = drawn = 0
    for labeled in truth:
        instances = shown.get(labeled.frame.task, ())
        hits += len(matches(instances, labeled.instances, (labeled.frame.width, labeled.frame.height), within))
        predicted += len(points_of(instances))
        drawn += len(points_of(labeled.instances))
    return metrics_of(len(truth), hits, predicted, drawn)


def matches(
    predicted: Sequence[Instance],
    drawn: Sequence[Instance],
    size: tuple[int, int],
    within: float = RIGHT_WITHIN_SPACINGS,
) -> list[tuple[int, int]]:
    """Pairs of a predicted and a drawn point of one label that are near enough, by their places among all the points: as many
    as possible, and of these the nearest. `size` is that of the frame, pixels."""
    found, wanted = points_of(predicted), points_of(drawn)
    pairs = list[tuple[int, int]]()
    for label in sorted({point.label for point in wanted}):
        mine = [n for n, point in enumerate(found) if point.label == label]
        theirs = [n for n, point in enumerate(wanted) if point.label == label]
        here, there = places(found, label), places(wanted, label)
        off = np.linalg.norm(here[:, None] - there[None], axis=2) / (within * spacings(there, size))
        good = off <= 1
        rows, columns = linear_sum_assignment(-np.where(good, min(good.shape) + 1 - off, 0.0))
        pairs += [(mine[i], theirs[j]) for i, j in zip(rows, columns, strict=True) if good[i, j]]
    return pairs
