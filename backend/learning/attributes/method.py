"""Classes of single regions by ridge regression on frozen features of their crops, as a method."""

from collections.abc import Sequence

from backend.learning.attributes import micro_model, training
from backend.learning.attributes.evaluation import MEASURE, evaluate
from backend.learning.attributes.recipe import AttributeRecipe
from backend.learning.method import Method
from backend.types import Control, Head, LabeledFrame, Prediction, Quality


def _recipe(control: Control, backbone: str) -> AttributeRecipe:
    return AttributeRecipe(backbone=backbone, multiple=control.multiple)


def _quality(predictions: Sequence[Prediction], truth: Sequence[LabeledFrame]) -> Quality:
    return Quality(MEASURE, len(truth), evaluate(predictions, truth).accuracy)


def _serves(control: Control) -> bool:
    return bool(control.attribute_of)


METHOD = Method(
    name="crops",
    head=Head.CLASSIFICATION,
    new_recipe=_recipe,
    fit=training.train,
    restore=micro_model.load,
    measure=_quality,
    serves=_serves,
    transfers=False,
    switches={
        "place and shape of the box": {"places": ((0.0, 0.0),)},
        "surroundings of the box": {"margin": 0.0},
        "weights of accepted labels": {"accepted_weight": 1.0},
    },
)
