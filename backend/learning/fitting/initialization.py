"""Warm start: training from an earlier version's weights instead of from the bare backbone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from backend.errors import TrainingError
from backend.types import Start, State, Weights

SAME_SCALE = 1.3
"""Ratio of scales up to which the start's is kept, so that its features see what they were trained on."""

START_KEY = "start"
"""Key in the metadata of a start that names its kind, one of `Start`."""


class ConfigWithLabels(Protocol):
    """What configs of all heads have."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Those that the head tells apart."""
        ...


Plan = TypeVar("Plan", bound=ConfigWithLabels)


@dataclass(frozen=True, slots=True)
class WarmStart(Generic[Plan]):
    """How one head starts from earlier weights."""

    read: Callable[[Mapping[str, str]], Plan]
    """The config of an artifact; raises TrainingError where it is of an older format."""
    shape: Callable[[Plan], tuple[Any, ...]]
    """What must be equal for the arrays to fit: backbone, frozen layers, widths of the pyramid and of the rows, ..."""
    rows: tuple[str, ...]
    """Tensors with rows for each label."""
    scaled: Callable[[Plan, Plan], Plan]
    """The planned config, with the scale of an earlier one where that is near."""
    each: int = 1
    """Rows of a label."""

    def __call__(self, planned: Plan, start: Weights | None) -> tuple[Plan, State]:
        """The config to build, and the arrays to begin with; none where the start does not fit the plan.

        Labels may differ: a label that the start knows keeps its rows, the others begin as the mean of all.
        """
        before = earlier(self.read, start)
        if start is None or before is None or self.shape(before) != self.shape(planned):
            return planned, {}
        rows = {
            name: resize_classifier(start.arrays[name], before.labels, planned.labels, self.each) for name in self.rows
        }
        return self.scaled(planned, before), {**start.arrays, **rows}


def earlier(read: Callable[[Mapping[str, str]], Plan], start: Weights | None) -> Plan | None:
    """The config of the start; None where there is no start, or one of an older format, which is no reason not to train."""
    if start is None:
        return None
    try:
        return read(start.metadata)
    except TrainingError:
        return None


def start_of(start: Weights | None, taken: State) -> Start:
    """What a training starts from that takes these arrays of its start; one that names no kind is the group's own."""
    if start is None or not taken:
        return Start.BACKBONE
    return Start(start.metadata.get(START_KEY, Start.SERVING))


def resize_classifier(known: NDArray[Any], before: Sequence[str], labels: Sequence[str], each: int = 1) -> NDArray[Any]:
    """An array (labels before * each, ...) for other labels: known ones keep their rows, new ones are the mean of all."""
    rows = known.reshape(-1, each, *known.shape[1:])
    chosen = [rows[before.index(label)] if label in before else rows.mean(0) for label in labels]
    return np.stack(chosen).reshape(-1, *known.shape[1:])


def similar_scale(one: float, other: float) -> bool:
    """Whether two scales are so much alike that the start's may be kept."""
    return max(one / other, other / one) < SAME_SCALE
