"""The score that a prediction is published with: calibrated as a probability, and in the order worth looking at."""

from collections.abc import Mapping, Sequence

from backend.loop.data import acquisition
from backend.loop.data.features import places_of
from backend.loop.review.stopping import recent
from backend.loop.services import Services
from model_registry import GroupRecord, TaskRecord


def published_scores(
    services: Services, group: GroupRecord, tasks: Sequence[TaskRecord], uncalibrated: Mapping[int, float]
) -> dict[int, float]:
    """{task: score to publish} for uncalibrated scores of some of the group's tasks; see `acquisition`."""
    registry = services.registry
    reviews = recent(registry.reviews.summaries(group.project, group.name))
    shift = acquisition.shift([(r.score, r.actions == 0) for r in reviews if r.score is not None])
    open_ = [n for n, task in enumerate(tasks) if task.id in uncalibrated]
    labelled = {label.task for label in registry.labels.of_group(group.project, group.name)}
    probable = dict(zip(open_, acquisition.shifted([uncalibrated[tasks[n].id] for n in open_], shift), strict=True))
    places = places_of(services, registry.projects.require(group.project), tasks)
    done = [n for n, task in enumerate(tasks) if task.id in labelled and n not in probable]
    order = acquisition.order([probable[n] for n in open_], places, open_, done)
    scores = acquisition.in_order([probable[n] for n in order])
    return {tasks[n].id: score for n, score in zip(order, scores, strict=True)}
