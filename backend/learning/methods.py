"""The registry of methods: which there are, which one serves a control, and which one made an artifact."""

from collections.abc import Sequence
from typing import Any

from backend.errors import TrainingError, WeightsUnusable
from backend.learning.attributes.method import METHOD as ATTRIBUTES
from backend.learning.classification.method import METHOD as CLASSIFICATION
from backend.learning.detection.method import METHOD as DETECTION
from backend.learning.fitting.recipe import HeadRecipe
from backend.learning.fitting.trained import Trained
from backend.learning.fitting.training_input import TrainingInput
from backend.learning.method import METHOD_KEY, Method, MicroModel
from backend.learning.points.method import METHOD as POINTS
from backend.learning.pose.method import METHOD as POSE
from backend.learning.segmentation.method import METHOD as SEGMENTATION
from backend.types import Control, Head, LabeledFrame, Prediction, Quality, Weights

METHODS: tuple[Method[Any], ...] = (DETECTION, SEGMENTATION, POSE, POINTS, CLASSIFICATION, ATTRIBUTES)
"""Of several of one head the first that serves a control is trained; artifacts of all are loaded."""


def method_for(control: Control) -> Method[Any]:
    """The method that learns what a control asks for; raises TrainingError where none does."""
    for method in METHODS:
        if method.head == control.head and method.serves(control):
            return method
    raise TrainingError(
        f"No method learns {control.head} for <{control.tag} name={control.from_name!r}>; there are: "
        f"{', '.join(f'{m.name} ({m.head})' for m in METHODS)}."
    )


def method_of(weights: Weights) -> Method[Any]:
    """The method that an artifact names; where it names but a head, that head's first. Raises WeightsUnusable."""
    head, name = weights.metadata.get("head", "none"), weights.metadata.get(METHOD_KEY)
    for method in METHODS:
        if method.head == head and name in (None, method.name):
            return method
    known = ", ".join(f"{m.head} by {m.name}" for m in METHODS)
    made = f" by {name!r}" if name else ""
    raise WeightsUnusable(f"The weights are of head {head!r}{made}, expected one of: {known}. Train this group again.")


def recipe_for(control: Control, backbone: str, effort: float = 1.0) -> HeadRecipe:
    """The recipe of a control's method, with `effort` times its training steps."""
    found: HeadRecipe = method_for(control).recipe_for(control, backbone, effort)
    return found


def train(control: Control, given: TrainingInput, recipe: HeadRecipe) -> Trained:
    """Train a control's micro-model as its recipe says."""
    return method_for(control).train(given, recipe)


def ensemble(weights: Weights, previous: Weights | None) -> Weights:
    """What is to serve after a training, with the version that served before (None: none did)."""
    return method_of(weights).ensemble(weights, previous)


def load(weights: Weights, device: str = "auto") -> MicroModel:
    """The micro-model of an artifact; raises WeightsUnusable and TrainingError as `Method.load` does."""
    return method_of(weights).load(weights, device)


def for_other_group(weights: Weights) -> Weights:
    """The weights for use in another group: without what holds only in the one that they were trained on."""
    return method_of(weights).for_other_group(weights)


def evaluate(asked: Control | Head, predictions: Sequence[Prediction], truth: Sequence[LabeledFrame]) -> Quality:
    """How good predictions are, by the measure of a control's method; of a head's first one where only that is known."""
    if isinstance(asked, Control):
        return method_for(asked).measure(predictions, truth)
    return next(method for method in METHODS if method.head == asked).measure(predictions, truth)
