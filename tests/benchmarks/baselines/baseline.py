"""Baseline: a simple way to predict the frames that nobody labelled. The micro-model must lose to none by more than 0.02."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from backend.types import Frame, Head, Instance, LabeledFrame, Prediction


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Given:
    """What a baseline knows: as much as the micro-model does."""

    head: Head
    labels: tuple[str, ...]
    labeled: Sequence[LabeledFrame]
    frames: Sequence[Frame]
    """The other ones, each decoded when indexed."""
    boxes: Mapping[int, Sequence[Instance]] | None = None
    """Of points that hang on boxes: {task: the true boxes}, which the micro-model is told as well."""
    seed: int = 0


def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """A way to predict, and what it can predict."""

    name: str
    heads: frozenset[Head]
    predict: Callable[[Given], list[Prediction]]
    """One prediction for each of the other frames, in order."""
    by_lot: bool = False
    """Whether the seed changes what it says of the same labels."""
    installed: Callable[[], bool] = _always
    """Whether the libraries are there that it needs."""
