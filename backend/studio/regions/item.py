"""The result items of a region: one, or two with the same id where a `Labels` tag carries the label."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from backend.studio.regions.limits import MOST_LABELS, MOST_MASK_PIXELS, MOST_REGIONS, Budget
from backend.studio.regions.region import Size, size_of
from backend.types import Control

ID_LENGTH = 10
"""As the editor's own region ids."""
DIGITS = 5
"""Of percentages: a thousandth of a pixel in an image of 10,000."""

Item = Mapping[str, Any]
Geometry = TypeVar("Geometry")


@dataclass(frozen=True, slots=True)
class Labelled(Generic[Geometry]):
    """One label on one region."""

    label: str
    geometry: Geometry
    region_id: str | None


def labelled(
    result: Sequence[Item],
    control: Control,
    shape: str,
    geometry: Callable[[Item, Size], Geometry | str],
    size: Size | None,
    most: int = MOST_REGIONS,
) -> tuple[list[Labelled[Geometry]], list[str]]:
    """The regions of `control` that are of a shape, once for each of their labels; and what is wrong with the others.
    Raises LabelError where there are more than `most`, or where their masks would not fit into memory.

    `shape` is as in the item types `rectangle` and `rectanglelabels`. `geometry` makes something of an item and the
    size of its image, or says in words what is wrong with it.
    """
    found: list[Labelled[Geometry]] = []
    problems: list[str] = []
    pixels = Budget(MOST_MASK_PIXELS, "pixels in all its masks")
    for id_, items in grouped(result, shape, (control.from_name, control.labels_from or control.from_name), most):
        name = f"region {id_ or 'without an id'} of {control.from_name!r}"
        shapes = [item for item in items if item["type"] in types_of(shape)]
        if len(shapes) > 1:
            problems.append(f"{name}: {len(shapes)} have this id; as in the editor the first one counts")
        drawn = _geometry(shapes[0], geometry, size)
        if isinstance(drawn, str):
            problems.append(type(drawn)(f"{name}: {drawn}"))
            continue
        pixels.take(drawn.size if isinstance(drawn, np.ndarray) else 0)
        labels = labels_of(items, shape)
        if not labels:
            problems.append(f"{name} has no label; expected one of: {', '.join(control.labels)}")
        for label in labels:
            if label in control.labels:
                found.append(Labelled(label, drawn, id_))
            elif label not in control.left_alone:
                problems.append(f"{name}: unknown label {label!r}; expected one of: {', '.join(control.labels)}")
    return found, problems


def grouped(
    result: Sequence[Item], shape: str, names: tuple[str, ...] | None = None, most: int = MOST_REGIONS
) -> list[tuple[str | None, list[Item]]]:
    """The items of a shape and of its labels by region id, of control tags with these names (None: of any); raises
    LabelError where there are more than `most` regions."""
    regions, items = Budget(most, "regions"), Budget(3 * most, "items of regions")
    found: list[tuple[str | None, list[Item]]] = []
    by_id: dict[str, list[Item]] = {}
    for item in result:
        # Tuples, not sets: a damaged item may hold anything here, also what cannot be hashed.
        if (names and item.get("from_name") not in names) or item.get("type") not in (*types_of(shape), "labels"):
            continue
        items.take()
        regions.take(item["type"] in types_of(shape))
        id_ = item.get("id")
        if not isinstance(id_, str) or not id_:
            found.append((None, [item]))  # cannot be joined with another: a region of its own
        elif id_ in by_id:
            by_id[id_].append(item)
        else:
            by_id[id_] = [item]
            found.append((id_, by_id[id_]))
    # `Labels` may serve other tags as well: without an item of the shape the region is not meant.
    return [(id_, items) for id_, items in found if any(item["type"] in types_of(shape) for item in items)]


def labels_of(items: Sequence[Item], shape: str) -> list[str]:
    """The labels of one region, each once, in order."""
    found: dict[str, None] = {}
    for item in items:
        value = value_of(item)
        chosen = value.get(f"{shape}labels", value.get("labels"))
        found |= dict.fromkeys(label for label in chosen if isinstance(label, str)) if isinstance(chosen, list) else {}
    return list(found)[:MOST_LABELS]


def value_of(item: Item) -> Item:
    """The item's value; empty where it has none."""
    value = item.get("value")
    return value if isinstance(value, Mapping) else {}


def types_of(shape: str) -> tuple[str, str]:
    """The item types of a shape, with and without a label of its own."""
    return f"{shape}labels", shape


def written(
    control: Control, shape: str, value: Mapping[str, Any], labels: Sequence[str], *, id_: str, size: Size, score: float
) -> list[dict[str, Any]]:
    """The items of one region as Label Studio writes them."""
    common = {
        "id": id_,
        "to_name": control.to_name,
        "original_width": size[0],
        "original_height": size[1],
        "image_rotation": 0,
        "score": share(score),
    }
    if control.labels_from is None:
        type_ = f"{shape}labels"
        return [{**common, "from_name": control.from_name, "type": type_, "value": {**value, type_: list(labels)}}]
    return [
        {**common, "from_name": control.from_name, "type": shape, "value": dict(value)},
        {**common, "from_name": control.labels_from, "type": "labels", "value": {**value, "labels": list(labels)}},
    ]


def share(score: float) -> float:
    """A score as Label Studio takes it, in [0, 1]; 0 for no number."""
    return min(1.0, max(0.0, float(score)))


def percent(pixels: float, length: int) -> float:
    """A coordinate in percent of the image's side, not outside it."""
    return round(min(100.0, max(0.0, float(pixels) * 100 / length)), DIGITS)


def unique_id(wanted: str | None, used: set[str]) -> str:
    """The region's own id where no other region has it yet, else a new one; noted in `used`."""
    id_ = wanted
    while not id_ or id_ in used:
        id_ = uuid.uuid4().hex[:ID_LENGTH]
    used.add(id_)
    return id_


def _geometry(item: Item, geometry: Callable[[Item, Size], Geometry | str], size: Size | None) -> Geometry | str:
    if item.get("item_index"):
        return "is on a further image of a multi-image task; expected the first one"
    image = size_of(item, size)
    if image is None:
        return "has no usable original_width and original_height, and the size of the image is not known"
    return geometry(item, image)
