"""Evaluation of boxes: recall, precision and F1 at an IoU, of predictions against what a person drew."""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from backend.learning.geometry.measures import metrics_of
from backend.learning.geometry.rotation import overlaps
from backend.types import Instance, LabeledFrame, Metrics, Prediction


def evaluate(predictions: Sequence[Prediction], truth: Sequence[LabeledFrame], iou: float = 0.5) -> Metrics:
    """Recall, precision and F1 at this IoU, of boxes as they are turned, over the frames of `truth`; a frame without a
    prediction shows nothing."""
    shown = {prediction.task: prediction.instances for prediction in predictions}
    hits = predicted = drawn = 0
    for labeled in truth:
        instances = shown.get(labeled.frame.task, ())
        hits += matches(instances, labeled.instances, iou)
        predicted += len(instances)
        drawn += len(labeled.instances)
    return metrics_of(len(truth), hits, predicted, drawn)


def matches(predicted: Sequence[Instance], drawn: Sequence[Instance], iou: float) -> int:
    """Most pairs of one predicted and one drawn instance of the same label that overlap by `iou` or more."""
    if not predicted or not drawn:
        return 0
    overlap = overlaps(predicted, drawn)
    same = np.array([[p.label == d.label for d in drawn] for p in predicted])
    good = (overlap >= iou) & same
    rows, columns = linear_sum_assignment(-(good * (1 + overlap)))
    return int(good[rows, columns].sum())
