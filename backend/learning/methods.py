"""The heads, and what each of them brings: a recipe, a training, a micro-model, a measure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar

import numpy as np

from backend.errors import WeightsUnusable
from backend.learning.classification import evaluation as classification_evaluation
from backend.learning.classification import micro_model as classification_model
from backend.learning.classification import training as classification_training
from backend.learning.classification.recipe import ClassificationRecipe
from backend.learning.detection import evaluation as detection_evaluation
from backend.learning.detection import micro_model as detection_model
from backend.learning.detection import training as detection_training
from backend.learning.detection.config import Blueprint as DetectionBlueprint
from backend.learning.detection.ensemble import accompanied
from backend.learning.detection.recipe import DetectionRecipe
from backend.learning.fitting.session import Trained
from backend.learning.pose import evaluation as pose_evaluation
from backend.learning.pose import micro_model as pose_model
from backend.learning.pose import training as pose_training
from backend.learning.pose.recipe import PoseRecipe
from backend.learning.segmentation import evaluation as segmentation_evaluation
from backend.learning.segmentation import micro_model as segmentation_model
from backend.learning.segmentation import training as segmentation_training
from backend.learning.segmentation.recipe import SegmentationRecipe
from backend.types import Control, Frame, Head, Instance, LabeledFrame, Prediction, Progress, Quality, Weights

Recipe = DetectionRecipe | SegmentationRecipe | PoseRecipe | ClassificationRecipe
Stepped = TypeVar("Stepped", DetectionRecipe, SegmentationRecipe, PoseRecipe)

FEWEST_STEPS = 6
"""Below this a one-cycle schedule has no room to rise and fall."""

MAY_BE_NAN = frozenset({"orders"})
"""Arrays of an artifact in which a number may be missing: places in time of frames without one."""

OF_THE_MACHINE = ("memory", "CUDA")
"""In torch's errors: the machine is to blame and not the weights."""

Parents = Mapping[int, Sequence[Instance]]
"""{task: the instances that a control's regions hang on}"""


class MicroModel(Protocol):
    """A trained micro-model, loaded and ready to predict."""

    @property
    def nbytes(self) -> int:
        """Memory that it takes, bytes."""
        ...

    def predict(self, frames: Iterable[Frame], labeled: Sequence[LabeledFrame] = ()) -> list[Prediction]:
        """One prediction a frame, in order. `labeled` are frames of the group that a person labelled."""
        ...


def recipe_for(control: Control, backbone: str, effort: float = 1.0) -> Recipe:
    """The recipe of a control's head, with `effort` times its training steps."""
    match control.head:
        case Head.DETECTION:
            return shortened(DetectionRecipe(backbone=backbone), effort)
        case Head.SEGMENTATION:
            return shortened(SegmentationRecipe(backbone=backbone), effort)
        case Head.POSE:
            return shortened(PoseRecipe(backbone=backbone), effort)
        case Head.CLASSIFICATION:
            return ClassificationRecipe(backbone=backbone, multiple=control.multiple)


def shortened(recipe: Stepped, effort: float) -> Stepped:
    """The recipe with `effort` times its steps, in all its stages."""
    steps = {name: getattr(recipe, name) for name in ("steps", "warm_steps", "pseudo_steps")}
    return replace(recipe, **{name: max(FEWEST_STEPS, round(n * effort)) for name, n in steps.items()})


def train(
    labeled: Sequence[LabeledFrame],
    unlabeled: Sequence[Frame],
    labels: tuple[str, ...],
    recipe: Recipe,
    *,
    start: Weights | None,
    device: str,
    seed: int,
    progress: Callable[[Progress], None],
) -> Trained:
    """Train a micro-model as its recipe says; `start` are the weights of an earlier version, None: the backbone's."""
    common: Any = {"start": start, "device": device, "seed": seed, "progress": progress}
    match recipe:
        case DetectionRecipe():
            return detection_training.train(labeled, unlabeled, labels, recipe, **common)
        case SegmentationRecipe():
            return segmentation_training.train(labeled, unlabeled, labels, recipe, **common)
        case PoseRecipe():
            return pose_training.train(labeled, unlabeled, labels, recipe, **common)
        case ClassificationRecipe():
            return classification_training.train(labeled, unlabeled, labels, recipe, **common)


def joined(weights: Weights, before: Weights | None) -> Weights:
    """What is to serve after a training, with the version that served before (None: none did): where a head's trainings
    begin anew that one goes on speaking."""
    if before is None or {one.metadata.get("head") for one in (weights, before)} != {Head.DETECTION}:
        return weights
    return accompanied(weights, before)


def load(weights: Weights, device: str = "auto") -> MicroModel:
    """The micro-model of an artifact; raises WeightsUnusable where the weights make none, however often they are read, and
    TrainingError where it is the backbone that cannot be had."""
    for name, array in weights.arrays.items():
        if name not in MAY_BE_NAN and array.dtype.kind == "f" and not np.isfinite(array).all():
            raise WeightsUnusable(f"The weights hold numbers in {name} that are not finite: train this group again.")
    try:
        return _loaded(weights, device)
    except (LookupError, ValueError, TypeError, AttributeError, ArithmeticError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and any(word in str(error) for word in OF_THE_MACHINE):
            raise
        raise WeightsUnusable(
            f"The weights make no micro-model ({type(error).__name__}: {error}): train this group again."
        ) from error


def _loaded(weights: Weights, device: str) -> MicroModel:
    head = weights.metadata.get("head", "none")
    match head:
        case Head.DETECTION:
            return detection_model.load(weights, device)
        case Head.SEGMENTATION:
            return segmentation_model.load(weights, device)
        case Head.POSE:
            return pose_model.load(weights, device)
        case Head.CLASSIFICATION:
            return classification_model.load(weights, device)
    raise WeightsUnusable(
        f"The weights are of head {head!r}, expected one of: {', '.join(Head)}. Train this group again."
    )


def elsewhere(weights: Weights) -> Weights:
    """The weights for use in another group: without what holds only in the one that they were trained on."""
    match weights.metadata.get("head"):
        case Head.DETECTION:
            blueprint = DetectionBlueprint.from_metadata(weights.metadata).elsewhere()
            return replace(weights, metadata={**weights.metadata, **blueprint.to_metadata()})
        case Head.CLASSIFICATION:
            return classification_model.elsewhere(weights)
    return weights


def predict(
    model: MicroModel, frames: Iterable[Frame], labeled: Sequence[LabeledFrame] = (), parents: Parents | None = None
) -> list[Prediction]:
    """One prediction a frame, in order; with `parents` the regions hang on these (None: on nothing)."""
    if parents is not None and isinstance(model, pose_model.PoseModel):
        # A frame without a parent has no region, not one that hangs on nothing.
        frames = list(frames)
        found = model.predict([f for f in frames if parents.get(f.task)], labeled, parents)
        by_task = {prediction.task: prediction for prediction in found}
        return [by_task.get(f.task) or Prediction(f.task, (), 1.0) for f in frames]
    return model.predict(frames, labeled)


def evaluate(head: Head, predictions: Sequence[Prediction], truth: Sequence[LabeledFrame]) -> Quality:
    """How good predictions are, by the head's own measure."""
    match head:
        case Head.DETECTION:
            return Quality("F1 at IoU 0.5", len(truth), detection_evaluation.evaluate(predictions, truth).f1)
        case Head.SEGMENTATION:
            return Quality("J", len(truth), segmentation_evaluation.evaluate(predictions, truth).overlap)
        case Head.POSE:
            return Quality("F1 of keypoints", len(truth), pose_evaluation.evaluate(predictions, truth).f1)
        case Head.CLASSIFICATION:
            return Quality("accuracy", len(truth), classification_evaluation.evaluate(predictions, truth).accuracy)
