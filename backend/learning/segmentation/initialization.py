"""Starting segmentation from an earlier version's weights."""

from dataclasses import replace
from typing import Any

from backend.learning.fitting.initialization import WarmStart, similar_scale
from backend.learning.segmentation.config import SegmentationConfig
from backend.learning.segmentation.head import DETAIL_STRIDE

LABEL_TENSORS = ("head.out.weight", "head.out.bias")
"""Tensors with rows for each label, one for each pixel of a cell."""


def _shape(config: SegmentationConfig) -> tuple[Any, ...]:
    return config.backbone, config.frozen, config.width, config.detail


def _scaled(planned: SegmentationConfig, before: SegmentationConfig) -> SegmentationConfig:
    if not similar_scale(before.factor, planned.factor):
        return planned
    return replace(planned, factor=before.factor, pixels=before.pixels)


warm = WarmStart(SegmentationConfig.from_metadata, _shape, LABEL_TENSORS, _scaled, DETAIL_STRIDE**2)
