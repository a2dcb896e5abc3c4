"""Handing a group's predictions to Label Studio: created where there is none of ours, else renewed in place."""

from collections.abc import Sequence

import structlog

from backend.learning import catalogue
from backend.loop.frames import FrameStore
from backend.loop.lesson import prepare
from backend.loop.projects import current_versions, model_version
from backend.loop.services import Services
from backend.loop.stitch import Part, parents_of, shown, stitch
from model_registry import GroupRecord, LedgerEntry

log = structlog.get_logger(__name__)


def publish_group(services: Services, group: GroupRecord, owner: str, frames: FrameStore) -> None:
    """Predict the group's unlabelled tasks with its serving versions and hand them over.

    The ledger is written first, so that whatever Label Studio holds is known here; a run that was cut off is simply
    done again, and finds what it created the first time.
    """
    registry = services.registry
    fresh = registry.groups.get(group.project, group.name)
    if fresh is None or fresh.published == fresh.trained:
        return
    registry.groups.progress(group.project, group.name, owner, "publishing", None, None)
    entries = predict_group(services, group, frames)
    registry.ledger.record(group.project, entries)
    _push(services, group, entries)
    registry.groups.mark_published(group.project, group.name, owner, fresh.trained)
    log.info("predictions published", project=group.project, group=group.name, tasks=len(entries))


def predict_group(services: Services, group: GroupRecord, frames: FrameStore) -> list[LedgerEntry]:
    """Predictions of all serving versions for the group's unlabelled tasks, stitched into one for each task."""
    registry, project = services.registry, services.registry.projects.seen(group.project)
    tasks = registry.tasks.of_group(group.project, group.name)
    labels = registry.labels.of_group(group.project, group.name)
    parts, sizes, unreadable = list[Part](), dict[int, tuple[int, int]](), dict[int, str]()
    for control, version, artifact in current_versions(services, project, group.name):
        lesson = prepare(control, tasks, labels, frames)
        unreadable |= lesson.unreadable
        sizes |= lesson.rest.sizes
        model = catalogue.load(registry.artifacts.read(artifact), services.settings.device)
        predictions = catalogue.predict(model, lesson.rest, lesson.labeled, parents_of(control, parts))
        parts.append(Part(control, version.id, shown(control, predictions)))
    for task in tasks:
        if parts and task.problem != unreadable.get(task.id):
            registry.tasks.set_problem(task.id, unreadable.get(task.id))
    title, now = model_version(services, project), services.clock()
    return [
        LedgerEntry(task, project.id, None, one.result, one.score, one.versions, title, now)
        for task, one in stitch(parts, sizes).items()
    ]


def _push(services: Services, group: GroupRecord, entries: Sequence[LedgerEntry]) -> None:
    """Bulk import for tasks without a prediction of ours, update in place for the others.

    Nothing is ever deleted: an annotator may have it open, and Label Studio then refuses the annotation.
    """
    project = services.registry.projects.seen(group.project)
    studio = services.studio(project)
    if studio is None or not entries:
        return
    ours = studio.predictions_of(project.id, [e.task for e in entries], entries[0].model_version)
    new = [e for e in entries if not ours.get(e.task)]
    studio.import_predictions(project.id, [{"task": e.task, **_item(e)} for e in new])
    renewed = {prediction: _item(e) for e in entries for prediction in ours.get(e.task, ())}
    studio.update_predictions(renewed)


def _item(entry: LedgerEntry) -> dict[str, object]:
    return {"result": entry.result, "score": entry.score, "model_version": entry.model_version}
