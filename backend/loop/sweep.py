"""Comparing a project with Label Studio and repairing what events missed: lost, late, or never sent."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TypeVar

import structlog

from backend.errors import LabelingConfigError, StudioMissing
from backend.loop import standing
from backend.loop.common import call
from backend.loop.label_next import mend_tab
from backend.loop.on_event import put_off, wake
from backend.loop.projects import record
from backend.loop.reviewing import review_pending
from backend.loop.services import Services
from backend.studio import events
from backend.studio.client import Studio
from backend.studio.labeling_config import control_fingerprint
from model_registry import GroupRecord, ProjectRecord

TASKS_AT_ONCE = 200
"""Tasks of one registry transaction: short enough for a webhook to slip in between."""

WORDS_AT_ONCE = 100
"""Words that may wait in the queue: more than the workers can hear of until the next look-round would only pile up."""

log = structlog.get_logger(__name__)
T = TypeVar("T")


def sweep_project(services: Services, number: int) -> None:
    """Make the registry agree with Label Studio about one project, and wake the groups that this changes."""
    project = services.registry.projects.get(number)
    if project is None:
        return
    studio = services.studio(project)
    if studio is not None:
        try:
            with standing.noted(services, project):
                project = _refresh_project(services, studio, project)
        except StudioMissing:
            log.warning("the project is gone from Label Studio; its records are removed", project=number)
            services.registry.projects.delete(number)
            return
        if not project.stopped:
            changed = _refresh_tasks(services, studio, project)
            services.registry.projects.mark_synced(number, services.clock())
            wake(services, number, changed)
            mend_tab(services, studio, project)
    if project.stopped:
        return
    review_pending(services, number)
    _wake_stale(services, project)


class LookRound:
    """Leaves word for all work that the registry knows of: that of a killed worker, a lost job, a missed event."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._swept: dict[int, float] = {}

    def __call__(self) -> None:
        """Send every project for a sweep when its time has come, and every group that has work left."""
        services, now = self._services, self._services.clock()
        for project in services.registry.projects.all():
            # The first time in any case: nobody knows what came while no worker ran. Then whoever is first does it.
            swept = self._swept.get(project.id)
            if swept is None or now - max(swept, project.synced_at or 0.0) >= services.settings.sweep_seconds:
                services.queue.sweep(project.id)
                self._swept[project.id] = now
        room = max(0, WORDS_AT_ONCE - services.queue.waiting())
        for group in services.registry.groups.pending(now, room):
            services.queue.look_at(group.project, group.name)


def _refresh_project(services: Services, studio: Studio, project: ProjectRecord) -> ProjectRecord:
    row = studio.project(project.id)
    project = standing.look(services, studio, project)
    return services.registry.projects.configure(project.id, config=row["label_config"])


def _refresh_tasks(services: Services, studio: Studio, project: ProjectRecord) -> set[str]:
    """Take over all tasks and annotations, and remove what is gone; returns the groups that this changes.

    Only what was known before the listing began can be missing from it, and a label that is newer than that is kept.
    """
    registry, started, changed = services.registry, services.clock(), set[str]()
    tasks_before, labels_before = registry.tasks.ids(project.id), registry.labels.known(project.id).keys()
    listed_tasks, listed_labels = set[int](), set[int]()
    for rows in _chunks(studio.tasks(project.id), TASKS_AT_ONCE):
        tasks = [task for row in rows if (task := events.task_of(row))]
        labels = [label for row in rows for label in events.annotations_of(row)]
        listed_tasks.update(t.id for t in tasks)
        listed_labels.update(a.id for a in labels)
        changed |= record(services, project, tasks, labels, seen_at=started)
    if listed_tasks - tasks_before:
        call(services, project.id)
    tasks_gone = tasks_before - listed_tasks
    labels_gone = labels_before - listed_labels
    if tasks_gone or labels_gone:
        log.info("removing what is gone", project=project.id, tasks=len(tasks_gone), labels=len(labels_gone))
    gone = registry.tasks.delete(project.id, tasks_gone, started)
    gone |= registry.labels.delete(project.id, labels_gone, started)
    return changed | put_off(services, project.id, gone)


def _wake_stale(services: Services, project: ProjectRecord) -> None:
    """Send for the groups whose micro-models do not fit the labeling config, or for which training was asked."""
    requested = bool(project.settings.get("training_requested"))
    try:
        fingerprints = {c.from_name: control_fingerprint(c) for c in services.config(project).controls}
    except LabelingConfigError as error:
        log.warning("labeling config not usable", project=project.id, why=str(error))
        return
    for group in services.registry.groups.all(project.id):
        if group.labelled and (_is_stale(services, group, fingerprints) or (requested and _has_news(services, group))):
            services.registry.groups.force(project.id, group.name)
            services.queue.look_at(project.id, group.name)
    if requested:
        services.registry.projects.configure(project.id, settings={"training_requested": None})


def _is_stale(services: Services, group: GroupRecord, fingerprints: Mapping[str, str]) -> bool:
    serving = services.registry.versions.serving(group.project, group.name)
    return bool(serving) and {c: v.fingerprint for c, v in serving.items() if c in fingerprints} != fingerprints


def _has_news(services: Services, group: GroupRecord) -> bool:
    """Whether the group has labels that no finished training has seen."""
    newest = services.registry.versions.history(group.project, group.name)[:1]
    return not newest or newest[0].label_revision != group.wanted or newest[0].state == "failed"


def _chunks(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    rows = iter(rows)
    return iter(lambda: list(islice(rows, size)), [])
