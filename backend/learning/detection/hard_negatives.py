"""Places where the network sees an object that a person, looking at the frame, did not draw.

With a camera that stands still such a place fools the network in every frame alike. The labelled frames tell how much, and
in the others a candidate there must be more than that.
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
OBJECT = 0.2
"""IoU with a drawn box from which a candidate is a bad box of it rather than a mistake."""
TIMES = 2
"""Labelled frames in which a place must fool the network: once is chance, or a camera that moves."""
MARGIN = 1.0
"""Log odds that a candidate there must have above what fooled the network."""
MOST = 60
"""Places kept, the worst ones: bounds the artifact."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One such place."""

    label: int
    box: tuple[float, float, float, float]
    """Corners as shares of the frame's width and height."""
    score: float
    """Highest score there in a labelled frame."""


def find(seen: Sequence[Candidates], drawn: Sequence[Floats], sizes: Sequence[tuple[int, int]]) -> tuple[Mistake, ...]:
    """Mistakes in labelled frames, from what the network sees in each and the boxes (n, 4) that a person drew there."""
    wrong: list[tuple[int, Mistake]] = []
    for frame, (found, boxes, (width, height)) in enumerate(zip(seen, drawn, sizes, strict=True)):
        spare = ious(found.boxes, boxes).max(1, initial=0) < OBJECT
        shares = found.boxes[spare] / np.array([width, height, width, height])
        for box, score, label in zip(shares, found.scores[spare], found.classes[spare], strict=True):
            wrong.append((frame, Mistake(int(label), tuple(map(float, box)), float(score))))  # type: ignore[arg-type]
    wrong = sorted(wrong, key=lambda one: -one[1].score)[: 4 * MOST]
    if not wrong:
        return ()
    boxes = np.array([one.box for _, one in wrong])
    near = ious(boxes, boxes) >= SAME_PLACE
    labels = np.array([one.label for _, one in wrong])
    kept: list[int] = []
    for i, (_, one) in enumerate(wrong):
        alike = np.flatnonzero(near[i] & (labels == one.label))
        if len({wrong[j][0] for j in alike}) >= TIMES and not any(j in kept for j in alike):
            kept.append(i)
    return tuple(wrong[i][1] for i in kept[:MOST])


def discounted(boxes: Array, scores: Array, size: tuple[int, int], places: Sequence[Mistake], neutral: float) -> Array:
    """Scores (n,) of boxes (n, 4) of one label, lowered at the places of mistakes, where `neutral` is what fooled most."""
    if not places:
        return scores
    wrong = np.array([one.box for one in places]) * np.array([*size, *size])
    excess = np.maximum(_odds(np.array([one.score for one in places])) + MARGIN - _odds(np.array(neutral)), 0)
    loss = np.where(ious(boxes, wrong) >= SAME_PLACE, excess, 0).max(1, initial=0)
    return np.where(loss > 0, 1 / (1 + np.exp(loss - _odds(scores))), scores)


def _odds(scores: Array) -> Array:
    p = np.clip(scores, 1e-4, 1 - 1e-4)
    return np.asarray(np.log(p / (1 - p)))
