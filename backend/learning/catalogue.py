"""The heads, and what each of them brings: a recipe, a training, a micro-model, a measure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from backend.errors import TrainingError
from backend.learning import evaluation, micro_model, training
from backend.learning.recipes import Recipe, recipe_for
from backend.learning.training import Trained
from backend.types import Frame, Head, Instance, LabeledFrame, Metrics, Prediction, Progress, Weights

__all__ = ["MicroModel", "Recipe", "Trained", "evaluate", "load", "recipe_for", "train"]

NO_PARENTS: Mapping[int, Sequence[Instance]] = {}


class MicroModel(Protocol):
    """A trained micro-model, loaded and ready to predict."""

    @property
    def nbytes(self) -> int:
        """Memory that it takes, bytes."""
        ...

    def predict(
        self,
        frames: Iterable[Frame],
        labeled: Sequence[LabeledFrame] = (),
        parents: Mapping[int, Sequence[Instance]] = NO_PARENTS,
    ) -> list[Prediction]:
        """One prediction a frame, in order.

        `labeled` are frames of the group that a person labelled; `parents` the instances by task that this control's
        regions hang on, where it has a parent.
        """
        ...


def train(
    head: Head,
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
    """Train a micro-model of a head; see `training.train`."""
    if head is not Head.DETECTION:
        raise TrainingError(f"There is no training for {head} yet; expected {Head.DETECTION}.")
    return training.train(labeled, unlabeled, labels, recipe, start=start, device=device, seed=seed, progress=progress)


def load(weights: Weights, device: str = "auto") -> MicroModel:
    """The micro-model of an artifact; raises TrainingError where the weights are of another version."""
    return micro_model.load(weights, device)


def evaluate(head: Head, predictions: Sequence[Prediction], truth: Sequence[LabeledFrame]) -> Metrics:
    """How good predictions are, by the head's own measure."""
    return evaluation.evaluate(predictions, truth)
