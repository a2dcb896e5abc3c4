"""Starting pose from an earlier version's weights."""

from dataclasses import replace
from typing import Any

from backend.learning.fitting.initialization import WarmStart, similar_scale
from backend.learning.pose.config import PoseConfig

KEYPOINT_TENSORS = ("points.heat.weight", "points.heat.bias")
"""Tensors with a row for each keypoint, which are the labels of this head."""


def _shape(config: PoseConfig) -> tuple[Any, ...]:
    return config.backbone, config.frozen, config.width, config.width, config.parented


def _scaled(planned: PoseConfig, before: PoseConfig) -> PoseConfig:
    if not similar_scale(before.coarse_factor, planned.coarse_factor):
        return planned
    return replace(planned, coarse_factor=before.coarse_factor, size=before.size)


warm = WarmStart(PoseConfig.from_metadata, _shape, KEYPOINT_TENSORS, _scaled)
