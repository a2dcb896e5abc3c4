"""Starting detection from an earlier version's weights."""

from dataclasses import replace
from typing import Any

from backend.learning.detection.config import Blueprint
from backend.learning.fitting.initialization import Warm, near

HEAT = ("head.heat.weight", "head.heat.bias")
"""Tensors with a row for each label."""


def shape(blueprint: Blueprint) -> tuple[Any, ...]:
    """What must be equal for one network's arrays to fit another; see `Warm`."""
    return (
        blueprint.backbone,
        blueprint.frozen,
        blueprint.width,
        blueprint.width,
        blueprint.turned,
        blueprint.background is not None,
    )


def _scaled(planned: Blueprint, before: Blueprint) -> Blueprint:
    if not near(before.factor, planned.factor):
        return planned
    return replace(planned, factor=before.factor, pixels=before.pixels, size=before.size)


warm = Warm(Blueprint.from_metadata, shape, HEAT, _scaled)
