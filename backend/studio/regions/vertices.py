"""The vertices of a vector: read, written, flattened to a ring, and compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backend.pixel_edges import Ring
from backend.studio.regions.comparison import TOLERANCE, Value
from backend.studio.regions.item import percent
from backend.studio.regions.limits import MOST_VERTICES, Budget
from backend.studio.regions.region import Size, number

MAX_PER_CENT = 1000.0
"""Percent: a vertex this far from the image is no drawing but a mistake in its numbers."""
STEPS = 16
"""Straight pieces that stand for one curve."""
HANDLE = 0.3
"""Where the editor puts the control point of an edge of which one end alone has one: this share of the edge from the
other end."""

Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Vertex:
    """One vertex, in percent of the image."""

    id: str
    x: float
    y: float
    arrives: Place | None = None
    """Control point of the curve that ends here; None: it is straight."""
    leaves: Place | None = None
    """Control point of the curve that begins here."""


def read(value: Value, budget: Budget) -> list[Vertex] | str:
    """The vertices of a value, at least one; or what is wrong with one of them."""
    rows = value.get("vertices")
    if not isinstance(rows, list) or not rows:
        return "has no list `vertices`"
    if len(rows) > MOST_VERTICES:
        return f"has {len(rows):,} vertices; expected at most {MOST_VERTICES:,}"
    budget.take(len(rows))
    found = [_vertex(row, n) for n, row in enumerate(rows)]
    kept = [one for one in found if one is not None]
    if len(kept) < len(found):
        return "has a vertex without numbers x and y in percent"
    return kept


def ring(vertices: Sequence[Vertex]) -> Ring:
    """(n, 2): the closed polygon through vertices, percent; curves as short straight pieces."""
    pieces = []
    for before, after in zip([vertices[-1], *vertices[:-1]], vertices, strict=True):
        end = np.array([[after.x, after.y]])
        pieces.append(_curve(before, after) if before.leaves or after.arrives else end)
    return np.concatenate(pieces)


def written(
    places: np.ndarray[Any, Any], names: Sequence[str], before: Sequence[str | None], size: Size
) -> list[dict[str, Any]]:
    """Vertices at (n, 2) pixels, with these ids, each joined with the one before it."""
    return [
        {
            "id": name,
            "x": percent(x, size[0]),
            "y": percent(y, size[1]),
            "prevPointId": joined,
            "isBezier": False,
        }
        for (x, y), name, joined in zip(places, names, before, strict=True)
    ]


def moves(shown: Value, drawn: Value) -> int:
    """Of polygons 1 where they differ; of lines and skeletons how many vertices were moved, added or deleted."""
    before, after = _by_id(shown), _by_id(drawn)
    changed = sum(_differ(before[id_], after[id_]) for id_ in before.keys() & after.keys())
    touched = changed + len(before.keys() ^ after.keys())
    if shown.get("closed") is True or drawn.get("closed") is True:
        return int(touched > 0 or shown.get("closed") != drawn.get("closed"))
    return touched


def strokes(value: Value) -> int:
    """A polygon is one drawing; of a line or a skeleton each vertex is one."""
    return 1 if value.get("closed") is True else max(len(_by_id(value)), 1)


def _vertex(row: object, place: int) -> Vertex | None:
    if not isinstance(row, Mapping):
        return None
    at, id_ = _place(row), row.get("id")
    if at is None:
        return None
    curved = row.get("isBezier") is True
    arrives, leaves = (_place(row.get(key)) if curved else None for key in ("controlPoint1", "controlPoint2"))
    return Vertex(id_ if isinstance(id_, str) and id_ else f"#{place}", *at, arrives, leaves)


def _place(row: object) -> Place | None:
    if not isinstance(row, Mapping):
        return None
    x, y = number(row.get("x")), number(row.get("y"))
    return (x, y) if x is not None and y is not None and max(abs(x), abs(y)) <= MAX_PER_CENT else None


def _curve(before: Vertex, after: Vertex) -> np.ndarray[Any, np.dtype[np.float64]]:
    """(STEPS, 2): the cubic Bezier curve from one vertex to the next, without its start."""
    start, end = np.array([before.x, before.y]), np.array([after.x, after.y])
    first = np.array(before.leaves) if before.leaves else start + HANDLE * (end - start)
    second = np.array(after.arrives) if after.arrives else end - HANDLE * (end - start)
    t = np.linspace(0, 1, STEPS + 1)[1:, None]
    return np.asarray((1 - t) ** 3 * start + 3 * (1 - t) ** 2 * t * first + 3 * (1 - t) * t**2 * second + t**3 * end)


def _by_id(value: Value) -> dict[str, Vertex]:
    rows = value.get("vertices")
    some = rows[:MOST_VERTICES] if isinstance(rows, list) else []
    found = (_vertex(row, n) for n, row in enumerate(some))
    return {one.id: one for one in found if one is not None}


def _differ(a: Vertex, b: Vertex) -> bool:
    first, second = _ends(a), _ends(b)
    return any(abs(x - y) > TOLERANCE for x, y in zip(first, second, strict=True))


def _ends(one: Vertex) -> tuple[float, ...]:
    """Where it is and where its control points are; one that is straight has them on itself."""
    here = (one.x, one.y)
    return (*here, *(one.arrives or here), *(one.leaves or here))
