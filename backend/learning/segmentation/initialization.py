"""Starting segmentation from an earlier version's weights."""

from dataclasses import replace
from typing import Any

from backend.learning.fitting.initialization import Warm, near
from backend.learning.segmentation.config import SegmentationBlueprint
from backend.learning.segmentation.head import STRIDE

OUT = ("head.out.weight", "head.out.bias")
"""Tensors with rows for each label, one for each pixel of a cell."""


def _shape(blueprint: SegmentationBlueprint) -> tuple[Any, ...]:
    return blueprint.backbone, blueprint.frozen, blueprint.width, blueprint.detail


def _scaled(planned: SegmentationBlueprint, before: SegmentationBlueprint) -> SegmentationBlueprint:
    if not near(before.factor, planned.factor):
        return planned
    return replace(planned, factor=before.factor, pixels=before.pixels)


warm = Warm(SegmentationBlueprint.from_metadata, _shape, OUT, _scaled, STRIDE**2)
