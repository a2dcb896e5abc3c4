"""How two regions of one kind are compared: is it the same geometry, and how much work is it to draw?"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backend.studio.regions.region import number

TOLERANCE = 0.01
"""Percent of the image's side: a tenth of a pixel in an image of 1,000, more than rounding, less than any drag."""

Value = Mapping[str, Any]
"""The `value` of a result item."""


@dataclass(frozen=True, slots=True)
class RegionComparison:
    """How the regions of one control tag are compared. None of the functions may raise: values may hold anything."""

    moves: Callable[[Value, Value], int]
    """Human actions that make the second geometry of the first; 0 where they are the same."""
    strokes: Callable[[Value], int] = lambda value: 1
    """Human actions that drawing it takes, at least 1."""
    covers: Callable[[Value], int] = lambda value: 1
    """Labels that it stands for, at least 1: of a track or a range one a frame in which it is seen."""


def near(a: Value, b: Value, keys: Sequence[str]) -> bool:
    """Whether these numbers agree; what is none, or is not there, counts as 0."""
    return all(abs((number(a.get(key)) or 0.0) - (number(b.get(key)) or 0.0)) <= TOLERANCE for key in keys)


def same_rotation(a: Value, b: Value) -> bool:
    """Whether the rotations, in degrees, differ by no more than rounding."""
    difference = (number(a.get("rotation")) or 0.0) - (number(b.get("rotation")) or 0.0)
    return abs((difference + 180) % 360 - 180) <= TOLERANCE


def one_move_unless(same: Callable[[Value, Value], bool]) -> RegionComparison:
    """Of regions that a person draws and mends in one go."""
    return RegionComparison(lambda a, b: 0 if same(a, b) else 1)
