"""Polygons as masks: `PolygonLabels`, and `Polygon` together with `Labels`. One region is one instance.

How a mask becomes polygons, with holes and several parts, is told in `outline`.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from backend.pixel_edges import bounding_box
from backend.studio.regions.comparison import TOLERANCE, Value, one_move_unless
from backend.studio.regions.item import Item, labelled, percent, unique_id, value_of, written
from backend.studio.regions.limits import MOST_ROWS_CROSSED, MOST_VERTICES, MOST_VERTICES_IN_ALL, Budget
from backend.studio.regions.mask import fill, of_size
from backend.studio.regions.outline import outlines
from backend.studio.regions.region import ReadResult, Size, number
from backend.studio.regions.several import with_labels
from backend.types import Control, Instance, Mask

SHAPE = "polygon"
MAX_PER_CENT = 1000.0
"""Percent: a vertex this far from the image is no drawing but a mistake in its numbers."""


class PolygonRegions:
    """The converter of both ways to configure polygons."""

    def read(self, result: Sequence[Item], control: Control, size: Size | None = None) -> ReadResult:
        """See `regions.Regions.read`; the part of a polygon inside the image counts."""
        vertices, rows = (
            Budget(MOST_VERTICES_IN_ALL, "vertices"),
            Budget(MOST_ROWS_CROSSED, "rows crossed by its edges"),
        )
        found, problems = labelled(result, control, SHAPE, partial(_mask, vertices=vertices, rows=rows), size)
        instances = (
            Instance(one.label, box, region_id=one.region_id, mask=one.geometry)
            for one in found
            if (box := bounding_box(one.geometry)) is not None
        )
        return ReadResult(tuple(instances), tuple(problems))

    def write(self, instances: Sequence[Instance], control: Control, size: Size) -> list[dict[str, Any]]:
        """See `regions.Regions.write`: a region for each part of a mask, the largest with the instance's own id."""
        result: list[dict[str, Any]] = []
        used: set[str] = set()
        for instance, labels in with_labels(instances, control):
            mask = of_size(instance.mask, size)
            for n, ring in enumerate([] if mask is None else outlines(mask)):
                points = [[percent(x, size[0]), percent(y, size[1])] for x, y in ring]
                id_ = unique_id(None if n else instance.region_id, used)
                value = {"points": points, "closed": True}
                result += written(control, SHAPE, value, labels, id_=id_, size=size, score=instance.score)
        return result


def _mask(item: Item, image: Size, vertices: Budget, rows: Budget) -> Mask | str:
    """The filled polygon of an item; or what is wrong with it."""
    value = value_of(item)
    points = value.get("points")
    if isinstance(points, list) and len(points) > MOST_VERTICES:
        return f"has {len(points):,} points; expected at most {MOST_VERTICES:,}"
    vertices.take(len(points) if isinstance(points, list) else 0)
    corners = [_vertex(point) for point in points] if isinstance(points, list) else []
    if len(corners) < 3 or None in corners:
        return "has no three or more points [x, y] in percent"
    if value.get("closed") is False:
        return "is not closed; expected a finished polygon"
    ring = np.array(corners, dtype=np.float64) * image / 100
    heights = np.clip(ring[:, 1], 0, image[1])
    rows.take(int(np.abs(heights - np.roll(heights, 1)).sum()))
    mask = fill(ring, image)
    return mask if mask.any() else "covers no pixel of the image"


def _vertex(point: object) -> tuple[float, float] | None:
    if not isinstance(point, (list, tuple)) or len(point) != 2:
        return None
    x, y = number(point[0]), number(point[1])
    return (x, y) if x is not None and y is not None and max(abs(x), abs(y)) <= MAX_PER_CENT else None


def _is_same(a: Value, b: Value) -> bool:
    if a.get("points") == b.get("points"):
        return True
    try:
        if any(len(value.get("points") or ()) > MOST_VERTICES for value in (a, b)):
            return False
        first, second = (np.asarray(value.get("points"), np.float64) for value in (a, b))
    except (TypeError, ValueError):
        return False
    return first.shape == second.shape and np.allclose(first, second, rtol=0, atol=TOLERANCE)


COMPARISON = one_move_unless(_is_same)
