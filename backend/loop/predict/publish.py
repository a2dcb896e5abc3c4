"""Handing a group's predictions to Label Studio: created where there is none of ours, else renewed in place."""

from collections.abc import Sequence
from statistics import mean

import structlog

from backend.errors import StudioUnreachable
from backend.loop.data.frames import FrameStore
from backend.loop.data.merge import merge
from backend.loop.data.projects import current_versions, model_version
from backend.loop.data.training_set import build_training_set
from backend.loop.data.vanished import ABSENT
from backend.loop.data.weights import read_and_load
from backend.loop.predict.box_masks import drawn_boxes
from backend.loop.predict.first_tasks import first_tasks
from backend.loop.predict.group_composition import ControlPredictor, GroupComposition
from backend.loop.predict.label_next import renew_tab
from backend.loop.predict.scoring import published_scores
from backend.loop.services import Services
from backend.studio.client import Studio
from backend.types import Media
from model_registry import GroupRecord, Lease, LedgerEntry, ProjectRecord, TaskRecord

ASKED = 20
"""Tasks whose predictions are asked for one by one where a list says that they have none any more."""
AGAIN = "Nothing was handed over that could become a double; it is tried again."

log = structlog.get_logger(__name__)


def publish_group(services: Services, group: GroupRecord, lease: Lease, frames: FrameStore) -> bool:
    """Predict the group's unlabelled images and all its videos with its serving versions and hand them over, if there
    is something new; whether there was.

    Of a large group the tasks that come next are handed over first, since whoever labels waits for them. The ledger is
    written before anything is handed over, so that whatever Label Studio holds is known here; a run that was cut off is
    simply done again, and finds what it created the first time.
    """
    registry = services.registry
    fresh = registry.groups.get(group.project, group.name)
    if fresh is None or fresh.published == fresh.trained or registry.projects.seen(group.project).stopped:
        return False
    if registry.versions.serving(group.project, group.name):  # else there is nothing to tell of
        work = f"the prediction of its {group.tasks - group.labelled} unlabelled frames"
        registry.groups.progress(lease, "publishing", None, None, work)
    tasks, predictors = registry.tasks.of_group(group.project, group.name), _predictors(services, group)
    if first := _first(services, group, tasks):
        _hand_over(services, group, predicted(services, group, first, predictors, frames))
        renew_tab(services, registry.projects.require(group.project))
    entries = predicted(services, group, tasks, predictors, frames)
    _hand_over(services, group, entries)
    doubt = mean(1 - entry.model_score for entry in entries) if entries else None
    registry.groups.mark_published(lease, fresh.trained, doubt)
    renew_tab(services, registry.projects.require(group.project))
    return True


def _first(services: Services, group: GroupRecord, tasks: Sequence[TaskRecord]) -> list[TaskRecord]:
    """The tasks that are handed over before all others, and the labelled ones, without which nothing is known of their time;
    none of a group that is done soon, or of whole videos."""
    registry = services.registry
    controls = services.config(registry.projects.require(group.project)).controls
    if any(control.media is Media.VIDEO for control in controls):
        return []
    labelled = {label.task for label in registry.labels.of_group(group.project, group.name)}
    rest = [task for task in tasks if task.id not in labelled]
    first = {task.id for task in first_tasks(rest, registry.ledger.scores(group.project, [task.id for task in rest]))}
    return [task for task in tasks if task.id in first | labelled] if first else []


def _hand_over(services: Services, group: GroupRecord, entries: Sequence[LedgerEntry]) -> None:
    services.registry.ledger.record(group.project, entries)
    push(services, group, entries)
    log.info("predictions published", project=group.project, group=group.name, tasks=len(entries))


def _predictors(services: Services, group: GroupRecord) -> list[ControlPredictor]:
    """Of all serving versions. Raises ArtifactDamaged where one of them is none any more: then the group is trained first."""
    project = services.registry.projects.require(group.project)
    return [
        ControlPredictor(control, version.id, read_and_load(services, version)[1])
        for control, version, _ in current_versions(services, project, group.name)
    ]


def predicted(
    services: Services,
    group: GroupRecord,
    tasks: Sequence[TaskRecord],
    predictors: Sequence[ControlPredictor],
    frames: FrameStore,
) -> list[LedgerEntry]:
    """What the predictors say about tasks of a group that have no label."""
    registry, project = services.registry, services.registry.projects.require(group.project)
    labels = registry.labels.of_group(group.project, group.name)
    whole = GroupComposition(
        services.config(project),
        predictors,
        services.settings.backbone,
        lambda control: build_training_set(control, tasks, labels, frames),
        lambda control, given: drawn_boxes(control, tasks, labels, given.sizes),
    )
    outputs, unreadable = whole.said()
    if outputs:
        problems = frames.remarks | unreadable
        now_wrong = {task.id: problems.get(task.id) for task in tasks if task.problem != problems.get(task.id)}
        registry.tasks.set_problems(project.id, now_wrong)
    merged = merge(outputs)
    scores = published_scores(services, group, tasks, {task: prediction.score for task, prediction in merged.items()})
    title, now = model_version(services, project), services.clock()
    return [
        LedgerEntry(
            task, project.id, None, prediction.result, scores[task], prediction.versions, title, now, prediction.score
        )
        for task, prediction in merged.items()
    ]


def push(services: Services, group: GroupRecord, entries: Sequence[LedgerEntry]) -> None:
    """Bulk import for tasks without a prediction of ours, update in place for the others.

    Nothing is ever deleted: an annotator may have it open, and Label Studio then refuses the annotation. Where a task has
    two of ours all the same, both are renewed and say the same, whichever is opened.
    """
    project = services.registry.projects.require(group.project)
    studio = services.studio(project)
    if studio is None or not entries:
        return
    if project.missing_since is not None:
        raise StudioUnreachable(f"Label Studio says that it has no project {project.id}. {AGAIN}")
    ours = _ours(services, studio, project, entries)
    new = [e for e in entries if ours.get(e.task) == []]
    refused = studio.import_predictions(project.id, [{"task": e.task, **_item(e)} for e in new])
    if refused:
        some = [item["task"] for item in refused[:5]]
        log.warning("Label Studio refused predictions", project=project.id, number=len(refused), tasks=some)
    renewed = {prediction: _item(e) for e in entries for prediction in ours.get(e.task, ())}
    studio.update_predictions(renewed)


def _ours(
    services: Services, studio: Studio, project: ProjectRecord, entries: Sequence[LedgerEntry]
) -> dict[int, list[int]]:
    """{task: ids of our predictions}, of the tasks that Label Studio still has.

    Raises StudioUnreachable where Label Studio's answers do not agree with each other: to believe an empty one would
    give tasks a second prediction.
    """
    tasks, version = {e.task for e in entries}, entries[0].model_version
    ours = studio.predictions_of(project.id, tasks, version)
    without = tasks - ours.keys()
    there = studio.existing_tasks(project.id, without)
    if without and not there and not ours:
        raise StudioUnreachable(f"Label Studio's list has none of {len(tasks)} tasks. {AGAIN}")
    if odd := next((task for task in sorted(without - there) if studio.has_task(project.id, task)), None):
        raise StudioUnreachable(f"Label Studio has task {odd}, and its list does not. {AGAIN}")
    # Such a task may come back, with a database that is restored: then the next sweep has the group published again.
    services.registry.tasks.set_problems(project.id, dict.fromkeys(without - there, ABSENT))
    # What was published before should be there still, unless somebody deleted it: a few show whether that is so.
    before = services.registry.ledger.earlier(project.id, there, entries[0].published_at)
    for task in sorted(before)[:ASKED]:
        if studio.has_prediction(project.id, task, version):
            raise StudioUnreachable(f"Label Studio has a prediction of task {task}, and its list does not. {AGAIN}")
    return {task: ours.get(task, []) for task in there | ours.keys()}


def _item(entry: LedgerEntry) -> dict[str, object]:
    return {"result": entry.result, "score": entry.score, "model_version": entry.model_version}
