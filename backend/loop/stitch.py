"""Putting the results of several micro-models together into one prediction for each task. Pure."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from backend.loop.lesson import Lesson
from backend.studio import regions
from backend.types import Control, Prediction
from model_registry import LedgerEntry, VersionRecord


def stitch(
    now: float,
    model_version: str,
    project: int,
    parts: Sequence[tuple[Lesson, VersionRecord, Sequence[Prediction]]],
) -> list[LedgerEntry]:
    """One ledger entry a task; its score is that of the least certain part: one wrong part is work for a person."""
    results, scores, versions = (
        defaultdict[int, list[Any]](list),
        dict[int, float](),
        defaultdict[int, dict[str, int]](dict),
    )
    for lesson, version, predictions in parts:
        for prediction in predictions:
            task = prediction.task
            results[task] += written(lesson.control, prediction, lesson.rest.sizes[task])
            scores[task] = min(prediction.score, scores.get(task, 1.0))
            versions[task][lesson.control.from_name] = version.id
    return [
        LedgerEntry(task, project, None, results[task], scores[task], versions[task], model_version, now)
        for task in scores
    ]


def written(control: Control, prediction: Prediction, size: tuple[int, int]) -> list[dict[str, Any]]:
    """A prediction as Label Studio's result items, without those below the control's own threshold."""
    limit = control.score_threshold
    shown = tuple(i for i in prediction.instances if limit is None or i.score >= limit)
    return regions.for_control(control).write(shown, control, size)
