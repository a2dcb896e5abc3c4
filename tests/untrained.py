"""Stands in for the networks where it is the loop that counts: "trains" at once, and finds a bright square by its colour.

Needs no torch. Processes of their own see this file in the place of the networks' modules: see
`tests/benchmarks/untrained/sitecustomize.py`.
"""

import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from backend.types import Control, Frame, Head, Instance, LabeledFrame, Prediction, Progress, Quality, Weights

if TYPE_CHECKING:
    from backend.learning.fitting.training_input import TrainingInput

SECONDS = float(os.environ.get("UNTRAINED_SECONDS", "0"))
"""How long a training takes."""


@dataclass(frozen=True)
class Trained:
    """As `backend.learning.fitting.trained.Trained`."""

    weights: Weights
    metrics: dict[str, float]
    seconds: float


@dataclass(frozen=True)
class Recipe:
    """As a head's recipe."""

    backbone: str
    anew: bool = False
    accepted_weight: float = 1.0


@dataclass(frozen=True)
class EyeForColour:
    """A micro-model that finds the bright square, and calls it by the first label it was taught."""

    weights: Weights
    nbytes: int = 1

    def predict(
        self, frames: Iterable[Frame], labeled: Sequence[LabeledFrame] = (), enclosing_boxes: object = None
    ) -> list[Prediction]:
        drawn = [i.track for one in labeled for i in one.instances if i.track is not None]
        return [Prediction(f.task, self._look(f, min(drawn, default=0)), 0.9) for f in frames]

    def _look(self, frame: Frame, track: int) -> tuple[Instance, ...]:
        ys, xs = np.nonzero(frame.image[..., 0] > 128)
        if not len(xs):
            return ()
        box = (float(xs.min()), float(ys.min()), float(xs.max() + 1), float(ys.max() + 1))
        return (Instance(self.weights.metadata["label"], box, 0.9, track=track),)


def teach(control: Control, given: "TrainingInput", recipe: object) -> Trained:
    """Trains an EyeForColour."""
    given.progress(Progress(0.5, 1.0))
    given.cancel.check()
    seen = [i.label for f in given.labeled for i in f.instances]
    weights = Weights({"w": np.zeros(3, np.float32)}, {"label": seen[0] if seen else given.labels[0]})
    return Trained(weights, {"loss": 0.1}, 0.01)


def glance(frame: Frame) -> NDArray[np.float16]:
    """Stands in for the backbone's features: the mean of each quarter."""
    h, w = frame.image.shape[0] // 2, frame.image.shape[1] // 2
    return np.array([frame.image[y : y + h, x : x + w].mean() for y in (0, h) for x in (0, w)], np.float16)


# -- what the loop calls of `backend.learning.methods`, `.network.features` and `.network.threads`
class Method:
    """As much of `backend.learning.method.Method` as the loop asks."""

    transfers = True


def method_for(control: Control) -> Method:
    return Method()


def recipe_for(control: Control, backbone: str, effort: float = 1.0) -> Recipe:
    return Recipe(backbone)


def train(control: Control, given: "TrainingInput", recipe: object) -> Trained:
    """`teach`, but it takes its time."""
    began = time.monotonic()
    while (spent := time.monotonic() - began) < SECONDS:
        given.progress(Progress(spent / SECONDS, SECONDS - spent))
        given.cancel.check()
        time.sleep(0.02)
    return teach(control, given, recipe)


def load(weights: Weights, device: str = "auto") -> EyeForColour:
    return EyeForColour(weights)


def ensemble(weights: Weights, previous: Weights | None) -> Weights:
    return weights


def for_other_group(weights: Weights) -> Weights:
    return weights


def evaluate(head: Head, predictions: Sequence[Prediction], truth: Sequence[LabeledFrame]) -> Quality:
    return Quality("F1 at IoU 0.5", len(truth), 1.0)


def vectors(frames: Iterable[Frame], backbone: str) -> list[NDArray[np.float16]]:
    return [glance(frame) for frame in frames]


def use_threads(number: int) -> None:
    pass
