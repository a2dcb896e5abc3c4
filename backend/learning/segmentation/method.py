"""Segmentation by a logit for each pixel and label at full resolution, as a method."""

from collections.abc import Sequence

from backend.learning.method import Method
from backend.learning.segmentation import micro_model, training
from backend.learning.segmentation.evaluation import evaluate
from backend.learning.segmentation.recipe import SegmentationRecipe
from backend.types import Control, Head, LabeledFrame, Prediction, Quality


def _recipe(control: Control, backbone: str) -> SegmentationRecipe:
    return SegmentationRecipe(backbone=backbone)


def _quality(predictions: Sequence[Prediction], truth: Sequence[LabeledFrame]) -> Quality:
    return Quality("J", len(truth), evaluate(predictions, truth).overlap)


METHOD = Method(
    name="pixel_logits",
    head=Head.SEGMENTATION,
    new_recipe=_recipe,
    fit=training.train,
    restore=micro_model.load,
    measure=_quality,
)
