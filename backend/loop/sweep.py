"""Comparing a project with Label Studio and repairing what events missed: lost, late, or never sent."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TypeVar

import structlog

from backend.errors import LabelingConfigError, StudioMissing
from backend.loop.common import call
from backend.loop.draining import drain, settle
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

ORDER_SECONDS = 15.0
"""Pause before a sweep that a person asked for is sent for again: its word may be lost."""

log = structlog.get_logger(__name__)
T = TypeVar("T")


def sweep_project(services: Services, number: int) -> None:
    """Make the registry agree with Label Studio about one project, and wake the groups that this changes."""
    settle(services)  # what Label Studio told before it is asked now is known first
    project = services.registry.projects.get(number)
    if project is None:
        return
    studio = services.studio(project)
    if studio is not None:
        try:
            project = _refresh_project(services, studio, project)
        except StudioMissing:
            log.warning("the project is gone from Label Studio; its records are removed", project=number)
            services.registry.projects.delete(number)
            return
        changed = _refresh_tasks(services, studio, project)
        services.registry.projects.mark_synced(number, services.clock())
        wake(services, number, changed)
    review_pending(services, number)
    _wake_stale(services, project)


class LookRound:
    """Leaves word for all work that the registry knows of: that of a killed worker, a lost word, a missed event."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._swept: dict[int, float] = {}

    def __call__(self) -> None:
        """Send every project for a sweep when its time has come, wake a worker where a group has work left, and record
        what lies in the inbox."""
        services, now = self._services, self._services.clock()
        for project in services.registry.projects.all():
            if self._is_due(project, now):
                services.queue.sweep(project.id)
                self._swept[project.id] = now
        for group in services.registry.groups.pending(now, 1):
            services.queue.look_at(group.project, group.name)
        drain(services)

    def _is_due(self, project: ProjectRecord, now: float) -> bool:
        swept = self._swept.get(project.id)
        if swept is None:  # nobody knows what came while no worker ran
            return True
        if project.settings.get("training_requested") and now - swept >= ORDER_SECONDS:
            return True
        return now - max(swept, project.synced_at or 0.0) >= self._services.settings.sweep_seconds


def _refresh_project(services: Services, studio: Studio, project: ProjectRecord) -> ProjectRecord:
    row = studio.project(project.id)
    return services.registry.projects.configure(
        project.id, config=row["label_config"], settings={"title": _title(studio, project, services.settings.title)}
    )


def _title(studio: Studio, project: ProjectRecord, default: str) -> str:
    """Our title in this project: that of the backend that `connect` made, else of the only one, else the default."""
    backends = studio.backends(project.id)
    ours = project.settings.get("backend_id")
    for backend in backends:
        if backend["id"] == ours:
            return str(backend["title"])
    titles = [str(b["title"]) for b in backends]
    return titles[0] if len(titles) == 1 or (titles and default not in titles) else default


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
    stale = [
        group.name
        for group in services.registry.groups.all(project.id)
        if group.labelled and (_is_stale(services, group, fingerprints) or (requested and _has_news(services, group)))
    ]
    services.registry.groups.force(project.id, *stale)
    wake(services, project.id, stale)
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
