"""Regions of a prediction and of an annotation side by side: the same region, the same label, the same geometry?

The editor keeps the `id` of a region that came from a prediction, whatever is done to it; `origin` is not reliable (a
vertex added to a predicted polygon leaves it `prediction`). So regions are matched by id, and compared by value. A
whole-image choice is matched by its control: there is one, and choosing another class may make a new id.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, islice
from typing import Any

import numpy as np

from backend.studio.regions.item import Item, value_of
from backend.studio.regions.limits import MOST_PACKED, MOST_POINTS, MOST_VERTICES
from backend.studio.regions.packed import count_of, unpack
from backend.studio.regions.region import MOST_PIXELS, number

TOLERANCE = 0.01
"""Percent of the image's side: a tenth of a pixel in an image of 1,000, more than rounding, less than any drag."""
SAME_MASK = 0.995
"""Overlap (J) from which two masks are one: the editor packs an untouched mask anew, a stroke changes more."""
OPAQUE = 127
"""Alpha above this is the object, as `brush` reads it."""

_SAID = ("choices", "datetime", "number", "pairwise", "ranker", "rating", "taxonomy", "textarea")
"""Types of items that draw nothing: they say something of the whole task or, under its id, of a region."""

Value = Mapping[str, Any]
Key = tuple[str, str]
"""(control, id): what makes two regions the same one."""


@dataclass(frozen=True, slots=True)
class Region:
    """One region, of a prediction or of an annotation."""

    key: Key
    shape: str
    """`rectangle`, `ellipse`, `polygon`, `brush`, `keypoint`, `choices`, `videorectangle` or `timeline`."""
    labels: frozenset[str]
    value: Value = field(compare=False)

    @property
    def control(self) -> str:
        """Name of the control tag that it was drawn with."""
        return self.key[0]

    @property
    def label(self) -> str:
        """Its label, several ones joined, for people; empty where it has none."""
        return ", ".join(sorted(self.labels))

    @property
    def strokes(self) -> int:
        """Human actions that drawing it takes: one, of a track one a keyframe."""
        return max(len(_keyframes(self.value)), 1) if self.shape == "videorectangle" else 1

    @property
    def covers(self) -> int:
        """Labels that it stands for: one, of a track or a range one a frame in which it is seen."""
        if self.shape == "videorectangle":
            return max(_frames_seen(self.value), 1)
        return max(_frames_in(self.value), 1) if self.shape == "timeline" else 1


def regions_of(result: Sequence[Item]) -> list[Region]:
    """The regions of a result, each once; items of kinds that no micro-model makes, as text, are left out.

    What else is said of a drawn region (choices, text, a rating under its id) is an attribute: it is not the region's
    label, and is left out too. A region without an id gets one of its own: it matches no other.
    """
    shapes: dict[Key, tuple[str, Item]] = {}
    labels, drawn = defaultdict[str, set[str]](set), set[str]()
    fresh = (f"without an id {n}" for n in count())
    for item in islice(result, 3 * MOST_POINTS):  # of more nothing is learnt either
        kind, name, id_ = item.get("type"), item.get("from_name"), item.get("id")
        if not isinstance(kind, str) or not isinstance(name, str):
            continue
        id_ = id_ if isinstance(id_, str) and id_ else next(fresh)
        shape = kind if kind in _SAME else kind.removesuffix("labels")
        if shape in _SAME:
            shapes.setdefault((name, id_), (shape, item))
        if kind not in _SAID:
            drawn.add(id_)
            labels[id_].update(_labels(item, kind))
    found: dict[Key, Region] = {}
    for (name, id_), (shape, item) in shapes.items():
        if shape == "choices" and id_ not in drawn:
            key, chosen = (name, ""), frozenset(_labels(item, shape))
            if chosen:
                found.setdefault(key, Region(key, shape, chosen, value_of(item)))
        elif shape != "choices":
            found[name, id_] = Region((name, id_), shape, frozenset(labels[id_]), value_of(item))
    return list(found.values())


def touched(shown: Region, drawn: Region) -> int:
    """Moves that make the drawn geometry of the shown one: 0 where they are the same; of a track, keyframes touched."""
    if shown.shape != drawn.shape:
        return 1
    if shown.shape == "videorectangle":
        before, after = _keyframes(shown.value), _keyframes(drawn.value)
        changed = (f for f in before.keys() & after.keys() if not _same_keyframe(before[f], after[f]))
        return sum(1 for _ in changed) + len(before.keys() ^ after.keys())
    return 0 if _SAME[shown.shape](shown.value, drawn.value) else 1


def _labels(item: Item, kind: str) -> list[str]:
    """What the item says its region is."""
    value = value_of(item)
    chosen = value.get(kind, value.get("labels"))
    return [label for label in chosen if isinstance(label, str)] if isinstance(chosen, list) else []


def _near(a: Value, b: Value, keys: Sequence[str]) -> bool:
    """Whether these numbers agree; what is none, or is not there, counts as 0."""
    return all(abs((number(a.get(key)) or 0.0) - (number(b.get(key)) or 0.0)) <= TOLERANCE for key in keys)


def _turned(a: Value, b: Value) -> bool:
    """Whether the rotations, in degrees, differ by more than rounding."""
    difference = (number(a.get("rotation")) or 0.0) - (number(b.get("rotation")) or 0.0)
    return abs((difference + 180) % 360 - 180) > TOLERANCE


def _same_rectangle(a: Value, b: Value) -> bool:
    return _near(a, b, ("x", "y", "width", "height")) and not _turned(a, b)


def _same_ellipse(a: Value, b: Value) -> bool:
    return _near(a, b, ("x", "y", "radiusX", "radiusY")) and not _turned(a, b)


def _same_point(a: Value, b: Value) -> bool:
    return _near(a, b, ("x", "y"))  # its width is only how large the editor draws it


def _same_polygon(a: Value, b: Value) -> bool:
    if a.get("points") == b.get("points"):
        return True
    try:
        if any(len(value.get("points") or ()) > MOST_VERTICES for value in (a, b)):
            return False
        first, second = (np.asarray(value.get("points"), np.float64) for value in (a, b))
    except (TypeError, ValueError):
        return False
    return first.shape == second.shape and np.allclose(first, second, rtol=0, atol=TOLERANCE)


def _same_mask(a: Value, b: Value) -> bool:
    if a.get("rle") == b.get("rle"):
        return True
    first, second = _opaque(a), _opaque(b)
    if first is None or second is None or first.shape != second.shape:
        return False
    union = np.count_nonzero(first | second)
    return union == 0 or np.count_nonzero(first & second) / union >= SAME_MASK


def _opaque(value: Value) -> np.ndarray[Any, np.dtype[np.bool_]] | None:
    """(pixels,): which ones the mask covers; None where it cannot be unpacked."""
    try:
        rle = value.get("rle") or ()
        packed = bytes(rle) if len(rle) <= MOST_PACKED else b""
        return None if not packed or count_of(packed) > 4 * MOST_PIXELS else np.asarray(unpack(packed)[3::4] > OPAQUE)
    except (TypeError, ValueError):
        return None


def _same_ranges(a: Value, b: Value) -> bool:
    return bool(a.get("ranges") == b.get("ranges"))


def _keyframes(value: Value) -> dict[float, Value]:
    rows = value.get("sequence")
    rows = [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
    return {at: row for row in rows if (at := number(row.get("frame"))) is not None}


def _same_keyframe(a: Value, b: Value) -> bool:
    return _same_rectangle(a, b) and (a.get("enabled") is False) == (b.get("enabled") is False)


def _frames_seen(value: Value) -> int:
    """Frames in which a track is seen; after its last keyframe it stays to the end of the video, unless that ends it."""
    seen, start, last = 0, None, number(value.get("framesCount"))
    for at, row in sorted(_keyframes(value).items()):
        start = at if start is None else start
        if row.get("enabled") is False:
            seen, start = seen + int(at - start) + 1, None
        else:
            last = max(last or at, at)
    return seen if start is None else seen + int((last or start) - start) + 1


def _frames_in(value: Value) -> int:
    rows = value.get("ranges")
    ends = [[number(row.get(key)) for key in ("start", "end")] for row in rows or () if isinstance(row, Mapping)]
    return sum(int(abs(end - start)) + 1 for start, end in ends if start is not None and end is not None)


_SAME: Mapping[str, Callable[[Value, Value], bool]] = {
    "rectangle": _same_rectangle,
    "ellipse": _same_ellipse,
    "polygon": _same_polygon,
    "brush": _same_mask,
    "keypoint": _same_point,
    "choices": lambda a, b: True,  # its classes are its labels
    "videorectangle": _same_rectangle,
    "timeline": _same_ranges,
}
"""Whether two values are the same geometry, by shape."""
