"""Boxes: `RectangleLabels`, and `Rectangle` together with `Labels`.

Label Studio gives x, y, width and height in percent of the image, and a rotation in degrees clockwise about the box's
left-top corner. `image_rotation` is how the annotator had turned the *view* (editor 1.23.2, `createSerializedResult`:
beside the natural size of the picture as it is, and percentages of its unturned stage): it changes no coordinate, is
not needed for reading, and is written as 0. A rotated box is read as the smallest upright box around it.
"""

import math
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from backend.studio.regions.region import ReadResult, Size, number, size_of
from backend.types import Box, Control, Instance

SMALLEST_PIXELS = 0.5
"""Boxes narrower or lower than this, inside the image, were clicks and not boxes."""
ID_LENGTH = 10
"""As the editor's own region ids."""

DIGITS = 5
"""Of percentages: a thousandth of a pixel in an image of 10,000."""
BOX_TYPES = ("rectanglelabels", "rectangle")

Region = Mapping[str, Any]


class RectangleRegions:
    """The converter of both ways to configure boxes."""

    def read(self, result: Sequence[Region], control: Control, size: Size | None = None) -> ReadResult:
        """See `regions.Regions.read`. A person's region has score 1, also where it keeps a prediction's score."""
        instances: list[Instance] = []
        problems: list[str] = []
        for id_, items in _by_region(result, control):
            name = f"region {id_ or 'without an id'} of {control.from_name!r}"
            found = _box(items, size)
            if isinstance(found, str):
                problems.append(f"{name}: {found}")
                continue
            labels = _labels(items)
            if not labels:
                problems.append(f"{name} has no label; expected one of: {', '.join(control.labels)}")
            for label in labels:
                if label in control.labels:
                    instances.append(Instance(label, found, region_id=id_))
                else:
                    problems.append(f"{name}: unknown label {label!r}; expected one of: {', '.join(control.labels)}")
        return ReadResult(tuple(instances), tuple(problems))

    def write(self, instances: Sequence[Instance], control: Control, size: Size) -> list[dict[str, Any]]:
        """See `regions.Regions.write`; instances that lie outside the image are left out."""
        result: list[dict[str, Any]] = []
        used: set[str] = set()
        for instance in instances:
            value = _percent(instance.box, size)
            if value is None:
                continue
            common = {
                "id": _unique(instance.region_id, used),
                "to_name": control.to_name,
                "original_width": size[0],
                "original_height": size[1],
                "image_rotation": 0,
                "score": min(1.0, max(0.0, float(instance.score))),
            }
            if control.labels_from is None:
                labelled = {**value, "rectanglelabels": [instance.label]}
                result.append({**common, "from_name": control.from_name, "type": "rectanglelabels", "value": labelled})
            else:
                labelled = {**value, "labels": [instance.label]}
                result.append({**common, "from_name": control.from_name, "type": "rectangle", "value": value})
                result.append({**common, "from_name": control.labels_from, "type": "labels", "value": labelled})
        return result


def _by_region(result: Sequence[Region], control: Control) -> list[tuple[str | None, list[Region]]]:
    """The result items of this control by region id: `Rectangle` + `Labels` makes two items with the same id."""
    # Tuples, not sets: a damaged item may hold anything here, also what cannot be hashed.
    names = (control.from_name, control.labels_from or control.from_name)
    found: list[tuple[str | None, list[Region]]] = []
    by_id: dict[str, list[Region]] = {}
    for item in result:
        if item.get("from_name") not in names or item.get("type") not in (*BOX_TYPES, "labels"):
            continue
        id_ = item.get("id")
        if not isinstance(id_, str) or not id_:
            found.append((None, [item]))  # cannot be joined with another: a region of its own
        elif id_ in by_id:
            by_id[id_].append(item)
        else:
            by_id[id_] = [item]
            found.append((id_, by_id[id_]))
    # `Labels` may serve other tags as well (an ellipse, a polygon): without a box item the region is not ours.
    return [(id_, items) for id_, items in found if any(item["type"] in BOX_TYPES for item in items)]


def _labels(items: Sequence[Region]) -> list[str]:
    """The labels of one region, each once, in order."""
    found: dict[str, None] = {}
    for item in items:
        value = item.get("value")
        chosen = value.get("rectanglelabels", value.get("labels")) if isinstance(value, Mapping) else None
        found |= dict.fromkeys(label for label in chosen if isinstance(label, str)) if isinstance(chosen, list) else {}
    return list(found)


def _box(items: Sequence[Region], size: Size | None) -> Box | str:
    """The box in pixels, clipped to the image; or what is wrong with it."""
    item = next(item for item in items if item["type"] in BOX_TYPES)
    if item.get("item_index"):
        return "is on a further image of a multi-image task; expected the first one"
    image = size_of(item, size)
    if image is None:
        return "has no original_width and original_height, and the size of the image is not known"
    value = item.get("value")
    value = value if isinstance(value, Mapping) else {}
    sides = [number(value.get(key)) for key in ("x", "y", "width", "height")]
    if None in sides:
        return "has no numbers x, y, width and height in percent"
    x, y, width, height = (side * image[n % 2] / 100 for n, side in enumerate(sides) if side is not None)
    hull = _hull(x, y, width, height, number(value.get("rotation")) or 0.0)
    box = _clip(hull, image)
    if box is None:
        outside = _area(hull) > 0 and min(hull[2] - hull[0], hull[3] - hull[1]) >= SMALLEST_PIXELS
        return "lies outside the image" if outside else f"is {abs(width):.2f} x {abs(height):.2f} pixels, too small"
    return box


def _hull(x: float, y: float, width: float, height: float, degrees: float) -> Box:
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


def _percent(box: Box, size: Size) -> dict[str, float] | None:
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


def _unique(wanted: str | None, used: set[str]) -> str:
    """The instance's own region id where no other region has it yet, else a new one."""
    id_ = wanted
    while not id_ or id_ in used:
        id_ = uuid.uuid4().hex[:ID_LENGTH]
    used.add(id_)
    return id_
