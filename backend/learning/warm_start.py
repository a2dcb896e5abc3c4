"""Starting from an earlier version's weights instead of from the bare backbone."""

from dataclasses import replace

import numpy as np

from backend.errors import TrainingError
from backend.learning.blueprint import Blueprint
from backend.types import State, Weights

FRESH_HEAT = ("head.heat.weight", "head.heat.bias")
"""Tensors with a row for each label."""
SAME_SCALE = 1.3
"""Ratio of scales up to which the start's is kept, so that its features see what they were trained on."""


def warm(planned: Blueprint, start: Weights | None) -> tuple[Blueprint, State]:
    """The blueprint to build, and the arrays to begin with; none where the start does not fit the plan.

    Labels may differ: a label that the start knows keeps its row of the heatmap, the others begin as the mean of all.
    """
    if start is None:
        return planned, {}
    try:
        earlier = Blueprint.from_metadata(start.metadata)
    except TrainingError:
        return planned, {}  # an older format is no reason not to train
    same = (earlier.head, earlier.backbone, earlier.frozen, earlier.width)
    if same != (planned.head, planned.backbone, planned.frozen, planned.width):
        return planned, {}
    arrays = dict(start.arrays)
    rows = [earlier.labels.index(label) if label in earlier.labels else None for label in planned.labels]
    for name in FRESH_HEAT:
        known = arrays[name]
        arrays[name] = np.stack([known.mean(0) if row is None else known[row] for row in rows])
    if max(earlier.factor / planned.factor, planned.factor / earlier.factor) < SAME_SCALE:
        planned = replace(planned, factor=earlier.factor, pixels=earlier.pixels, size=earlier.size)
    return planned, arrays
