"""What is known of an image task as arrays: each object with where it comes from, and its points beside its box."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from backend.errors import LabelError
from backend.instances import DRAWN, MENDED, Instances
from backend.loop.data.memory import free_bytes
from backend.loop.export.sources import Source, VersionNames
from backend.studio import tags
from backend.studio.regions.region import Nothing
from backend.studio.regions.said import attributes_of, scores_of
from backend.studio.visibility import hidden
from backend.types import Control, Head, Instance, Media

NAMELESS = "object"
"""The label of an object that has only points: nobody gave it one."""
MASK_COPIES = 2
"""Of each mask that are in memory at once, a byte for a pixel: as it is read, and beside the others."""
Remark = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Known:
    """One object, and where it comes from."""

    instance: Instance
    origin: str
    version: str = ""


@dataclass(frozen=True, slots=True)
class ObjectReader:
    """Reads what is known of the tasks of one project."""

    controls: Sequence[Control]
    versions: VersionNames
    remark: Remark
    """Is told in words what of a task cannot be used."""

    def read(self, source: Source, size: tuple[int, int]) -> tuple[Instances, Instances]:
        """Objects, and classes of the whole frame, of an image of this size (width, height). Raises LabelError where nothing of
        what is drawn can be used: the frame is not empty."""
        self._require_room(source, size)
        unseen, told = hidden(self.controls, source.result), list[str]()
        known: dict[Head, list[Known]] = {head: [] for head in Head}
        for control in self.controls:
            # What is said of regions is read as their attributes.
            if control.media is Media.IMAGE and control.from_name not in unseen and not control.attribute_of:
                known[control.head] += self._of_control(source, control, size, told.append)
        if not any(known.values()) and any(not isinstance(one, Nothing) for one in told):
            raise LabelError("; ".join(told))
        for problem in told:
            self.remark(f"task {source.task.id}: {problem}")
        drawn = joined([*known[Head.DETECTION], *known[Head.SEGMENTATION]], known[Head.POSE])
        attributes = attributes_of(source.result)
        names = [name for c in self.controls if c.head is Head.POSE for name in c.labels]
        return arrays(drawn, names, attributes), arrays(known[Head.CLASSIFICATION], (), {})

    def _require_room(self, source: Source, size: tuple[int, int]) -> None:
        """Raises LabelError where the masks of the frame do not fit into memory: the system would end the whole process."""
        names = {control.from_name for control in self.controls if control.head is Head.SEGMENTATION}
        count = sum(item.get("from_name") in names for item in source.result)
        needed, free = MASK_COPIES * count * size[0] * size[1], free_bytes()
        if count and free is not None and needed > free:
            raise LabelError(
                f"its {count} masks of {size[0]} x {size[1]} pixels take {needed / 1e6:,.0f} MB, and {free / 1e6:,.0f} MB of "
                "memory are free. Export it where there is more, or as label-studio."
            )

    def _of_control(self, source: Source, control: Control, size: tuple[int, int], remark: Remark) -> list[Known]:
        try:
            read = tags.for_control(control).read(source.result, control, size)
        except Exception as error:  # an annotation stranger than any that we know costs itself alone
            remark(f"{control.from_name!r} cannot be read ({error})")
            return []
        for problem in read.problems:
            remark(problem)
        scores = scores_of(source.result) if source.label is None else {}
        return [self._known(source, control, instance, scores) for instance in read.instances]

    def _known(
        self, source: Source, control: Control, instance: Instance, scores: Mapping[tuple[str, str], float]
    ) -> Known:
        name, points = control.from_name, instance.keypoints
        ids = [point.region_id or "" for point in points] or [instance.region_id or ""]
        said = [scores.get((name, id_), 1.0) for id_ in ids]
        # A choice of the whole frame is matched by its control: choosing another may make a new id.
        keys = [""] if control.head is Head.CLASSIFICATION else ids
        origin = _one_of(source.origin(name, key) for key in keys)
        scored = replace(
            instance,
            label=instance.label or NAMELESS,
            score=sum(said) / len(said),
            keypoints=tuple(replace(point, score=score) for point, score in zip(points, said, strict=False)),
        )
        return Known(scored, origin, self.versions.of(source, name, origin))


def joined(objects: Iterable[Known], points: Iterable[Known]) -> list[Known]:
    """Objects with the points that hang on them, and after them the points that hang on none. Pure."""
    found, places = list(objects), dict[str, int]()
    for place, one in enumerate(found):
        places.setdefault(one.instance.region_id or "", place)
    for one in points:
        at = places.get(one.instance.region_id) if one.instance.region_id else None
        if at is None:
            found.append(one)
            continue
        box = found[at]
        versions = dict.fromkeys(version for version in (box.version, one.version) if version)
        found[at] = Known(
            replace(box.instance, keypoints=one.instance.keypoints),
            _one_of([box.origin, one.origin]),
            ", ".join(versions),
        )
    return found


def arrays(known: Sequence[Known], names: Sequence[str], attributes: Mapping[str, Mapping[str, object]]) -> Instances:
    """Objects as arrays; `names` of points come first, `attributes` are by region id. Pure."""
    return Instances.of(
        (one.instance for one in known),
        names if any(one.instance.keypoints for one in known) else (),
        origin=[one.origin for one in known],
        version=[one.version for one in known],
        attributes=[dict(attributes.get(one.instance.region_id or "", {})) for one in known],
    )


def _one_of(origins: Iterable[str]) -> str:
    """Of an object whose parts come from here and there: a person mended it."""
    found = set(origins)
    return found.pop() if len(found) == 1 else MENDED if found else DRAWN
