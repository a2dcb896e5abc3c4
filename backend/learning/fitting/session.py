"""Training session: how the training of every head begins and ends; checks, device, seed, clock."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

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
        tell = self._since_now()

        def report(step: int) -> None:
            tell((step + 1) / steps)
            self.cancel.check()

        return report

    def parts(self, first: float) -> tuple["Session", "Session"]:
        """The training in two parts, the first of which takes that share of the time: each tells how far the whole is."""
        tell = self._since_now()
        return (
            replace(self, progress=lambda part: tell(first * part.done)),
            replace(self, progress=lambda part: tell(first + (1 - first) * part.done)),
        )

    def _since_now(self) -> Callable[[float], None]:
        """What tells `progress` that a share, above 0, of what begins now is done, with the seconds left at this pace."""
        began = self.clock()
        return lambda done: self.progress(Progress(done, (self.clock() - began) * (1 - done) / done))

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
