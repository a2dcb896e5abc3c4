"""What the demo does for each head: the labeling config to paste, and the figures that say how good it is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from backend.demo.annotator import choices_config, labels_config, rectangle_config
from backend.learning.classification import evaluation as classification
from backend.learning.detection import evaluation
from backend.learning.pose import evaluation as pose
from backend.learning.segmentation import evaluation as segmentation
from backend.types import Head, LabeledFrame, Prediction

PCK_DIAGONALS = 0.05
"""Distance, in diagonals of the drawn box, up to which a point counts as found: half a paw of the bunny."""


@dataclass(frozen=True, slots=True)
class Score:
    """One figure."""

    name: str
    """As `figures.json` has it."""
    words: str
    """As the terminal has it."""
    value: float | None
    """None where there is nothing to divide by."""
    digits: int = 3


Scores = tuple[Score, ...]
Measure = Callable[[Sequence[Prediction], Sequence[LabeledFrame]], Scores]


@dataclass(frozen=True, slots=True)
class DemoCase:
    """One head of the demo."""

    head: Head
    config: Callable[[Sequence[str]], str]
    """The simplest labeling config for these labels."""
    scores: Measure
    """Figures of predictions against the truth of the same frames."""


def box_scores(predictions: Sequence[Prediction], truth: Sequence[LabeledFrame]) -> Scores:
    """Recall, precision and F1 at IoU 0.5."""
    found = evaluation.evaluate(predictions, truth)
    return (
        Score("recall", "recall at IoU 0.5", found.recall),
        Score("precision", "precision at IoU 0.5", found.precision),
        Score("f1", "F1 at IoU 0.5", found.f1),
    )


def mask_scores(predictions: Sequence[Prediction], truth: Sequence[LabeledFrame]) -> Scores:
    """J; every frame of the clip has a bunny, so that there are no empty frames to be right about."""
    found = segmentation.evaluate(predictions, truth)
    return (Score("j", "J (overlap of the masks)", found.overlap),)


def point_scores(predictions: Sequence[Prediction], truth: Sequence[LabeledFrame]) -> Scores:
    """How far points are off, and how many are found; those that only one of both has are in the latter alone."""
    shown = {prediction.task: prediction.instances for prediction in predictions}
    off: list[float] = []
    for labeled in truth:
        predicted = shown.get(labeled.frame.task, ())
        for i, j in pose.matches(predicted, labeled.instances):
            off += pose.errors(predicted[i], labeled.instances[j]).tolist()
    found = pose.evaluate(predictions, truth, near=PCK_DIAGONALS)
    within = f"within {PCK_DIAGONALS:.0%} of the box's diagonal"
    return (
        Score("mean_error_px", "mean error of the points, pixels", float(np.mean(off)) if off else None, 1),
        Score("pck", f"PCK: visible points found {within}", found.recall),
        Score("precision", f"shown points that are {within}", found.precision),
    )


def class_scores(predictions: Sequence[Prediction], truth: Sequence[LabeledFrame]) -> Scores:
    """Accuracy."""
    return (Score("accuracy", "accuracy", classification.evaluate(predictions, truth).accuracy),)


CASES: Mapping[str, DemoCase] = MappingProxyType(
    {
        case.head.value: case
        for case in (
            DemoCase(Head.DETECTION, rectangle_config, box_scores),
            DemoCase(Head.SEGMENTATION, lambda labels: labels_config("BrushLabels", labels), mask_scores),
            DemoCase(Head.POSE, lambda labels: labels_config("KeyPointLabels", labels), point_scores),
            DemoCase(Head.CLASSIFICATION, choices_config, class_scores),
        )
    }
)
"""Head -> what the demo does for it."""
