"""Multiple labels of one region, where the labeling config allows them (`choice="multiple"` on the control tag).

A micro-model learns an instance for each label of a region. Those that lie on each other are one region again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from backend.types import Box, Control, Instance

SAME_OBJECT = 0.8
"""IoU from which instances of different labels show the same object."""


def with_labels(instances: Sequence[Instance], control: Control) -> Iterator[tuple[Instance, list[str]]]:
    """Each region to write, with its labels in the config's order; of several instances the surest gives its outline and
    id, the least sure the score, since the region is right only when all its labels are."""
    if not control.multiple:
        yield from ((instance, [instance.label]) for instance in instances)
        return
    left = sorted(instances, key=lambda instance: -instance.score)
    places = {label: n for n, label in enumerate(control.labels)}
    while left:
        surest = left.pop(0)
        region = {surest.label: surest}
        for other in left:
            if other.label not in region and _overlap(surest, other) >= SAME_OBJECT:
                region[other.label] = other
        left = [one for one in left if all(one is not taken for taken in region.values())]
        labels = sorted(region, key=lambda label: places.get(label, len(places)))
        yield replace(surest, score=min(one.score for one in region.values())), labels


def _overlap(a: Instance, b: Instance) -> float:
    """Intersection over union, of masks where both have one."""
    if a.mask is not None and b.mask is not None and a.mask.shape == b.mask.shape:
        return float(np.count_nonzero(a.mask & b.mask) / max(np.count_nonzero(a.mask | b.mask), 1))
    width = max(min(a.box[2], b.box[2]) - max(a.box[0], b.box[0]), 0.0)
    height = max(min(a.box[3], b.box[3]) - max(a.box[1], b.box[1]), 0.0)
    union = _area(a.box) + _area(b.box) - width * height
    return width * height / union if union > 0 else 0.0


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])
