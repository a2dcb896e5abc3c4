"""Regions of a prediction and of an annotation side by side: the same region, the same label, the same geometry?

The editor keeps the `id` of a region that came from a prediction, whatever is done to it; `origin` is not reliable (a
vertex added to a predicted polygon leaves it `prediction`). So regions are matched by id, and compared by value, as the
table of control tags says. A whole-image choice is matched by its control: there is one, and choosing another class may
make a new id. A class of a region (`perRegion`) is matched by its control and the region's id, and counts beside it.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count, islice

from backend.studio.regions.attributes import COMPARISON as CLASSES
from backend.studio.regions.attributes import TAXONOMY, classes_of
from backend.studio.regions.comparison import RegionComparison, Value
from backend.studio.regions.item import Item, value_of
from backend.studio.regions.limits import MOST_POINTS
from backend.studio.tags import BY_SHAPE

_SAID = ("choices", "datetime", "number", "pairwise", "ranker", "rating", "taxonomy", "textarea")
"""Types of items that draw nothing: they say something of the whole task or, under its id, of a region."""

_CLASSES = ("choices", TAXONOMY)
"""Those of them that micro-models make of a region."""

Key = tuple[str, str]
"""(control, id): what makes two regions the same one."""


@dataclass(frozen=True, slots=True)
class Region:
    """One region, or class of a region or of the whole image, of a prediction or of an annotation."""

    key: Key
    shape: str
    """Of its control tag, see `Tag.shape`."""
    labels: frozenset[str]
    value: Value = field(compare=False)

    @property
    def control(self) -> str:
        """Name of the control tag that it was drawn with."""
        return self.key[0]

    @property
    def is_attribute(self) -> bool:
        """Whether it is a class of another region, whose id it has."""
        return self.shape in _CLASSES and bool(self.key[1])

    @property
    def label(self) -> str:
        """Its label, several ones joined, for people; empty where it has none."""
        return ", ".join(sorted(self.labels))

    @property
    def strokes(self) -> int:
        """Human actions that drawing it takes: one, of a track one a keyframe."""
        return self.comparison.strokes(self.value)

    @property
    def covers(self) -> int:
        """Labels that it stands for: one, of a track or a range one a frame in which it is seen."""
        return self.comparison.covers(self.value)

    @property
    def comparison(self) -> RegionComparison:
        """How it is compared with another of its shape."""
        return CLASSES if self.shape in _CLASSES else BY_SHAPE[self.shape].comparison


def regions_of(result: Sequence[Item]) -> list[Region]:
    """The regions of a result, each once; items of kinds that no micro-model makes, as text, are left out.

    What else is said of a drawn region is an attribute and not its label: its classes are regions of their own, text and
    ratings are left out. A region without an id gets one of its own: it matches no other.
    """
    shapes: dict[Key, tuple[str, Item]] = {}
    labels, drawn = defaultdict[str, set[str]](set), set[str]()
    fresh = (f"without an id {n}" for n in count())
    for item in islice(result, 3 * MOST_POINTS):  # of more nothing is learnt either
        kind, name, id_ = item.get("type"), item.get("from_name"), item.get("id")
        if not isinstance(kind, str) or not isinstance(name, str):
            continue
        id_ = id_ if isinstance(id_, str) and id_ else next(fresh)
        shape = kind if kind in BY_SHAPE else kind.removesuffix("labels")
        if shape in BY_SHAPE or shape in _CLASSES:
            shapes.setdefault((name, id_), (shape, item))
        if kind not in _SAID:
            drawn.add(id_)
            labels[id_].update(_labels(item, kind))
    known = {id_ for (_, id_), (shape, _) in shapes.items() if shape not in _CLASSES}
    found: dict[Key, Region] = {}
    for (name, id_), (shape, item) in shapes.items():
        of_image = id_ not in drawn
        if shape not in _CLASSES:
            found[name, id_] = Region((name, id_), shape, frozenset(labels[id_]), value_of(item))
        elif id_ in known or (of_image and shape == "choices"):
            key, chosen = (name, "" if of_image else id_), frozenset(classes_of(item, shape))
            if chosen:
                found.setdefault(key, Region(key, shape, chosen, value_of(item)))
    return list(found.values())


def touched(shown: Region, drawn: Region) -> int:
    """Moves that make the drawn geometry of the shown one: 0 where they are the same; of a track, keyframes touched."""
    return shown.comparison.moves(shown.value, drawn.value) if shown.shape == drawn.shape else 1


def _labels(item: Item, kind: str) -> list[str]:
    """What the item says its region is."""
    value = value_of(item)
    chosen = value.get(kind, value.get("labels"))
    return [label for label in chosen if isinstance(label, str)] if isinstance(chosen, list) else []
