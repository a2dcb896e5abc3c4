"""Hard negatives: recurring false positives of labelled frames, suppressed elsewhere.

With a still camera a place at which the network sees an object that nobody drew recurs in every frame. The labelled frames
tell its score, and a candidate there must exceed that in the other frames.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.learning.detection.candidates import Candidates, Floats
from backend.learning.geometry.boxes import ious

Array = NDArray[np.float64]

SAME_PLACE = 0.5
"""IoU from which two candidates are at the same place."""
FALSE_POSITIVE_MAX_IOU = 0.2
"""IoU with a drawn box from which a candidate is a bad box of it rather than a false positive."""
MIN_FRAMES = 2
"""Labelled frames in which a false positive must recur: once is chance, or a camera that moves."""
MIN_LOGIT_MARGIN = 1.0
"""Log odds by which a candidate there must exceed the hard negative's score."""
MAX_KEPT = 60
"""Hard negatives kept, those of the highest scores: bounds the artifact."""


@dataclass(frozen=True, slots=True)
class HardNegative:
    """One such place."""

    label: int
    box: tuple[float, float, float, float]
    """Corners as shares of the frame's width and height."""
    score: float
    """Highest score there in a labelled frame."""


def find(
    seen: Sequence[Candidates], drawn: Sequence[Floats], sizes: Sequence[tuple[int, int]]
) -> tuple[HardNegative, ...]:
    """Recurring false positives in labelled frames, from the candidates of each and the boxes (n, 4) that a person drew there."""
    wrong: list[tuple[int, HardNegative]] = []
    for frame, (found, boxes, (width, height)) in enumerate(zip(seen, drawn, sizes, strict=True)):
        is_false_positive = ious(found.boxes, boxes).max(1, initial=0) < FALSE_POSITIVE_MAX_IOU
        shares = found.boxes[is_false_positive] / np.array([width, height, width, height])
        for box, score, label in zip(
            shares, found.scores[is_false_positive], found.classes[is_false_positive], strict=True
        ):
            wrong.append((frame, HardNegative(int(label), tuple(map(float, box)), float(score))))  # type: ignore[arg-type]
    wrong = sorted(wrong, key=lambda one: -one[1].score)[: 4 * MAX_KEPT]
    if not wrong:
        return ()
    boxes = np.array([one.box for _, one in wrong])
    near = ious(boxes, boxes) >= SAME_PLACE
    labels = np.array([one.label for _, one in wrong])
    kept: list[int] = []
    for i, (_, one) in enumerate(wrong):
        alike = np.flatnonzero(near[i] & (labels == one.label))
        if len({wrong[j][0] for j in alike}) >= MIN_FRAMES and not any(j in kept for j in alike):
            kept.append(i)
    return tuple(wrong[i][1] for i in kept[:MAX_KEPT])


def suppress_hard_negatives(
    boxes: Array, scores: Array, size: tuple[int, int], places: Sequence[HardNegative], neutral: float
) -> Array:
    """Scores (n,) of boxes (n, 4) of one label, lowered where hard negatives are; `neutral` is the score threshold."""
    if not places:
        return scores
    wrong = np.array([one.box for one in places]) * np.array([*size, *size])
    excess = np.maximum(_odds(np.array([one.score for one in places])) + MIN_LOGIT_MARGIN - _odds(np.array(neutral)), 0)
    loss = np.where(ious(boxes, wrong) >= SAME_PLACE, excess, 0).max(1, initial=0)
    return np.where(loss > 0, 1 / (1 + np.exp(loss - _odds(scores))), scores)


def _odds(scores: Array) -> Array:
    p = np.clip(scores, 1e-4, 1 - 1e-4)
    return np.asarray(np.log(p / (1 - p)))
