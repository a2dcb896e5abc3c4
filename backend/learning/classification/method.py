"""Classification by ridge regression on frozen features, as a method."""

from collections.abc import Sequence

from backend.learning.classification import micro_model, training
from backend.learning.classification.evaluation import evaluate
from backend.learning.classification.recipe import ClassificationRecipe
from backend.learning.method import Method
from backend.types import Control, Head, LabeledFrame, Prediction, Quality


def _recipe(control: Control, backbone: str) -> ClassificationRecipe:
    return ClassificationRecipe(backbone=backbone, multiple=control.multiple)


def _quality(predictions: Sequence[Prediction], truth: Sequence[LabeledFrame]) -> Quality:
    return Quality("accuracy", len(truth), evaluate(predictions, truth).accuracy)


def _serves(control: Control) -> bool:
    return not control.attribute_of


METHOD = Method(
    name="ridge",
    head=Head.CLASSIFICATION,
    new_recipe=_recipe,
    fit=training.train,
    restore=micro_model.load,
    measure=_quality,
    serves=_serves,
    transfers=False,
    switches={
        "unlabelled frames": {"group_frames": 0},
        "weights of accepted labels": {"accepted_weight": 1.0},
    },
)
