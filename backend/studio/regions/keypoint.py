"""Named points: `KeyPointLabels`. What belongs together is one instance.

In the editor a point hangs on a rectangle by `parentID`: the rectangle is the object, and its points are the
instance's. Points that hang on none are those of the one object of the frame; where no rectangle is asked for and a label
is there more than once, each is an instance of its own. A point that is not visible is not there.
"""

import math
from collections.abc import Sequence
from typing import Any

from backend.studio.regions.comparison import Value, near, one_move_unless
from backend.studio.regions.item import (
    Item,
    grouped,
    labelled,
    labels_of,
    percent,
    types_of,
    unique_id,
    value_of,
    written,
)
from backend.studio.regions.limits import MOST_POINTS
from backend.studio.regions.rectangle import SHAPE as RECTANGLE
from backend.studio.regions.rectangle import box_of
from backend.studio.regions.region import ReadResult, Size, number, size_of
from backend.types import Box, Control, Instance, Keypoint

SHAPE = "keypoint"
WIDTH = 0.75
"""Of a point as the editor shows it, percent of the image's width."""
OUTSIDE = 1.0
"""Pixels: points at most this far outside the image are moved onto its edge, others are left out."""


class KeyPointRegions:
    """The converter of points."""

    def read(self, result: Sequence[Item], control: Control, size: Size | None = None) -> ReadResult:
        """See `regions.Regions.read`; a rectangle without points is no instance."""
        found, problems = labelled(result, control, SHAPE, _point, size, MOST_POINTS)
        parents = _parents(result, size)
        objects: dict[str | None, list[Keypoint]] = {}
        for one in found:
            x, y, named = one.geometry
            parent = named if named in parents else None
            objects.setdefault(parent, []).append(Keypoint(one.label, x, y, region_id=one.region_id))
        instances: list[Instance] = []
        for parent, points in objects.items():
            label, box = parents[parent] if parent else ("", None)
            if parent is None and _apart(points, control):
                instances += [Instance(p.label, _bounds([p]), region_id=p.region_id, keypoints=(p,)) for p in points]
                continue
            shown, doubled = _first_of_each(points)
            of = f"region {parent}" if parent else "the frame's one object; hang them on rectangles (parentID)"
            problems += [f"{_name(p)} of {control.from_name!r}: a second {p.label!r} of {of}" for p in doubled]
            instances.append(Instance(label, box or _bounds(shown), region_id=parent, keypoints=tuple(shown)))
        return ReadResult(tuple(instances), tuple(problems))

    def write(self, instances: Sequence[Instance], control: Control, size: Size) -> list[dict[str, Any]]:
        """See `regions.Regions.write`; points below the control's own threshold are left out one by one."""
        result: list[dict[str, Any]] = []
        # A point may not take the id of the rectangle that it hangs on.
        used = {instance.region_id for instance in instances if instance.region_id}
        limit = control.score_threshold or 0.0
        for instance in instances:
            parent = {"parentID": instance.region_id} if control.boxes_from and instance.region_id else {}
            for point in instance.keypoints:
                place = _inside(point.x, point.y, size)
                if place is None or point.score < limit:
                    continue
                value = {"x": percent(place[0], size[0]), "y": percent(place[1], size[1]), "width": WIDTH}
                id_ = unique_id(point.region_id, used)
                items = written(control, SHAPE, value, [point.label], id_=id_, size=size, score=point.score)
                result += [{**item, **parent} for item in items]
        return result


def _point(item: Item, image: Size) -> tuple[float, float, str | None] | str:
    """x and y in pixels, and the id of the region that the point hangs on; or what is wrong with it."""
    value = value_of(item)
    x, y = number(value.get("x")), number(value.get("y"))
    if x is None or y is None:
        return "has no numbers x and y in percent"
    place = _inside(x * image[0] / 100, y * image[1] / 100, image)
    if place is None:
        return "lies outside the image"
    parent = item.get("parentID")
    return (*place, parent if isinstance(parent, str) and parent else None)


def as_one_object(instances: Sequence[Instance]) -> tuple[Instance, list[Keypoint]]:
    """(the points of a frame as those of its one object, the points that are a label's second or further one)."""
    shown, doubled = _first_of_each([point for instance in instances for point in instance.keypoints])
    return Instance("", _bounds(shown), keypoints=tuple(shown)), doubled


def _first_of_each(points: Sequence[Keypoint]) -> tuple[list[Keypoint], list[Keypoint]]:
    """(the first point of each label, the others)."""
    first: dict[str, Keypoint] = {}
    doubled = [point for point in points if first.setdefault(point.label, point) is not point]
    return list(first.values()), doubled


def _apart(points: Sequence[Keypoint], control: Control) -> bool:
    """Whether points that hang on no rectangle are an object each."""
    if control.boxes_from is not None or control.any_number is not None:
        return bool(control.any_number)
    return len({point.label for point in points}) < len(points)


def _name(point: Keypoint) -> str:
    return f"region {point.region_id or 'without an id'}"


def _parents(result: Sequence[Item], size: Size | None) -> dict[str | None, tuple[str, Box]]:
    """{region id: label and box} of the usable rectangles, of any control tag."""
    found: dict[str | None, tuple[str, Box]] = {}
    for id_, items in grouped(result, RECTANGLE):
        item = next(item for item in items if item["type"] in types_of(RECTANGLE))
        image = size_of(item, size)
        box = box_of(item, image) if image else ""
        if id_ and not isinstance(box, str):
            found[id_] = (next(iter(labels_of(items, RECTANGLE)), ""), box)
    return found


def _inside(x: float, y: float, image: Size) -> tuple[float, float] | None:
    """The point, on the image; None where it is not."""
    if not (math.isfinite(x) and math.isfinite(y)):
        return None
    if not (-OUTSIDE <= x <= image[0] + OUTSIDE and -OUTSIDE <= y <= image[1] + OUTSIDE):
        return None
    return min(max(x, 0.0), float(image[0])), min(max(y, 0.0), float(image[1]))


def _bounds(points: Sequence[Keypoint]) -> Box:
    """The smallest box around points that is a pixel or more wide and high."""
    (x0, x1), (y0, y1) = _span([point.x for point in points]), _span([point.y for point in points])
    return x0, y0, x1, y1


def _span(places: Sequence[float]) -> tuple[float, float]:
    """From the least to the greatest; widened towards 0 where that is under a pixel, so as to stay in the image."""
    least, greatest = min(places), max(places)
    least = max(0.0, min(least, math.ceil(greatest) - 1.0))
    return least, max(greatest, least + 1.0)


def _is_same(a: Value, b: Value) -> bool:
    return near(a, b, ("x", "y"))  # its width is only how large the editor draws it


COMPARISON = one_move_unless(_is_same)
