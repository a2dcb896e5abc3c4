"""Training input: everything that a training is given, whatever its method."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from backend.cancel import NEVER, CancelToken
from backend.types import Frame, Instance, LabeledFrame, Progress, Weights

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

    @property
    def every_frame(self) -> Sequence[Frame]:
        """All of the group: the unlabelled ones, then the labelled ones."""
        return _Together(self.unlabeled, self.labeled)


@dataclass(frozen=True, slots=True, eq=False)
class _Together(Sequence[Frame]):
    unlabeled: Sequence[Frame]
    labeled: Sequence[LabeledFrame]

    def __len__(self) -> int:
        return len(self.unlabeled) + len(self.labeled)

    def __getitem__(self, index: int) -> Frame:  # type: ignore[override]
        after = index - len(self.unlabeled)
        return self.labeled[after].frame if after >= 0 else self.unlabeled[index]
