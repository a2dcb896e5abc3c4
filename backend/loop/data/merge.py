"""Merging the predictions of several micro-models into one for each task. Pure."""

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
class ControlPredictions:
    """The predictions of one control's micro-model for some tasks."""

    control: Control
    version: int | None
    """Id of the version that says it; None: no version does."""
    predictions: Sequence[Prediction] | Sequence[VideoPrediction]
    sizes: Mapping[int, Size] = field(default_factory=dict)
    """{task: original (width, height) in pixels} of the images that were looked at: a task may hold several."""


@dataclass(frozen=True, slots=True)
class TaskResult:
    """The merged prediction of one task, as Label Studio takes it."""

    result: list[dict[str, Any]]
    score: float
    """Of the least certain control: one wrong part is work for a person."""
    versions: dict[str, int]


def in_dependency_order(controls: Sequence[Control]) -> list[Control]:
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


def enclosing_boxes(control: Control, outputs: Sequence[ControlPredictions]) -> dict[int, tuple[Instance, ...]] | None:
    """{task: the instances that a control's regions are to hang on}, from the predictions before it; None: on nothing."""
    if not control.hangs_on:
        return None
    found = defaultdict[int, tuple[Instance, ...]](tuple)
    for name in control.hangs_on:
        for task, boxes in instances_of(name, outputs).items():
            # Upright, as the crops are in which what hangs on them is looked for.
            found[task] += tuple(box.upright() for box in boxes if not control.only_of or box.label in control.only_of)
    return dict(found)


def enclosing_tracks(control: Control, outputs: Sequence[ControlPredictions]) -> dict[int, tuple[Track, ...]]:
    """{task: the tracks that a control says something of}, from the predictions before it."""
    found = defaultdict[int, tuple[Track, ...]](tuple)
    for p in (p for one in outputs if one.control.from_name in control.hangs_on for p in one.predictions):
        if isinstance(p, VideoPrediction):
            found[p.task] += tuple(one for one in p.tracks if not control.only_of or one.label in control.only_of)
    return dict(found)


def instances_of(name: str, outputs: Sequence[ControlPredictions]) -> dict[int, tuple[Instance, ...]]:
    """{task: what was predicted for the control of this name}"""
    found = (p for output in outputs if output.control.from_name == name for p in output.predictions)
    return {p.task: p.instances for p in found if isinstance(p, Prediction)}


def merge(outputs: Sequence[ControlPredictions]) -> dict[int, TaskResult]:
    """{task: its merged prediction}"""
    of_task = defaultdict[int, list[tuple[ControlPredictions, float, list[dict[str, Any]]]]](list)
    for output in outputs:
        for p in output.predictions:
            of_task[task_of(p.task)].append((output, p.score, _written(p, output)))
    return {task: _merged(mine) for task, mine in of_task.items()}


def _merged(outputs: Sequence[tuple[ControlPredictions, float, list[dict[str, Any]]]]) -> TaskResult:
    """One task's predictions in one; what the editor would hide beside the predicted choices is left out, and so is what is
    said of a region that could not be written or is hidden itself."""
    everything, controls = [item for _, _, items in outputs for item in items], [one.control for one, _, _ in outputs]
    unseen, of_regions = hidden(controls, everything), hidden_classes(controls, everything, everything)
    left = [one for one in outputs if one[0].control.from_name not in unseen]
    drawn = {item["id"] for output, _, items in left if not output.control.attribute_of for item in items}
    seen = list[tuple[float, list[dict[str, Any]]]]()
    for _, score, items in left:
        kept = [one for one in items if one["id"] in drawn and (one["from_name"], one["id"]) not in of_regions]
        if kept or not items:  # what is hidden as a whole is no work
            seen.append((score, kept))
    return TaskResult(
        result=[item for _, items in seen for item in items],
        score=min((score for score, _ in seen), default=1.0),
        versions={output.control.from_name: output.version for output, _, _ in outputs if output.version is not None},
    )


def _written(prediction: Prediction | VideoPrediction, output: ControlPredictions) -> list[dict[str, Any]]:
    if isinstance(prediction, VideoPrediction):
        return tags.for_video(output.control).write(prediction.tracks, output.control, prediction.size)
    items = tags.for_control(output.control).write(prediction.instances, output.control, output.sizes[prediction.task])
    return indexed(items, prediction.task) if output.control.value_list else items


def _is_sound(instance: Instance) -> bool:
    points = [number for point in instance.keypoints for number in (point.x, point.y)]
    return all(isfinite(number) for number in (*instance.box, instance.angle, instance.score, *points))


def _named(one: Named) -> Named:
    return one if one.region_id else replace(one, region_id=unique_id(None, set()))
