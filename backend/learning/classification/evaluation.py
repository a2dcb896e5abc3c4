"""Evaluation of classes: predictions against what a person chose."""

from collections.abc import Sequence
from dataclasses import dataclass

from backend.types import LabeledFrame, Prediction


@dataclass(frozen=True, slots=True)
class ClassificationMetrics:
    """Quality over a set of frames; None where the figure does not exist (0 / 0)."""

    frames: int
    accuracy: float | None
    """Share of frames that show exactly the chosen classes."""


def evaluate(predictions: Sequence[Prediction], truth: Sequence[LabeledFrame]) -> ClassificationMetrics:
    """Over the frames of `truth`; a frame without a prediction shows nothing."""
    shown = {one.task: {i.label for i in one.instances} for one in predictions}
    right = sum(shown.get(one.frame.task, set()) == {i.label for i in one.instances} for one in truth)
    return ClassificationMetrics(len(truth), right / len(truth) if truth else None)
