"""Overfitting a micro-model of points to the labelled frames of one group."""

import time
from collections.abc import Sequence
from dataclasses import replace

from backend.learning.detection import training as detection
from backend.learning.fitting.session import Clock, Tell, Trained
from backend.learning.points.boxes import boxed, side_of
from backend.learning.points.micro_model import as_boxes, as_points
from backend.learning.points.recipe import PointsRecipe
from backend.types import Frame, LabeledFrame, Weights


def train(
    labeled: Sequence[LabeledFrame],
    unlabeled: Sequence[Frame],
    labels: tuple[str, ...],
    recipe: PointsRecipe,
    *,
    start: Weights | None = None,
    device: str = "auto",
    seed: int = 0,
    progress: Tell = lambda _: None,
    clock: Clock = time.monotonic,
) -> Trained:
    """As detection, with a box of the usual spacing around each point."""
    side = side_of(labeled)
    boxes = [boxed(one, side) for one in labeled]
    begin = start and as_boxes(start)
    trained = detection.train(
        boxes, unlabeled, labels, recipe, start=begin, device=device, seed=seed, progress=progress, clock=clock
    )
    return replace(trained, weights=as_points(trained.weights, side))
