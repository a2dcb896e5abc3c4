"""The labeling config of a data set, and its frames' labels as results of Label Studio, both ways. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from xml.sax.saxutils import quoteattr

from backend.demo.cases import CASES
from backend.demo.data_set import DataSet
from backend.studio.labeling_config import parse
from backend.studio.regions import Size
from backend.studio.regions.item import unique_id
from backend.studio.tags import for_control
from backend.types import Control, Instance

Result = Sequence[Mapping[str, Any]]
"""The regions of one prediction or annotation."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """What an annotator of one data set fills in."""

    config: str
    """As XML."""
    controls: tuple[Control, ...]
    """One; where points hang on boxes two, the boxes first."""
    size: Size
    """Of every frame, width and height in pixels."""

    def read(self, result: Result) -> tuple[Instance, ...]:
        """What a result shows: one instance a region, the points of one object together, with its box if it has one."""
        first, *second = [for_control(c).read(result, c, self.size).instances for c in self.controls]
        if not second:
            return first
        points = {one.region_id: one.keypoints for one in second[0]}
        boxed = tuple(replace(box, keypoints=points.pop(box.region_id, ())) for box in first)
        return boxed + tuple(one for one in second[0] if one.region_id in points)

    def write(self, instances: Sequence[Instance]) -> list[dict[str, Any]]:
        """The result that shows these."""
        used: set[str] = set()
        named = [replace(one, region_id=unique_id(one.region_id, used)) for one in instances]
        return [item for c in self.controls for item in for_control(c).write(named, c, self.size)]

    def rewrite(self, shown: Result, seen: Sequence[Instance], instances: Sequence[Instance]) -> list[dict[str, Any]]:
        """The result that `instances` make of `shown`, in which `seen` were read: what is the same object is left as it
        is, item by item, as the editor does."""
        kept = [one for one in instances if any(one is other for other in seen)]
        ids = {id_ for one in kept for id_ in (one.region_id, *(point.region_id for point in one.keypoints))}
        same = [dict(item) for item in shown if item.get("id") in ids]
        return same + self.write([one for one in instances if not any(one is other for other in kept)])


def scenario_of(data_sets: Sequence[DataSet]) -> Scenario:
    """The scenario of data sets of one head, with the labels of all of them."""
    first = data_sets[0]
    labels = tuple(dict.fromkeys(name for one in data_sets for name in one.classes))
    objects = tuple(dict.fromkeys(name for one in data_sets for name in one.objects))
    config = _points_in_boxes(labels, objects) if objects else CASES[first.head].config(labels)
    return Scenario(config, parse(config).require(), (first.width, first.height))


def _points_in_boxes(points: Sequence[str], objects: Sequence[str]) -> str:
    """A labeling config for the points of several objects, each in a box."""
    inside = ["".join(f"<Label value={quoteattr(name)}/>" for name in names) for names in (objects, points)]
    return (
        '<View><Image name="image" value="$image"/>'
        f'<RectangleLabels name="box" toName="image">{inside[0]}</RectangleLabels>'
        f'<KeyPointLabels name="point" toName="image">{inside[1]}</KeyPointLabels></View>'
    )
