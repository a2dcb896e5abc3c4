"""Boxes: `RectangleLabels`, and `Rectangle` together with `Labels`.

Label Studio gives x, y, width and height in percent of the image, and a rotation in degrees clockwise about the box's
left-top corner. `image_rotation` is how the annotator had turned the *view* (editor 1.23.2, `createSerializedResult`:
beside the natural size of the picture as it is, and percentages of its unturned stage): it changes no coordinate, is
not needed for reading, and is written as 0. A rotated box is the same one about its centre by an angle in (-45, 45], with
its sides exchanged if need be; it is turned as it is seen, in pixels.
"""

import math
from collections.abc import Sequence
from typing import Any

from backend.studio.regions.comparison import Value, near, one_move_unless, same_rotation
from backend.studio.regions.item import DIGITS, Item, labelled, unique_id, value_of, written
from backend.studio.regions.region import Nothing, ReadResult, Size, number
from backend.studio.regions.several import with_labels
from backend.types import Box, Control, Instance, level

SMALLEST_PIXELS = 0.5
"""Boxes narrower or lower than this, inside the image, were clicks and not boxes."""
SHAPE = "rectangle"


class RectangleRegions:
    """The converter of both ways to configure boxes."""

    def read(self, result: Sequence[Item], control: Control, size: Size | None = None) -> ReadResult:
        """See `regions.Regions.read`. A person's region has score 1, also where it keeps a prediction's score."""
        found, problems = labelled(result, control, SHAPE, turned_of, size)
        instances = (
            Instance(one.label, one.geometry[0], region_id=one.region_id, angle=one.geometry[1]) for one in found
        )
        return ReadResult(tuple(instances), tuple(problems))

    def write(self, instances: Sequence[Instance], control: Control, size: Size) -> list[dict[str, Any]]:
        """See `regions.Regions.write`; instances that lie outside the image are left out."""
        result: list[dict[str, Any]] = []
        used: set[str] = set()
        for instance, labels in with_labels(instances, control):
            value = turned_percent_of(instance.box, instance.angle, size)
            if value is not None:
                id_ = unique_id(instance.region_id, used)
                result += written(control, SHAPE, value, labels, id_=id_, size=size, score=instance.score)
        return result


def box_of(item: Item, image: Size) -> Box | str:
    """The smallest upright box around a rectangle's item in pixels, clipped to the image; or what is wrong with it."""
    found = turned_of(item, image)
    if isinstance(found, str) or not found[1]:
        return found if isinstance(found, str) else found[0]
    return _clip(Instance("", found[0], angle=found[1]).bounds, image) or "lies outside the image"


def turned_of(item: Item, image: Size) -> tuple[Box, float] | str:
    """The box of a rectangle's item in pixels, and its angle in degrees as that of an `Instance`; or what is wrong with it.
    An upright box is clipped to the image."""
    value = value_of(item)
    sides = [number(value.get(key)) for key in ("x", "y", "width", "height")]
    if None in sides:
        return "has no numbers x, y, width and height in percent"
    x, y, width, height = (side * image[n % 2] / 100 for n, side in enumerate(sides) if side is not None)
    rotation = number(value.get("rotation")) or 0.0
    bounds = _bounds(x, y, width, height, rotation)
    box = _clip(bounds, image)
    if box is None:
        outside = _area(bounds) > 0 and min(bounds[2] - bounds[0], bounds[3] - bounds[1]) >= SMALLEST_PIXELS
        return "lies outside the image" if outside else _too_small(width, height)
    if not level(box, rotation)[1]:
        return box, 0.0
    if min(abs(width), abs(height)) < SMALLEST_PIXELS:
        return _too_small(width, height)
    middle, half = ((bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2), (abs(width) / 2, abs(height) / 2)
    return level((middle[0] - half[0], middle[1] - half[1], middle[0] + half[0], middle[1] + half[1]), rotation)


def _too_small(width: float, height: float) -> Nothing:
    return Nothing(f"is {abs(width):.2f} x {abs(height):.2f} pixels, too small")


def _bounds(x: float, y: float, width: float, height: float, degrees: float) -> Box:
    """The smallest upright box around one that is turned clockwise (y points down) about its corner (x, y)."""
    if degrees % 360 == 0:
        sine, cosine = 0.0, 1.0
    else:
        sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    corners = [(w * cosine - h * sine, w * sine + h * cosine) for w in (0.0, width) for h in (0.0, height)]
    right, down = [corner[0] for corner in corners], [corner[1] for corner in corners]
    return x + min(right), y + min(down), x + max(right), y + max(down)


def _clip(box: Box, size: Size) -> Box | None:
    """The part of a box inside the image; None where too little is left."""
    x0, x1 = (min(max(edge, 0.0), float(size[0])) for edge in (box[0], box[2]))
    y0, y1 = (min(max(edge, 0.0), float(size[1])) for edge in (box[1], box[3]))
    return (x0, y0, x1, y1) if min(x1 - x0, y1 - y0) >= SMALLEST_PIXELS else None


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def percent_of(box: Box, size: Size) -> dict[str, float] | None:
    """Label Studio's value of a box, wholly inside the image; None where nothing of it is inside."""
    if not all(math.isfinite(edge) for edge in box):
        return None
    clipped = _clip(box, size)
    if clipped is None:
        return None
    x, y = round(clipped[0] * 100 / size[0], DIGITS), round(clipped[1] * 100 / size[1], DIGITS)
    right, bottom = clipped[2] * 100 / size[0], clipped[3] * 100 / size[1]
    # Rounding may not push the far edge over 100: the editor would move the region.
    width = min(round(right - x, DIGITS), round(100 - x, DIGITS))
    height = min(round(bottom - y, DIGITS), round(100 - y, DIGITS))
    return {"x": x, "y": y, "width": width, "height": height, "rotation": 0}


def turned_percent_of(box: Box, angle: float, size: Size) -> dict[str, float] | None:
    """Label Studio's value of a box that is turned by `angle` degrees about its centre; None where nothing of it is inside
    the image."""
    if not angle:
        return percent_of(box, size)
    turned = Instance("", box, angle=angle)
    if not all(map(math.isfinite, (*box, angle))) or _clip(turned.bounds, size) is None:
        return None
    x, y = turned.corners[0]
    return {
        "x": round(x * 100 / size[0], DIGITS),
        "y": round(y * 100 / size[1], DIGITS),
        "width": round((box[2] - box[0]) * 100 / size[0], DIGITS),
        "height": round((box[3] - box[1]) * 100 / size[1], DIGITS),
        "rotation": round(angle % 360, DIGITS) % 360,
    }


def is_same_box(a: Value, b: Value) -> bool:
    """Whether two values are the same box."""
    return near(a, b, ("x", "y", "width", "height")) and same_rotation(a, b)


COMPARISON = one_move_unless(is_same_box)
