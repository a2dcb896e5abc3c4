"""Starting detection from an earlier version's weights."""

from dataclasses import replace

from backend.learning.detection.blueprint import Blueprint
from backend.learning.warm_start import adopted, earlier, is_shipped, near, rows_for
from backend.types import State, Weights

HEAT = ("head.heat.weight", "head.heat.bias")
"""Tensors with a row for each label."""


def warm(planned: Blueprint, start: Weights | None) -> tuple[Blueprint, State]:
    """The blueprint to build, and the arrays to begin with; none where the start does not fit the plan.

    Labels may differ: a label that the start knows keeps its row of the heatmap, the others begin as the mean of all.
    """
    if is_shipped(start):
        shape = (planned.backbone, planned.frozen, planned.width, planned.width)
        return planned, adopted(start, shape, HEAT, planned.labels)
    before = earlier(Blueprint.from_metadata, start)
    if start is None or before is None or _shape(before) != _shape(planned):
        return planned, {}
    rows = {name: rows_for(start.arrays[name], before.labels, planned.labels) for name in HEAT}
    if near(before.factor, planned.factor):
        planned = replace(planned, factor=before.factor, pixels=before.pixels, size=before.size)
    return planned, {**start.arrays, **rows}


def _shape(blueprint: Blueprint) -> tuple[object, ...]:
    return blueprint.backbone, blueprint.frozen, blueprint.width
