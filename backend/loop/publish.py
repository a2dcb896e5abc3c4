"""Handing a group's predictions to Label Studio: created where there is none of ours, else renewed in place."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

import structlog

from backend.learning import catalogue
from backend.loop.frames import FrameStore
from backend.loop.lesson import prepare
from backend.loop.looking import look
from backend.loop.projects import current_versions, model_version
from backend.loop.scoring import published_scores
from backend.loop.services import Services
from backend.loop.stitch import Part, parents_of, shown, shown_tracks, stitch
from backend.loop.video_predict import predict_clips
from backend.types import Control, Media, Weights
from model_registry import GroupRecord, LedgerEntry, TaskRecord

log = structlog.get_logger(__name__)


def publish_group(services: Services, group: GroupRecord, owner: str, frames: FrameStore) -> bool:
    """Predict the group's unlabelled images and all its videos with its serving versions and hand them over, if there
    is something new; whether there was.

    The ledger is written first, so that whatever Label Studio holds is known here; a run that was cut off is simply
    done again, and finds what it created the first time.
    """
    registry = services.registry
    fresh = registry.groups.get(group.project, group.name)
    if fresh is None or fresh.published == fresh.trained:
        return False
    registry.groups.progress(group.project, group.name, owner, "publishing", None, None)
    entries = predict_group(services, group, frames)
    registry.ledger.record(group.project, entries)
    push(services, group, entries)
    doubt = mean(1 - (entry.score if entry.raw is None else entry.raw) for entry in entries) if entries else None
    registry.groups.mark_published(group.project, group.name, owner, fresh.trained, doubt)
    log.info("predictions published", project=group.project, group=group.name, tasks=len(entries))
    # For the order of the next publication: nobody waits for it now.
    tasks = registry.tasks.of_group(group.project, group.name)
    look(services, registry.projects.seen(group.project), tasks, frames)
    return True


def predict_group(services: Services, group: GroupRecord, frames: FrameStore) -> list[LedgerEntry]:
    """Predictions of all serving versions for unlabelled images and for videos, stitched into one for each task."""
    registry, project = services.registry, services.registry.projects.seen(group.project)
    speakers = [
        Speaker(control, version.id, registry.artifacts.read(artifact))
        for control, version, artifact in current_versions(services, project, group.name)
    ]
    return predicted(services, group, registry.tasks.of_group(group.project, group.name), speakers, frames)


@dataclass(frozen=True, slots=True, eq=False)
class Speaker:
    """Who predicts for a control: the weights of a version."""

    control: Control
    version: int
    """Its id."""
    weights: Weights


def predicted(
    services: Services, group: GroupRecord, tasks: Sequence[TaskRecord], speakers: Sequence[Speaker], frames: FrameStore
) -> list[LedgerEntry]:
    """What the speakers, in the order in which they must predict, say about tasks of a group that have no label."""
    registry, project = services.registry, services.registry.projects.seen(group.project)
    labels = registry.labels.of_group(group.project, group.name)
    parts, sizes, unreadable = list[Part](), dict[int, tuple[int, int]](), dict[int, str]()
    for speaker in speakers:
        control = speaker.control
        lesson = prepare(control, tasks, labels, frames)
        unreadable |= lesson.unreadable
        sizes |= lesson.sizes
        model = catalogue.load(speaker.weights, services.settings.device)
        if control.media is Media.VIDEO:
            videos = predict_clips(model, control, lesson.clips)
            parts.append(Part(control, speaker.version, shown_tracks(control, videos)))
            continue
        predictions = catalogue.predict(model, lesson.rest, lesson.labeled, parents_of(control, parts))
        parts.append(Part(control, speaker.version, shown(control, predictions)))
    said = frames.remarks | unreadable
    for task in tasks:
        if parts and task.problem != said.get(task.id):
            registry.tasks.set_problem(task.id, said.get(task.id))
    found = stitch(parts, sizes)
    scores = published_scores(services, group, tasks, {task: one.score for task, one in found.items()})
    title, now = model_version(services, project), services.clock()
    return [
        LedgerEntry(task, project.id, None, one.result, scores[task], one.versions, title, now, one.score)
        for task, one in found.items()
    ]


def push(services: Services, group: GroupRecord, entries: Sequence[LedgerEntry]) -> None:
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
