"""Detection by a heatmap of centres (Zhou et al., Objects as points, 2019; boxes as in FCOS), as a method."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from backend.learning.detection import micro_model, training
from backend.learning.detection.config import DetectionConfig
from backend.learning.detection.ensemble import with_member
from backend.learning.detection.evaluation import evaluate
from backend.learning.detection.head import BACKGROUND_TENSOR
from backend.learning.detection.recipe import DetectionRecipe
from backend.learning.geometry.background import UNKNOWN_VALUE
from backend.learning.method import Method
from backend.types import Control, Head, LabeledFrame, Prediction, Quality, Weights


def _recipe(control: Control, backbone: str) -> DetectionRecipe:
    return DetectionRecipe(backbone=backbone)


def _quality(predictions: Sequence[Prediction], truth: Sequence[LabeledFrame]) -> Quality:
    return Quality("F1 at IoU 0.5", len(truth), evaluate(predictions, truth).f1)


def for_other_group(weights: Weights) -> Weights:
    """Nothing is known there of how many instances frames hold, of hard negatives, and of the background."""
    config = DetectionConfig.from_metadata(weights.metadata).for_other_group()
    arrays = {
        name: array if name != BACKGROUND_TENSOR else np.full_like(array, UNKNOWN_VALUE)
        for name, array in weights.arrays.items()
    }
    return replace(weights, arrays=arrays, metadata={**weights.metadata, **config.to_metadata()})


METHOD = Method(
    name="centre_heatmap",
    head=Head.DETECTION,
    new_recipe=_recipe,
    fit=training.train,
    restore=micro_model.load,
    measure=_quality,
    combine=with_member,
    for_other_group=for_other_group,
    switches={
        "linking in time": {"linking": False},
        "trajectory smoothing": {"smoothing": False},
        "refinement of boxes": {"refinement": False},
        "count prior": {"count_prior": False},
        "hard example mining": {"mining": False},
        "background subtraction": {"background": False},
        "contrast stretching": {"levels": False},
        "calibration": {"calibration": False},
        "weights of accepted labels": {"inexact_box_weight": 1.0},
    },
    inference_switches=frozenset(
        {"linking in time", "trajectory smoothing", "refinement of boxes", "count prior", "calibration"}
    ),
)
