"""Segmentation by a logit for each pixel and label at full resolution, as a method."""

from collections.abc import Sequence
from dataclasses import replace

from backend.learning.method import Method
from backend.learning.segmentation import micro_model, training
from backend.learning.segmentation.config import SegmentationConfig
from backend.learning.segmentation.evaluation import evaluate
from backend.learning.segmentation.recipe import SegmentationRecipe
from backend.types import Control, Head, LabeledFrame, Prediction, Quality, Weights


def _recipe(control: Control, backbone: str) -> SegmentationRecipe:
    return SegmentationRecipe(backbone=backbone)


def _quality(predictions: Sequence[Prediction], truth: Sequence[LabeledFrame]) -> Quality:
    return Quality("J", len(truth), evaluate(predictions, truth).overlap)


def for_other_group(weights: Weights) -> Weights:
    """How many of its frames have a label tells nothing there."""
    config = replace(SegmentationConfig.from_metadata(weights.metadata), counts=())
    return replace(weights, metadata={**weights.metadata, **config.to_metadata()})


METHOD = Method(
    name="pixel_logits",
    head=Head.SEGMENTATION,
    new_recipe=_recipe,
    fit=training.train,
    restore=micro_model.load,
    measure=_quality,
    for_other_group=for_other_group,
    switches={
        "linking in time": {"linking": False},
        "presence prior": {"presence_prior": False},
        "distractor suppression": {"distractor_suppression": False},
        "own outlines": {"own_outlines": False},
        "contrast stretching": {"levels": False},
        "weights of accepted labels": {"accepted_weight": 1.0},
    },
    inference_switches=frozenset({"linking in time", "presence prior", "distractor suppression", "own outlines"}),
)
