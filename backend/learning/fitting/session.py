"""Training session: how the training of every head begins and ends; checks, device, seed, clock."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch

from backend.cancel import CancelToken
from backend.errors import TrainingError
from backend.learning.fitting.trained import Trained
from backend.learning.fitting.training_input import Clock, Tell, TrainingInput
from backend.learning.network.device import find_device
from backend.types import Progress, Weights


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """One training under way."""

    device: torch.device
    rng: np.random.Generator
    progress: Tell
    cancel: CancelToken
    clock: Clock
    began: float
    """By the clock."""

    def countdown(self, steps: int) -> Callable[[int], None]:
        """What tells `progress` after each of so many steps how far the work is, with the seconds left, and asks `cancel`."""
        began = self.clock()

        def report(step: int) -> None:
            done = (step + 1) / steps
            self.progress(Progress(done, (self.clock() - began) * (1 - done) / done))
            self.cancel.check()

        return report

    def trained(self, weights: Weights, metrics: Mapping[str, float]) -> Trained:
        """The end of it."""
        return Trained(weights, dict(metrics), self.clock() - self.began)


@contextmanager
def session(given: TrainingInput, kind: str = "labels") -> Iterator[Session]:
    """A training; the process's own randomness is left alone. TrainingError where nothing can be learned.

    `kind` is what the labels are called in errors.
    """
    if not given.labeled or not given.labels:
        raise TrainingError(
            f"Found {len(given.labeled)} labelled frames and {len(given.labels)} {kind}; one of each is needed."
        )
    began, rng = given.clock(), np.random.default_rng(given.seed)
    with torch.random.fork_rng():
        torch.manual_seed(given.seed)
        yield Session(find_device(given.device), rng, given.progress, given.cancel, given.clock, began)
