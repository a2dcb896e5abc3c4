"""Classes of single regions: `Choices` and flat `Taxonomy` with `perRegion`. Their items have the region's id.

An attribute is an instance whose label is the class, and whose box and id are the region's; of a video a track with the
keyframes of the region's. The editor keeps one attribute of a control for a whole track, not one a frame.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from backend.studio.regions import choices
from backend.studio.regions.item import Item, share, value_of
from backend.studio.regions.limits import MOST_LABELS, MOST_REGIONS, Budget
from backend.studio.regions.region import ReadResult, Regions, Size, TrackRegions, TracksRead
from backend.tracks import Track, VideoSize
from backend.types import Control, Instance

Named = TypeVar("Named", bound=Instance | Track)

TAXONOMY = "taxonomy"
"""Type of the items that hold each class as a path from the root of a tree."""
COMPARISON = choices.COMPARISON
"""Its classes are its labels, as those of whole images."""


@dataclass(frozen=True, slots=True)
class AttributeRegions:
    """The converter of classes of an image's regions."""

    kind: str
    """Of its items: `choices` or `taxonomy`."""
    regions_of: Callable[[Control], Regions]
    """The converter of a control whose regions have the attribute."""

    def read(self, result: Sequence[Item], control: Control, size: Size | None = None) -> ReadResult:
        """See `regions.Regions.read`; boxes are upright, around the region."""
        hosts = _by_region(
            one for other in control.attribute_of for one in self.regions_of(other).read(result, other, size).instances
        )
        said, problems = _said(result, control, self.kind, hosts)
        found = (
            Instance(label, hosts[id_][0].bounds, region_id=id_, accepted=hosts[id_][0].accepted)
            for id_, labels in said.items()
            for label in labels
        )
        return ReadResult(tuple(found), tuple(problems))

    def write(self, instances: Sequence[Instance], control: Control, size: Size) -> list[dict[str, Any]]:
        """See `regions.Regions.write`; what belongs to no region is left out."""
        frame = {"original_width": size[0], "original_height": size[1], "image_rotation": 0}
        return [{**frame, **item} for item in _written(instances, control, self.kind)]


@dataclass(frozen=True, slots=True)
class AttributeTracks:
    """The converter of classes of a video's tracks."""

    kind: str
    """See `AttributeRegions`."""
    regions_of: Callable[[Control], TrackRegions]
    """See `AttributeRegions`."""

    def read(self, result: Sequence[Item], control: Control, size: VideoSize) -> TracksRead:
        """See `regions.TrackRegions.read`."""
        hosts = _by_region(
            one for other in control.attribute_of for one in self.regions_of(other).read(result, other, size).tracks
        )
        said, problems = _said(result, control, self.kind, hosts)
        found = (replace(hosts[id_][0], label=label) for id_, labels in said.items() for label in labels)
        return TracksRead(tuple(found), tuple(problems))

    def write(self, tracks: Sequence[Track], control: Control, size: VideoSize) -> list[dict[str, Any]]:
        """See `regions.TrackRegions.write`; what belongs to no track is left out."""
        return _written(tracks, control, self.kind)


def classes_of(item: Item, kind: str) -> list[str]:
    """The classes that an item names; a path of several steps is none, since nothing is nested in what is learnt."""
    chosen = value_of(item).get(kind)
    if not isinstance(chosen, list):
        return []
    flat = (one[0] if kind == TAXONOMY and isinstance(one, list) and len(one) == 1 else one for one in chosen)
    return [one for one in flat if isinstance(one, str)]


def _said(
    result: Sequence[Item], control: Control, kind: str, hosts: Mapping[str, Sequence[Instance | Track]]
) -> tuple[dict[str, list[str]], list[str]]:
    """({region id: its classes}, what cannot be used, in words); `hosts` are the regions by id, one for each label."""
    found, problems, items = dict[str, list[str]](), list[str](), Budget(MOST_REGIONS, "attributes")
    for item in result:
        if item.get("from_name") != control.from_name or item.get("type") != kind:
            continue
        items.take()
        id_, chosen = item.get("id"), classes_of(item, kind)[: max(MOST_LABELS, len(control.labels))]
        if not isinstance(id_, str) or id_ not in hosts:
            names = ", ".join(other.from_name for other in control.attribute_of)
            problems.append(f"{control.from_name!r} of region {id_!r}: there is no such region of {names}")
            continue
        if control.only_of and not any(one.label in control.only_of for one in hosts[id_]):
            continue  # the editor does not show it there
        expected = ", ".join(control.labels)
        known = [label for label in dict.fromkeys(chosen) if label in control.labels]
        problems += [
            f"region {id_}: unknown {control.from_name!r} {label!r}; expected one of: {expected}"
            for label in chosen
            if label not in (*control.labels, *control.left_alone)
        ]
        if len(known) > 1 and not control.multiple:
            problems.append(f"region {id_} has several {control.from_name!r}: {', '.join(known)}; expected one")
        elif known:
            found.setdefault(id_, known)
    return found, problems


def _written(said: Iterable[Instance | Track], control: Control, kind: str) -> list[dict[str, Any]]:
    """One item for each region; of a single choice its surest class."""
    return [_item(id_, some, control, kind) for id_, some in _by_region(said).items()]


def _by_region(some: Iterable[Named]) -> dict[str, list[Named]]:
    """{region id: those that have it}; what has none is left out."""
    found = dict[str, list[Named]]()
    for one in some:
        if one.region_id:
            found.setdefault(one.region_id, []).append(one)
    return found


def _item(id_: str, said: Sequence[Instance | Track], control: Control, kind: str) -> dict[str, Any]:
    shown = said if control.multiple else [max(said, key=lambda one: share(one.score))]
    places = {label: n for n, label in enumerate(control.labels)}
    labels = sorted({one.label for one in shown}, key=lambda label: places.get(label, len(places)))
    return {
        "id": id_,
        "from_name": control.from_name,
        "to_name": control.to_name,
        "type": kind,
        "value": {kind: [[label] for label in labels] if kind == TAXONOMY else labels},
        "score": min(share(one.score) for one in shown),
    }
