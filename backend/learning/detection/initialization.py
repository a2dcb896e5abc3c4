"""Starting detection from an earlier version's weights."""

from dataclasses import replace
from typing import Any

from backend.learning.detection.config import DetectionConfig
from backend.learning.fitting.initialization import WarmStart, similar_scale

LABEL_TENSORS = ("head.heat.weight", "head.heat.bias")
"""Tensors with a row for each label."""


def shape(config: DetectionConfig) -> tuple[Any, ...]:
    """What must be equal for one network's arrays to fit another; see `WarmStart`."""
    return (
        config.backbone,
        config.frozen,
        config.width,
        config.width,
        config.turned,
        config.background is not None,
    )


def _scaled(planned: DetectionConfig, before: DetectionConfig) -> DetectionConfig:
    if not similar_scale(before.factor, planned.factor):
        return planned
    return replace(planned, factor=before.factor, pixels=before.pixels, size=before.size)


warm = WarmStart(DetectionConfig.from_metadata, shape, LABEL_TENSORS, _scaled)
