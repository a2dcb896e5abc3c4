"""Merging the predictions of several micro-models into one for each task. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from backend.loop.data.pages import indexed, task_of
from backend.objects.composing import kept
from backend.studio import tags
from backend.studio.regions import Size
from backend.studio.regions.item import unique_id
from backend.studio.visibility import hidden, hidden_classes
from backend.tracks import VideoPrediction
from backend.types import Control, Prediction


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


def shown(control: Control, predictions: Sequence[Prediction]) -> list[Prediction]:
    """The predictions as they are shown, each instance with an id that no other region has."""
    return list(kept(control, predictions, _new_id))


def shown_tracks(control: Control, predictions: Sequence[VideoPrediction]) -> list[VideoPrediction]:
    """The same for videos; a track that a person began is always shown."""
    limit = control.score_threshold or 0.0
    some = [[t for t in p.tracks if t.region_id or t.score >= limit] for p in predictions]
    named = [tuple(t if t.region_id else replace(t, region_id=_new_id()) for t in tracks) for tracks in some]
    return [replace(p, tracks=tracks) for p, tracks in zip(predictions, named, strict=True)]


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
        own = [one for one in items if one["id"] in drawn and (one["from_name"], one["id"]) not in of_regions]
        if own or not items:  # what is hidden as a whole is no work
            seen.append((score, own))
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


def _new_id() -> str:
    return unique_id(None, set())
