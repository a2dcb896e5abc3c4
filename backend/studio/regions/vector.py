"""Vectors: `VectorLabels`, and `Vector` together with `Labels` (Label Studio 1.23).

A region holds vertices `{id, x, y, prevPointId}` in percent of the image; each is joined with the one that it names, else
with the one before. Closed ones are polygons, whose edges may be cubic Bezier curves. With `skeleton="true"` a region is
one posed object: its vertices are the points that `model_points` names, known by their id where we wrote them, and by
their order where a person drew them.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from backend.pixel_edges import bounding_box
from backend.studio.regions import vertices as lines
from backend.studio.regions.comparison import RegionComparison
from backend.studio.regions.item import Item, grouped, labelled, labels_of, types_of, unique_id, value_of, written
from backend.studio.regions.limits import MOST_ROWS_CROSSED, MOST_VERTICES_IN_ALL, Budget
from backend.studio.regions.mask import fill, of_size
from backend.studio.regions.outline import outlines
from backend.studio.regions.region import ReadResult, Size, size_of
from backend.studio.regions.several import with_labels
from backend.types import Box, Control, Head, Instance, Keypoint, Mask

SHAPE = "vector"
BOX_MARGIN_SHARE = 0.1
"""Of a skeleton's diagonal, by which its box is wider on each side: points lie inside of the object that they are of."""


class VectorRegions:
    """The converter of polygons and, by the control's head, of skeletons and of the boxes around them."""

    def read(self, result: Sequence[Item], control: Control, size: Size | None = None) -> ReadResult:
        """See `regions.Regions.read`."""
        if control.head is not Head.SEGMENTATION:
            return _skeletons(result, control, size)
        vertices = Budget(MOST_VERTICES_IN_ALL, "vertices")
        rows = Budget(MOST_ROWS_CROSSED, "rows crossed by its edges")
        found, problems = labelled(result, control, SHAPE, partial(_mask, vertices=vertices, rows=rows), size)
        instances = (
            Instance(one.label, box, region_id=one.region_id, mask=one.geometry)
            for one in found
            if (box := bounding_box(one.geometry)) is not None
        )
        return ReadResult(tuple(instances), tuple(problems))

    def write(self, instances: Sequence[Instance], control: Control, size: Size) -> list[dict[str, Any]]:
        """See `regions.Regions.write`: a region for each part of a mask, or one for each posed object."""
        if control.head is Head.SEGMENTATION:
            return _polygons(instances, control, size)
        return _posed(instances, control, size) if control.head is Head.POSE else []


def _mask(item: Item, image: Size, vertices: Budget, rows: Budget) -> Mask | str:
    """The filled polygon of an item; or what is wrong with it."""
    value = value_of(item)
    corners = lines.read(value, vertices)
    if isinstance(corners, str):
        return corners
    if value.get("closed") is not True or len(corners) < 3:
        return "is a line; expected a closed polygon of three or more vertices"
    ring = lines.ring(corners) * image / 100
    heights = np.clip(ring[:, 1], 0, image[1])
    rows.take(int(np.abs(heights - np.roll(heights, 1)).sum()))
    mask = fill(ring, image)
    return mask if mask.any() else "covers no pixel of the image"


def _polygons(instances: Sequence[Instance], control: Control, size: Size) -> list[dict[str, Any]]:
    result: list[dict[str, Any]] = []
    used: set[str] = set()
    for instance, labels in with_labels(instances, control):
        mask = of_size(instance.mask, size)
        for n, ring in enumerate([] if mask is None else outlines(mask)):
            names = [f"v{at}" for at in range(len(ring))]
            before = [names[-1], *names[:-1]]  # as the editor closes a path
            value = {"vertices": lines.written(ring, names, before, size), "closed": True}
            id_ = unique_id(None if n else instance.region_id, used)
            result += written(control, SHAPE, value, labels, id_=id_, size=size, score=instance.score)
    return result


def _skeletons(result: Sequence[Item], control: Control, size: Size | None) -> ReadResult:
    """One instance for each region: its points, or its box alone, as the control's head wants it."""
    tag = control.drawn_with or control.from_name
    instances, problems = [], []
    budget = Budget(MOST_VERTICES_IN_ALL, "vertices")
    for id_, items in grouped(result, SHAPE, (tag, control.labels_from or tag)):
        item = next(item for item in items if item["type"] in types_of(SHAPE))
        drawn, said = _points(item, control, size, budget), labels_of(items, SHAPE)
        if said and all(one in control.left_alone for one in said):
            continue
        label = next((one for one in said if control.drawn_with is None or one in control.labels), "")
        if isinstance(drawn, str) or not label:
            why = drawn if isinstance(drawn, str) else "has no label that is learnt"
            problems.append(f"region {id_ or 'without an id'} of {tag!r}: {why}")
            continue
        box, points = drawn
        kept = points if control.head is Head.POSE else ()
        instances.append(Instance(label, box, region_id=id_, keypoints=kept))
    return ReadResult(tuple(instances), tuple(problems))


def _points(item: Item, control: Control, size: Size | None, budget: Budget) -> tuple[Box, tuple[Keypoint, ...]] | str:
    """A skeleton's box and its points inside the image, or what is wrong with it."""
    image, vertices = size_of(item, size), lines.read(value_of(item), budget)
    if image is None:
        return "has no usable original_width and original_height, and the size of the image is not known"
    if isinstance(vertices, str):
        return vertices
    vertices = _once(vertices, control.labels)
    names = _names([one.id for one in vertices], control.labels) if control.head is Head.POSE else None
    if names is not None and len(names) < len(vertices):
        return f"has {len(vertices)} vertices; model_points names {len(control.labels)}: {', '.join(control.labels)}"
    places = np.array([(one.x, one.y) for one in vertices]) * image / 100
    inside = np.all((places >= 0) & (places <= image), axis=1)
    if not inside.any():
        return "lies outside the image"
    points = [
        Keypoint(name, float(x), float(y))
        for name, (x, y), shown in zip(names or [""] * len(places), places, inside, strict=True)
        if shown
    ]
    return _around(places[inside], image), tuple(points)


def _once(vertices: Sequence[lines.Vertex], labels: Sequence[str]) -> list[lines.Vertex]:
    """Without those that the editor of 1.23.2 adds to a quick first click: right on the one before."""
    before = [None, *vertices]
    return [
        one
        for one, other in zip(vertices, before, strict=False)
        if other is None or one.id in labels or (one.x, one.y) != (other.x, other.y)
    ]


def _names(ids: Sequence[str], labels: Sequence[str]) -> list[str]:
    """Names of vertices: their ids where these are names, else in order what is left; fewer where names run out."""
    left = iter([label for label in labels if label not in ids])
    known = (id_ in labels and id_ not in ids[:n] for n, id_ in enumerate(ids))
    named = [id_ if is_known else next(left, None) for id_, is_known in zip(ids, known, strict=True)]
    return [name for name in named if name is not None]


def _around(places: np.ndarray[Any, Any], image: Size) -> Box:
    """The box around a skeleton's points, (n, 2) in pixels, inside the image, a pixel or more wide and high."""
    low, high = places.min(axis=0), places.max(axis=0)
    wider = max(BOX_MARGIN_SHARE * float(np.hypot(*(high - low))), 0.5)
    low, high = np.maximum(low - wider, 0), np.minimum(high + wider, image)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _posed(instances: Sequence[Instance], control: Control, size: Size) -> list[dict[str, Any]]:
    """One region for each object; points below the control's own threshold are left out one by one."""
    result: list[dict[str, Any]] = []
    used: set[str] = set()
    links = dict(zip(control.labels, control.linked_to, strict=False))
    order = {label: n for n, label in enumerate(control.labels)}
    for instance in instances:
        shown = [
            point
            for point in sorted(instance.keypoints, key=lambda point: order.get(point.label, len(order)))
            if point.score >= (control.score_threshold or 0.0) and 0 <= point.x <= size[0] and 0 <= point.y <= size[1]
        ]
        if not shown:
            continue
        names = [point.label for point in shown]
        before = [_linked(name, links, names[:n]) for n, name in enumerate(names)]
        places = np.array([(point.x, point.y) for point in shown])
        value = {"vertices": lines.written(places, names, before, size), "closed": False}
        id_ = unique_id(instance.region_id, used)
        result += written(control, SHAPE, value, [instance.label], id_=id_, size=size, score=instance.score)
    return result


def _linked(name: str, links: Mapping[str, str], there: Sequence[str]) -> str | None:
    """The nearest point on the way to where the lines begin that is shown, else the one before."""
    at = links.get(name, "")
    while at and at not in there:
        at = links.get(at, "")
    return at or (there[-1] if there else None)


COMPARISON = RegionComparison(moves=lines.moves, strokes=lines.strokes, covers=lines.strokes)
