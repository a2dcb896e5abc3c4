"""Putting the results of several micro-models together into one prediction for each task. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Any, TypeVar

from backend.loop.data.pages import indexed, task_of
from backend.studio import tags
from backend.studio.regions import Size
from backend.studio.regions.item import unique_id
from backend.studio.visibility import hidden, hidden_classes
from backend.tracks import Track, VideoPrediction
from backend.types import Control, Instance, Prediction

Named = TypeVar("Named", Instance, Track)


@dataclass(frozen=True, slots=True)
class Part:
    """What one micro-model says about some tasks."""

    control: Control
    version: int | None
    """Id of the version that says it; None: no version does."""
    predictions: Sequence[Prediction] | Sequence[VideoPrediction]
    sizes: Mapping[int, Size] = field(default_factory=dict)
    """{task: original (width, height) in pixels} of the images that were looked at: a task may hold several."""


@dataclass(frozen=True, slots=True)
class Stitched:
    """All parts for one task, as Label Studio takes them."""

    result: list[dict[str, Any]]
    score: float
    """Of the least certain part: one wrong part is work for a person."""
    versions: dict[str, int]


def chained(controls: Sequence[Control]) -> list[Control]:
    """The controls, each behind the one that its regions hang on or are made from."""

    def place(control: Control) -> int:
        return 2 if control.attribute_of else (control.boxes_from or control.masks_from) is not None

    return sorted(controls, key=place)


def shown(control: Control, predictions: Sequence[Prediction]) -> list[Prediction]:
    """The predictions without instances below the control's own threshold, each instance with an id for its region.

    What a network says with numbers that are none, it does not say: the frame counts as its least certain.
    """
    limit = control.score_threshold
    return [
        replace(
            p,
            instances=tuple(_named(i) for i in p.instances if _is_sound(i) and (limit is None or i.score >= limit)),
            score=p.score if isfinite(p.score) else 0.0,
        )
        for p in predictions
    ]


def shown_tracks(control: Control, predictions: Sequence[VideoPrediction]) -> list[VideoPrediction]:
    """The same for videos; a track that a person began is always shown."""
    limit = control.score_threshold or 0.0
    kept = [tuple(_named(t) for t in p.tracks if t.region_id or t.score >= limit) for p in predictions]
    return [replace(p, tracks=tracks) for p, tracks in zip(predictions, kept, strict=True)]


def enclosing_boxes(control: Control, parts: Sequence[Part]) -> dict[int, tuple[Instance, ...]] | None:
    """{task: the instances that a control's regions are to hang on}, from the parts before it; None: on nothing."""
    if not control.hangs_on:
        return None
    found = defaultdict[int, tuple[Instance, ...]](tuple)
    for name in control.hangs_on:
        for task, boxes in said_of(name, parts).items():
            found[task] += upright_boxes([one for one in boxes if not control.only_of or one.label in control.only_of])
    return dict(found)


def enclosing_tracks(control: Control, parts: Sequence[Part]) -> dict[int, tuple[Track, ...]]:
    """{task: the tracks that a control says something of}, from the parts before it."""
    found = defaultdict[int, tuple[Track, ...]](tuple)
    for p in (p for part in parts if part.control.from_name in control.hangs_on for p in part.predictions):
        if isinstance(p, VideoPrediction):
            found[p.task] += tuple(one for one in p.tracks if not control.only_of or one.label in control.only_of)
    return dict(found)


def said_of(name: str, parts: Sequence[Part]) -> dict[int, tuple[Instance, ...]]:
    """{task: what was predicted for the control of this name}"""
    found = (p for part in parts if part.control.from_name == name for p in part.predictions)
    return {p.task: p.instances for p in found if isinstance(p, Prediction)}


def upright_boxes(instances: Sequence[Instance]) -> tuple[Instance, ...]:
    """Boxes as those of what hangs on them: upright, as the crops are in which it is looked for."""
    return tuple(replace(one, box=one.hull, angle=0.0) if one.angle else one for one in instances)


def stitch(parts: Sequence[Part]) -> dict[int, Stitched]:
    """{task: its parts in one}"""
    of_task = defaultdict[int, list[tuple[Part, float, list[dict[str, Any]]]]](list)
    for part in parts:
        for p in part.predictions:
            of_task[task_of(p.task)].append((part, p.score, _written(p, part)))
    return {task: _joined(mine) for task, mine in of_task.items()}


def _joined(parts: Sequence[tuple[Part, float, list[dict[str, Any]]]]) -> Stitched:
    """One task's parts; what the editor would hide beside the predicted choices is left out, and so is what is said of a
    region that could not be written."""
    everything, controls = [item for _, _, items in parts for item in items], [part.control for part, _, _ in parts]
    unseen, of_regions = hidden(controls, everything), hidden_classes(controls, everything, everything)
    drawn = {item["id"] for part, _, items in parts if not part.control.attribute_of for item in items}
    seen = [
        (score, [one for one in items if one["id"] in drawn and (one["from_name"], one["id"]) not in of_regions])
        for part, score, items in parts
        if part.control.from_name not in unseen
    ]
    return Stitched(
        result=[item for _, items in seen for item in items],
        score=min((score for score, _ in seen), default=1.0),
        versions={part.control.from_name: part.version for part, _, _ in parts if part.version is not None},
    )


def _written(prediction: Prediction | VideoPrediction, part: Part) -> list[dict[str, Any]]:
    if isinstance(prediction, VideoPrediction):
        return tags.for_video(part.control).write(prediction.tracks, part.control, prediction.size)
    items = tags.for_control(part.control).write(prediction.instances, part.control, part.sizes[prediction.task])
    return indexed(items, prediction.task) if part.control.value_list else items


def _is_sound(instance: Instance) -> bool:
    points = [number for point in instance.keypoints for number in (point.x, point.y)]
    return all(isfinite(number) for number in (*instance.box, instance.angle, instance.score, *points))


def _named(one: Named) -> Named:
    return one if one.region_id else replace(one, region_id=unique_id(None, set()))
