"""Stands in for the networks where it is the loop that counts: "trains" at once, and finds a bright square by its colour.

Needs no torch. Processes of their own see this file in the place of the networks' modules: see
`tests/benchmarks/untrained/sitecustomize.py`.
"""

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.types import Control, Frame, Head, Instance, LabeledFrame, Prediction, Progress, Quality, Weights

SECONDS = float(os.environ.get("UNTRAINED_SECONDS", "0"))
"""How long a training takes."""


@dataclass(frozen=True)
class Trained:
    """As `backend.learning.fitting.session.Trained`."""

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
        self, frames: Iterable[Frame], labeled: Sequence[LabeledFrame] = (), parents: object = None
    ) -> list[Prediction]:
        return [Prediction(f.task, self._look(f), 0.9) for f in frames]

    def _look(self, frame: Frame) -> tuple[Instance, ...]:
        ys, xs = np.nonzero(frame.image[..., 0] > 128)
        if not len(xs):
            return ()
        box = (float(xs.min()), float(ys.min()), float(xs.max() + 1), float(ys.max() + 1))
        return (Instance(self.weights.metadata["label"], box, 0.9),)


def teach(
    labeled: Sequence[LabeledFrame], unlabeled: Sequence[Frame], labels: tuple[str, ...], recipe: object, *,
    progress: Callable[[Progress], None], **_: Any,
) -> Trained:  # fmt: skip
    """Trains an EyeForColour."""
    progress(Progress(0.5, 1.0))
    seen = [i.label for f in labeled for i in f.instances]
    weights = Weights({"w": np.zeros(3, np.float32)}, {"label": seen[0] if seen else labels[0]})
    return Trained(weights, {"loss": 0.1}, 0.01)


def glance(frame: Frame) -> NDArray[np.float16]:
    """Stands in for the backbone's features: the mean of each quarter."""
    h, w = frame.image.shape[0] // 2, frame.image.shape[1] // 2
    return np.array([frame.image[y : y + h, x : x + w].mean() for y in (0, h) for x in (0, w)], np.float16)


# -- what the loop calls of `backend.learning.methods`, `.network.features` and `.network.threads`
MicroModel = EyeForColour


def recipe_for(control: Control, backbone: str, effort: float = 1.0) -> Recipe:
    return Recipe(backbone)


def train(*lesson: Any, progress: Callable[[Progress], None], **others: Any) -> Trained:
    """`teach`, but it takes its time."""
    began = time.monotonic()
    while (spent := time.monotonic() - began) < SECONDS:
        progress(Progress(spent / SECONDS, SECONDS - spent))
        time.sleep(0.02)
    return teach(*lesson, progress=progress, **others)


def load(weights: Weights, device: str = "auto") -> EyeForColour:
    return EyeForColour(weights)


def joined(weights: Weights, before: Weights | None) -> Weights:
    return weights


def elsewhere(weights: Weights) -> Weights:
    return weights


def predict(model: EyeForColour, *frames: Any) -> list[Prediction]:
    return model.predict(*frames)


def evaluate(head: Head, predictions: Sequence[Prediction], truth: Sequence[LabeledFrame]) -> Quality:
    return Quality("F1 at IoU 0.5", len(truth), 1.0)


def vectors(frames: Iterable[Frame], backbone: str) -> list[NDArray[np.float16]]:
    return [glance(frame) for frame in frames]


def use_threads(number: int) -> None:
    pass
