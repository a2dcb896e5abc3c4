"""How good predictions are against what a person drew."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from backend.types import Instance, LabeledFrame, Metrics, Prediction

Boxes = NDArray[np.floating]


def evaluate(predictions: Sequence[Prediction], truth: Sequence[LabeledFrame], iou: float = 0.5) -> Metrics:
    """Recall, precision and F1 at this IoU over the frames of `truth`; a frame without a prediction shows nothing."""
    shown = {prediction.task: prediction.instances for prediction in predictions}
    hits = predicted = drawn = 0
    for labeled in truth:
        instances = shown.get(labeled.frame.task, ())
        hits += matches(instances, labeled.instances, iou)
        predicted += len(instances)
        drawn += len(labeled.instances)
    return Metrics(
        frames=len(truth),
        recall=hits / drawn if drawn else None,
        precision=hits / predicted if predicted else None,
        f1=2 * hits / (drawn + predicted) if drawn + predicted else None,
    )


def matches(predicted: Sequence[Instance], drawn: Sequence[Instance], iou: float) -> int:
    """Most pairs of one predicted and one drawn instance of the same label that overlap by `iou` or more."""
    if not predicted or not drawn:
        return 0
    overlap = ious(_corners(predicted), _corners(drawn))
    same = np.array([[p.label == d.label for d in drawn] for p in predicted])
    good = (overlap >= iou) & same
    rows, columns = linear_sum_assignment(-(good * (1 + overlap)))
    return int(good[rows, columns].sum())


def ious(a: Boxes, b: Boxes) -> NDArray[np.float64]:
    """(n, 4) and (m, 4) corners -> (n, m) intersection over union; 0 where both are without area."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(2)
    union = _areas(a)[:, None] + _areas(b)[None] - shared
    return np.asarray(np.divide(shared, union, out=np.zeros(shared.shape), where=union > 0), np.float64)


def _areas(boxes: Boxes) -> Boxes:
    return np.asarray(np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(1))


def _corners(instances: Sequence[Instance]) -> Boxes:
    return np.array([instance.box for instance in instances], np.float64).reshape(-1, 4)
