"""Ellipses as masks: `EllipseLabels`, and `Ellipse` together with `Labels`. One region is one instance.

Label Studio gives the centre, the two radii in percent of the image's width and height, and a rotation in degrees
clockwise about the centre. A mask is written as the ellipse with the same centre, area and direction.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from backend.pixel_edges import bounding_box
from backend.studio.regions.comparison import Value, near, one_move_unless, same_rotation
from backend.studio.regions.item import DIGITS, Item, labelled, percent, unique_id, value_of, written
from backend.studio.regions.mask import fill, of_size
from backend.studio.regions.region import ReadResult, Size, number
from backend.studio.regions.several import with_labels
from backend.types import Control, Instance, Mask

SHAPE = "ellipse"
VERTICES = 360
"""Of the polygon that stands for an ellipse: within a tenth of a pixel of it up to a radius of 2,000 pixels."""
MAX_PER_CENT = 1000.0
"""Percent: an ellipse this far or large is no drawing but a mistake in its numbers."""


class EllipseRegions:
    """The converter of both ways to configure ellipses."""

    def read(self, result: Sequence[Item], control: Control, size: Size | None = None) -> ReadResult:
        """See `regions.Regions.read`; the part of an ellipse inside the image counts."""
        found, problems = labelled(result, control, SHAPE, _mask, size)
        instances = (
            Instance(one.label, box, region_id=one.region_id, mask=one.geometry)
            for one in found
            if (box := bounding_box(one.geometry)) is not None
        )
        return ReadResult(tuple(instances), tuple(problems))

    def write(self, instances: Sequence[Instance], control: Control, size: Size) -> list[dict[str, Any]]:
        """See `regions.Regions.write`; one ellipse an instance, whatever the shape of its mask."""
        result: list[dict[str, Any]] = []
        used: set[str] = set()
        for instance, labels in with_labels(instances, control):
            mask = of_size(instance.mask, size)
            if mask is not None:
                id_ = unique_id(instance.region_id, used)
                value = _fitted(mask)
                result += written(control, SHAPE, value, labels, id_=id_, size=size, score=instance.score)
        return result


def _mask(item: Item, image: Size) -> Mask | str:
    """The filled ellipse of an item; or what is wrong with it."""
    value = value_of(item)
    numbers = [number(value.get(key)) for key in ("x", "y", "radiusX", "radiusY")]
    x, y, right, down = (n if n is not None and abs(n) <= MAX_PER_CENT else math.nan for n in numbers)
    if math.isnan(x + y + right + down) or min(right, down) < 0:
        return "has no numbers x, y, radiusX and radiusY in percent"
    turn = math.radians((number(value.get("rotation")) or 0.0) % 360)
    around = np.linspace(0, 2 * np.pi, VERTICES, endpoint=False)
    # In pixels, since a turned ellipse is turned as it is seen and not in percent of unequal sides.
    across, along = right * image[0] / 100 * np.cos(around), down * image[1] / 100 * np.sin(around)
    columns = x * image[0] / 100 + across * math.cos(turn) - along * math.sin(turn)
    rows = y * image[1] / 100 + across * math.sin(turn) + along * math.cos(turn)
    mask = fill(np.stack([columns, rows], axis=1), image)
    return mask if mask.any() else "covers no pixel of the image"


def _fitted(mask: Mask) -> dict[str, float]:
    """Label Studio's value of the ellipse with the mask's moments; turned by 45 degrees at most."""
    height, width = mask.shape
    rows, columns = np.nonzero(mask)
    # A pixel is a square, not a point: half a pixel to its centre, and a twelfth to the variances.
    x, y = float(columns.mean()) + 0.5, float(rows.mean()) + 0.5
    across, along = float(columns.var()) + 1 / 12, float(rows.var()) + 1 / 12
    both = float(((columns + 0.5 - x) * (rows + 0.5 - y)).mean())
    turn = math.atan2(2 * both, across - along) / 2
    turn -= round(turn / (math.pi / 2)) * (math.pi / 2)
    right = across * math.cos(turn) ** 2 + along * math.sin(turn) ** 2 + both * math.sin(2 * turn)
    down = max(1 / 12, across + along - right)
    # Of an ellipse the variance along an axis is a quarter of the radius squared; Label Studio takes radii up to 50 %.
    return {
        "x": percent(x, width),
        "y": percent(y, height),
        "radiusX": min(50.0, percent(2 * math.sqrt(max(1 / 12, right)), width)),
        "radiusY": min(50.0, percent(2 * math.sqrt(down), height)),
        "rotation": round(math.degrees(turn) % 360, DIGITS) % 360,
    }


def _is_same(a: Value, b: Value) -> bool:
    return near(a, b, ("x", "y", "radiusX", "radiusY")) and same_rotation(a, b)


COMPARISON = one_move_unless(_is_same)
