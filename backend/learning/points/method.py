"""Any number of points of each label, by detection of a box around each of them, as a method."""

from collections.abc import Sequence

from backend.learning.detection import method as detection
from backend.learning.method import Method
from backend.learning.points import micro_model, training
from backend.learning.points.evaluation import MEASURE, evaluate
from backend.learning.points.micro_model import as_boxes, as_points
from backend.learning.points.recipe import PointsRecipe
from backend.types import Control, Head, LabeledFrame, Prediction, Quality, Weights


def _recipe(control: Control, backbone: str) -> PointsRecipe:
    return PointsRecipe(backbone=backbone)


def _quality(predictions: Sequence[Prediction], truth: Sequence[LabeledFrame]) -> Quality:
    return Quality(MEASURE, len(truth), evaluate(predictions, truth).f1)


def _combine(weights: Weights, previous: Weights) -> Weights:
    return as_points(detection.METHOD.combine(as_boxes(weights), as_boxes(previous)), micro_model.side_of(weights))


def _for_other_group(weights: Weights) -> Weights:
    return as_points(detection.METHOD.for_other_group(as_boxes(weights)), micro_model.side_of(weights))


def _serves(control: Control) -> bool:
    return control.counted


NOT_OF_POINTS = "refinement of boxes"
"""What the recipe of points never does."""
METHOD = Method(
    name="points",
    head=Head.POSE,
    new_recipe=_recipe,
    fit=training.train,
    restore=micro_model.load,
    measure=_quality,
    combine=_combine,
    for_other_group=_for_other_group,
    serves=_serves,
    switches={name: off for name, off in detection.METHOD.switches.items() if name != NOT_OF_POINTS},
    inference_switches=detection.METHOD.inference_switches - {NOT_OF_POINTS},
)
