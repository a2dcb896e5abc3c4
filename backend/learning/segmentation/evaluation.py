"""Evaluation of masks: mean IoU (J) of predictions against what a person drew."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.learning.segmentation.masks import masks_of
from backend.types import Instance, LabeledFrame, Prediction


@dataclass(frozen=True, slots=True)
class SegmentationMetrics:
    """Quality over a set of frames; None where the figure does not exist (0 / 0)."""

    frames: int
    overlap: float | None
    """Mean intersection over union (J) over frames and labels with a drawn mask."""
    false_positives: float | None
    """Share of frames and labels without a drawn mask that show one."""


def evaluate(predictions: Sequence[Prediction], truth: Sequence[LabeledFrame]) -> SegmentationMetrics:
    """Over the frames of `truth`; a frame without a prediction shows nothing."""
    shown = {prediction.task: prediction.instances for prediction in predictions}
    everything = [*(i for one in truth for i in one.instances), *(i for one in shown.values() for i in one)]
    labels = tuple(sorted({instance.label for instance in everything}))
    overlaps, false = [], []
    for one in truth:
        drawn = masks_of(one, labels)
        for label, mask in zip(labels, drawn, strict=True):
            predicted = _predicted(shown.get(one.frame.task, ()), label, mask)
            if mask.any():
                overlaps.append((mask & predicted).sum() / (mask | predicted).sum())
            else:
                false.append(predicted.any())
    return SegmentationMetrics(
        frames=len(truth),
        overlap=float(np.mean(overlaps)) if overlaps else None,
        false_positives=float(np.mean(false)) if false else None,
    )


def _predicted(instances: Sequence[Instance], label: str, like: NDArray[np.bool_]) -> NDArray[np.bool_]:
    out = np.zeros_like(like)
    for instance in instances:
        if instance.label == label and instance.mask is not None and instance.mask.shape == like.shape:
            out |= instance.mask
    return out
