"""Starting segmentation from an earlier version's weights."""

from dataclasses import replace

from backend.learning.heads.segmentation import STRIDE
from backend.learning.segmentation.blueprint import SegmentationBlueprint
from backend.learning.warm_start import adopted, earlier, is_shipped, near, rows_for
from backend.types import State, Weights

OUT = ("head.out.weight", "head.out.bias")
"""Tensors with rows for each label."""


def warm(planned: SegmentationBlueprint, start: Weights | None) -> tuple[SegmentationBlueprint, State]:
    """The blueprint to build, and the arrays to begin with; none where the start does not fit the plan.

    Labels may differ: a label that the start knows keeps its rows, the others begin as the mean of all.
    """
    if is_shipped(start):
        shape = (planned.backbone, planned.frozen, planned.width, planned.detail)
        return planned, adopted(start, shape, OUT, planned.labels, STRIDE**2)
    before = earlier(SegmentationBlueprint.from_metadata, start)
    if start is None or before is None or _shape(before) != _shape(planned):
        return planned, {}
    rows = {name: rows_for(start.arrays[name], before.labels, planned.labels, STRIDE**2) for name in OUT}
    if near(before.factor, planned.factor):
        planned = replace(planned, factor=before.factor, pixels=before.pixels)
    return planned, {**start.arrays, **rows}


def _shape(blueprint: SegmentationBlueprint) -> tuple[object, ...]:
    return blueprint.backbone, blueprint.frozen, blueprint.width, blueprint.detail
