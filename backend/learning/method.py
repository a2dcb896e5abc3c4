"""Method: one way of learning what a control tag asks for, as an object. `methods.py` lists those that there are.

A new method is one folder beside the others with a `method.py` that makes its `METHOD`, and one line in `methods.py`:

    METHOD = Method(name="...", head=Head.DETECTION, new_recipe=..., fit=..., restore=..., measure=...)

`name`, `head` and the first four functions are all it must have. Its config's `format` (see `network/config.py`) differs
from those of the other methods of the head, so that none takes another's artifact for its own.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from backend.errors import WeightsUnusable
from backend.learning.fitting.recipe import HeadRecipe
from backend.learning.fitting.trained import Trained
from backend.learning.fitting.training_input import EnclosingBoxes, TrainingInput
from backend.types import Control, Frame, Head, LabeledFrame, Prediction, Quality, Weights

METHOD_KEY = "method"
"""Of a method's name in an artifact's metadata, beside `head`. Artifacts of before there were methods lack it."""
HARDWARE_ERROR_WORDS = ("memory", "CUDA")
"""In torch's errors: the machine is to blame and not the weights."""

Recipe = TypeVar("Recipe", bound=HeadRecipe)


class MicroModel(Protocol):
    """A trained micro-model, loaded and ready to predict. May be used from several threads at once."""

    @property
    def nbytes(self) -> int:
        """Memory that it takes, bytes."""
        ...

    def predict(
        self,
        frames: Iterable[Frame],
        labeled: Sequence[LabeledFrame] = (),
        enclosing_boxes: EnclosingBoxes | None = None,
    ) -> list[Prediction]:
        """One prediction a frame, in order.

        `labeled` are frames of the group that a person labelled. With `enclosing_boxes` the regions hang on these, and a
        frame without a box has none; None: they hang on nothing. A method without such regions does not look at them.
        """
        ...


def _newest(weights: Weights, previous: Weights) -> Weights:
    return weights


def _identity(weights: Weights) -> Weights:
    return weights


def _every(control: Control) -> bool:
    return True


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Method(Generic[Recipe]):
    """One way of learning. The fields are what a method brings, the functions below what all have in common."""

    name: str
    """In artifacts: never changed, and no other method's."""
    head: Head
    new_recipe: Callable[[Control, str], Recipe]
    """(control, timm name of the backbone) -> every hyper-parameter."""
    fit: Callable[[TrainingInput, Recipe], Trained]
    """Trains. Raises TrainingError where nothing can be learnt, and what its `cancel` raises."""
    restore: Callable[[Weights, str], MicroModel]
    """(weights, device) -> the micro-model; any error says that the weights make none."""
    measure: Callable[[Sequence[Prediction], Sequence[LabeledFrame]], Quality]
    """How good predictions are against what a person drew: the head's measure, the same for all methods of a head."""
    combine: Callable[[Weights, Weights], Weights] = _newest
    """(newly trained, those that served before, of this method) -> what is to serve: see `detection/ensemble.py`."""
    for_other_group: Callable[[Weights], Weights] = _identity
    """The weights without what holds only in the group that they were trained on."""
    serves: Callable[[Control], bool] = _every
    """Whether it can learn what a control of its head asks for; of the methods that can, the first in the list does."""
    transfers: bool = True
    """Whether another group's weights are a start for it."""
    switches: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """{mechanism, in the field's words: {field of the recipe: the value that switches it off}}."""
    inference_switches: frozenset[str] = frozenset()
    """Those of the switches that are in the artifact's metadata and change how the same weights answer, not what is learnt."""

    def recipe_for(self, control: Control, backbone: str, effort: float = 1.0) -> Recipe:
        """A control's recipe, with `effort` times its training steps."""
        return self.new_recipe(control, backbone).with_effort(effort)

    def ablations(self, recipe: Recipe) -> dict[str, Recipe]:
        """{mechanism: the recipe with that mechanism off, and nothing else changed}."""
        return {name: replace(recipe, **off) for name, off in self.switches.items()}

    def train(self, given: TrainingInput, recipe: Recipe) -> Trained:
        """A training, whose artifact names this method. A start of another method is left out."""
        if given.start is not None and not self.has_trained(given.start):
            given = replace(given, start=None)
        trained = self.fit(given, recipe)
        metadata = {**trained.weights.metadata, METHOD_KEY: self.name}
        return replace(trained, weights=replace(trained.weights, metadata=metadata))

    def has_trained(self, weights: Weights) -> bool:
        """Whether an artifact is of this method, as far as it names its head and its method."""
        named = weights.metadata.get("head", self.head), weights.metadata.get(METHOD_KEY, self.name)
        return named == (self.head, self.name)

    def ensemble(self, weights: Weights, previous: Weights | None) -> Weights:
        """What is to serve after a training, with the version that served before (None: none did)."""
        if previous is None or not self.has_trained(previous):
            return weights
        return self.combine(weights, previous)

    def load(self, weights: Weights, device: str = "auto") -> MicroModel:
        """The micro-model of an artifact.

        Raises WeightsUnusable where the weights make none, however often they are read, and TrainingError where it is the
        backbone that cannot be had.
        """
        for name, array in weights.arrays.items():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                raise WeightsUnusable(
                    f"The weights hold numbers in {name} that are not finite: train this group again."
                )
        try:
            return self.restore(weights, device)
        except (LookupError, ValueError, TypeError, AttributeError, ArithmeticError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and any(word in str(error) for word in HARDWARE_ERROR_WORDS):
                raise
            raise WeightsUnusable(
                f"The weights make no micro-model ({type(error).__name__}: {error}): train this group again."
            ) from error
