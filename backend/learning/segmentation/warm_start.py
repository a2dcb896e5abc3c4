"""Starting from an earlier version's weights instead of from the bare backbone."""

from dataclasses import replace

import numpy as np

from backend.errors import TrainingError
from backend.learning.heads.segmentation import STRIDE
from backend.learning.segmentation.blueprint import SegmentationBlueprint
from backend.types import State, Weights

OUT = ("head.out.weight", "head.out.bias")
"""Tensors with rows for each label."""
SAME_SCALE = 1.3
"""Ratio of scales up to which the start's is kept, so that its features see what they were trained on."""


def warm(planned: SegmentationBlueprint, start: Weights | None) -> tuple[SegmentationBlueprint, State]:
    """The blueprint to build, and the arrays to begin with; none where the start does not fit the plan.

    Labels may differ: a label that the start knows keeps its rows, the others begin as the mean of all.
    """
    if start is None:
        return planned, {}
    try:
        earlier = SegmentationBlueprint.from_metadata(start.metadata)
    except TrainingError:
        return planned, {}  # an older format is no reason not to train
    same = (earlier.backbone, earlier.frozen, earlier.width, earlier.detail)
    if same != (planned.backbone, planned.frozen, planned.width, planned.detail):
        return planned, {}
    arrays = dict(start.arrays)
    rows = [earlier.labels.index(label) if label in earlier.labels else None for label in planned.labels]
    for name in OUT:
        known = arrays[name].reshape(len(earlier.labels), STRIDE**2, *arrays[name].shape[1:])
        chosen = np.stack([known.mean(0) if row is None else known[row] for row in rows])
        arrays[name] = chosen.reshape(-1, *arrays[name].shape[1:])
    if max(earlier.factor / planned.factor, planned.factor / earlier.factor) < SAME_SCALE:
        planned = replace(planned, factor=earlier.factor, pixels=earlier.pixels)
    return planned, arrays
