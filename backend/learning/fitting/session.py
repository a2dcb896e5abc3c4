"""How the training of every head begins and ends: checks, device, seed, clock."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch

from backend.errors import TrainingError
from backend.learning.network.device import find_device
from backend.types import LabeledFrame, Progress, Weights

Clock = Callable[[], float]
"""Seconds since some moment."""
Tell = Callable[[Progress], None]
"""Is told how far the work is; what it raises ends the training."""


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """What a training leaves."""

    weights: Weights
    metrics: dict[str, float]
    seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """One training under way."""

    device: torch.device
    rng: np.random.Generator
    progress: Tell
    clock: Clock
    began: float
    """By the clock."""

    def countdown(self, steps: int) -> Callable[[int], None]:
        """What tells `progress` after each of so many steps how far the work is, and the seconds left."""
        began = self.clock()

        def told(step: int) -> None:
            done = (step + 1) / steps
            self.progress(Progress(done, (self.clock() - began) * (1 - done) / done))

        return told

    def trained(self, weights: Weights, metrics: Mapping[str, float]) -> Trained:
        """The end of it."""
        return Trained(weights, dict(metrics), self.clock() - self.began)


@contextmanager
def session(
    labeled: Sequence[LabeledFrame],
    labels: Sequence[str],
    *,
    device: str,
    seed: int,
    progress: Tell,
    clock: Clock,
    kind: str = "labels",
) -> Iterator[Session]:
    """A training on these frames; the process's own randomness is left alone. TrainingError where nothing can be learned.

    `kind` is what the labels are called in errors.
    """
    if not labeled or not labels:
        raise TrainingError(f"Found {len(labeled)} labelled frames and {len(labels)} {kind}; one of each is needed.")
    began = clock()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield Session(find_device(device), np.random.default_rng(seed), progress, clock, began)
