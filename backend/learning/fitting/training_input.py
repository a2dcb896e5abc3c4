"""Training input: everything that a training is given, whatever its method."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from backend.cancel import NEVER, CancelToken
from backend.types import Frame, Instance, LabeledFrame, Progress, Weights

SAMPLED_FRAMES = 25
"""Of a group that are looked at to learn what its pictures are like: bounds the time."""
Clock = Callable[[], float]
"""Seconds since some moment."""
Tell = Callable[[Progress], None]
"""Is told how far the work is."""
EnclosingBoxes = Mapping[int, Sequence[Instance]]
"""{task: the boxes that a control's regions hang on}, with their `region_id`s."""


def _nobody(_: Progress) -> None:
    """Where nobody listens."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class TrainingInput:
    """What the loop hands to a method for one training of one control in one group."""

    labeled: Sequence[LabeledFrame]
    """All frames that a person labelled; those with a box around what is labelled hold it as the instance's own."""
    labels: tuple[str, ...]
    """The control's labels, in the config's order."""
    unlabeled: Sequence[Frame] = ()
    """The group's other frames, each decoded when indexed."""
    start: Weights | None = None
    """Weights of an earlier version, whose metadata say what kind of start it is; None: the pretrained backbone."""
    device: str = "auto"
    seed: int = 0
    progress: Tell = _nobody
    cancel: CancelToken = NEVER
    """Asked in every step; what it raises ends the training, and passes through."""
    clock: Clock = time.monotonic

    def sample(self) -> Sequence[Frame]:
        """At most `SAMPLED_FRAMES` of the group, evenly spread over the unlabelled ones and then the labelled ones; each is
        decoded when indexed."""
        return _Sample(self.unlabeled, self.labeled)


def evenly_spread(count: int, most: int) -> list[int]:
    """Positions of at most so many of `count` frames, first and last included."""
    return [int(at) for at in np.linspace(0, count - 1, min(count, most)).round()]


class _Sample(Sequence[Frame]):
    def __init__(self, unlabeled: Sequence[Frame], labeled: Sequence[LabeledFrame]) -> None:
        self._unlabeled, self._labeled = unlabeled, labeled
        self._at = evenly_spread(len(unlabeled) + len(labeled), SAMPLED_FRAMES)

    def __len__(self) -> int:
        return len(self._at)

    def __getitem__(self, index: int) -> Frame:  # type: ignore[override]
        at = self._at[index]
        after = at - len(self._unlabeled)
        return self._labeled[after].frame if after >= 0 else self._unlabeled[at]
