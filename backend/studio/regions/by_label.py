"""Semantic masks: all regions of one label are one instance, as with brushes and bitmasks."""

from collections.abc import Callable, Sequence
from typing import Any

from backend.pixel_edges import bounding_box
from backend.studio.regions.item import Labelled, unique_id, written
from backend.studio.regions.mask import of_size
from backend.studio.regions.region import ReadResult, Size
from backend.studio.regions.several import with_labels
from backend.types import Control, Instance, Mask


def united(found: Sequence[Labelled[Mask]], problems: Sequence[str], control: Control) -> ReadResult:
    """One instance a label: the union of its masks, with the id of the label's first region."""
    masks: dict[str, Mask] = {}
    ids: dict[str, str | None] = {}
    odd: list[str] = []
    for one in found:
        # Without a size given, regions of one image may still disagree about it.
        if one.label in masks and masks[one.label].shape != one.geometry.shape:
            odd.append(f"region {one.region_id} of {control.from_name!r}: is of another size than the others")
            continue
        masks[one.label] = masks[one.label] | one.geometry if one.label in masks else one.geometry
        ids.setdefault(one.label, one.region_id)
    instances = (
        Instance(label, box, region_id=ids[label], mask=mask)
        for label, mask in masks.items()
        if (box := bounding_box(mask)) is not None
    )
    return ReadResult(tuple(instances), (*problems, *odd))


def write_masks(
    instances: Sequence[Instance], control: Control, size: Size, shape: str, value: Callable[[Mask], dict[str, Any]]
) -> list[dict[str, Any]]:
    """The result items of masks, one a region, with what `value` makes of each; an empty mask is no region."""
    result: list[dict[str, Any]] = []
    used: set[str] = set()
    for instance, labels in with_labels(instances, control):
        mask = of_size(instance.mask, size)
        if mask is not None:
            id_ = unique_id(instance.region_id, used)
            result += written(control, shape, value(mask), labels, id_=id_, size=size, score=instance.score)
    return result
