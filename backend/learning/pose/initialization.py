"""Starting pose from an earlier version's weights."""

from dataclasses import replace
from typing import Any

from backend.learning.fitting.initialization import Warm, near
from backend.learning.pose.config import Blueprint

HEAT = ("points.heat.weight", "points.heat.bias")
"""Tensors with a row for each keypoint, which are the labels of this head."""


def _shape(blueprint: Blueprint) -> tuple[Any, ...]:
    return blueprint.backbone, blueprint.frozen, blueprint.width, blueprint.width, blueprint.parented


def _scaled(planned: Blueprint, before: Blueprint) -> Blueprint:
    if not near(before.coarse_factor, planned.coarse_factor):
        return planned
    return replace(planned, coarse_factor=before.coarse_factor, size=before.size)


warm = Warm(Blueprint.from_metadata, _shape, HEAT, _scaled)
