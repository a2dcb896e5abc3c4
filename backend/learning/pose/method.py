"""Pose by a heatmap for each keypoint in a crop around each object (top-down pose estimation), as a method."""

from collections.abc import Sequence

from backend.learning.method import Method
from backend.learning.pose import micro_model, training
from backend.learning.pose.evaluation import evaluate
from backend.learning.pose.recipe import PoseRecipe
from backend.types import Control, Head, LabeledFrame, Prediction, Quality


def _recipe(control: Control, backbone: str) -> PoseRecipe:
    return PoseRecipe(backbone=backbone)


def _quality(predictions: Sequence[Prediction], truth: Sequence[LabeledFrame]) -> Quality:
    return Quality("F1 of keypoints", len(truth), evaluate(predictions, truth).f1)


def _serves(control: Control) -> bool:
    """Points that are counted are those of no object."""
    return not control.counted


METHOD = Method(
    name="keypoint_heatmap",
    head=Head.POSE,
    new_recipe=_recipe,
    fit=training.train,
    restore=micro_model.load,
    measure=_quality,
    serves=_serves,
    switches={
        "skeleton": {"skeleton": False},
        "test-time views": {"views": 1},
        "weights of accepted labels": {"accepted_weight": 1.0},
    },
    inference_switches=frozenset({"skeleton", "test-time views"}),
)
