"""How good predicted attributes are against what a person chose."""

from collections.abc import Sequence
from dataclasses import dataclass

from backend.learning.attributes.crops import regions_of
from backend.types import Instance, LabeledFrame, Prediction

MEASURE = "accuracy of regions"


@dataclass(frozen=True, slots=True)
class AttributeMetrics:
    """Quality over the regions of a set of frames; None where the figure does not exist (0 / 0)."""

    regions: int
    accuracy: float | None
    """Share of regions that have exactly the chosen classes."""


def evaluate(predictions: Sequence[Prediction], truth: Sequence[LabeledFrame]) -> AttributeMetrics:
    """Over the regions of `truth`; one without a prediction has no class."""
    shown = {one.task: _classes(one.instances) for one in predictions}
    pairs = [
        (shown.get(one.frame.task, {}).get(key), classes)
        for one in truth
        for key, classes in _classes(one.instances).items()
    ]
    right = sum(said == classes for said, classes in pairs)
    return AttributeMetrics(len(pairs), right / len(pairs) if pairs else None)


def _classes(instances: Sequence[Instance]) -> dict[object, frozenset[str]]:
    return {one.region_id or one.box: classes for one, classes in regions_of(instances)}
