"""Starting from an earlier version's weights instead of from the bare backbone."""

from dataclasses import replace

import numpy as np

from backend.errors import TrainingError
from backend.learning.pose.blueprint import Blueprint
from backend.types import State, Weights

HEAT = ("points.heat.weight", "points.heat.bias")
"""Tensors with a row for each keypoint."""
SAME_SIZE = 1.3
"""Ratio of sizes up to which the start's is kept, so that its features see what they were trained on."""


def warm(planned: Blueprint, start: Weights | None) -> tuple[Blueprint, State]:
    """The blueprint to build, and the arrays to begin with; none where the start does not fit the plan.

    Keypoints may differ: one that the start knows keeps its row of the heatmap, the others begin as the mean of all.
    """
    if start is None:
        return planned, {}
    try:
        earlier = Blueprint.from_metadata(start.metadata)
    except TrainingError:
        return planned, {}  # an older format is no reason not to train
    if _shape(earlier) != _shape(planned):
        return planned, {}
    arrays = dict(start.arrays)
    rows = [earlier.labels.index(label) if label in earlier.labels else None for label in planned.labels]
    for name in HEAT:
        known = arrays[name]
        arrays[name] = np.stack([known.mean(0) if row is None else known[row] for row in rows])
    ratio = earlier.coarse_factor / planned.coarse_factor
    if max(ratio, 1 / ratio) < SAME_SIZE:
        planned = replace(planned, coarse_factor=earlier.coarse_factor, size=earlier.size)
    return planned, arrays


def _shape(blueprint: Blueprint) -> tuple[object, ...]:
    return blueprint.parented, blueprint.backbone, blueprint.frozen, blueprint.width
