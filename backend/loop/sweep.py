"""Comparing a project with Label Studio and repairing what events missed: lost, late, or never sent."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TypeVar

import structlog

from backend.errors import LabelingConfigError, RegistryError, StudioError
from backend.loop.common import call
from backend.loop.on_event import put_off, wake
from backend.loop.projects import record
from backend.loop.reviewing import review_pending
from backend.loop.services import Services
from backend.loop.vanished import Listed, look_up, remove_vanished, set_aside
from backend.studio import events
from backend.studio.client import Item, Studio
from backend.studio.labeling_config import control_fingerprint
from model_registry import GroupRecord, ProjectRecord

TASKS_AT_ONCE = 200
"""Tasks of one registry transaction: short enough for a webhook to slip in between."""

GONE_SWEEP_SECONDS = 3600.0
"""Pause between the questions whether a project that is gone has come back."""

WORDS_AT_ONCE = 100
"""Words that may wait in the queue: more than the workers can hear of until the next look-round would only pile up."""

log = structlog.get_logger(__name__)
T = TypeVar("T")


def sweep_project(services: Services, number: int) -> None:
    """Make the registry agree with Label Studio about one project, and wake the groups that this changes.

    A Label Studio that is away, or whose answer cannot be used, changes nothing: the next sweep asks again.
    """
    project = services.registry.projects.get(number)
    if project is None:
        return
    studio = services.studio(project)
    if studio is not None:
        try:
            project = _compare(services, studio, project)
        except (StudioError, RegistryError) as error:
            log.warning("not compared with Label Studio", project=number, why=str(error))
    if project is not None and not project.gone:
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
            pause = GONE_SWEEP_SECONDS if project.gone else services.settings.sweep_seconds
            if swept is None or now - max(swept, project.synced_at or 0.0) >= pause:
                services.queue.sweep(project.id)
                self._swept[project.id] = now
        room = max(0, WORDS_AT_ONCE - services.queue.waiting())
        for group in services.registry.groups.pending(now, room):
            services.queue.look_at(group.project, group.name)


def _compare(services: Services, studio: Studio, project: ProjectRecord) -> ProjectRecord | None:
    """Take over what Label Studio says of a project; returns it as it is now, None where Label Studio lacks it."""
    row, why = look_up(studio, project)
    if row is None:
        if why:
            set_aside(services, project, why)
        return None
    project = _refresh_project(services, studio, project, row)
    changed = _refresh_tasks(services, studio, project, row)
    services.registry.projects.mark_synced(project.id, services.clock())
    wake(services, project.id, changed)
    return project


def _refresh_project(services: Services, studio: Studio, project: ProjectRecord, row: Item) -> ProjectRecord:
    projects = services.registry.projects
    if project.missing_since is not None:
        log.info("the project is in Label Studio again", project=project.id)
        projects.note_found(project.id)
    title = _title(studio, project, services.settings.title)
    settings = {"title": title, "created_at": row.get("created_at")}
    return projects.configure(project.id, config=row["label_config"], settings=settings)


def _title(studio: Studio, project: ProjectRecord, default: str) -> str:
    """Our title in this project: that of the backend that `connect` made, else of the only one, else the default."""
    try:
        backends = studio.backends(project.id)
    except StudioError as error:  # Label Studio asks each of them for this list; one that hangs must not stop the rest
        log.warning("the list of ML backends cannot be had", project=project.id, why=str(error))
        return str(project.settings.get("title") or default)
    ours = project.settings.get("backend_id")
    for backend in backends:
        if backend["id"] == ours:
            return str(backend["title"])
    titles = [str(b["title"]) for b in backends]
    return titles[0] if len(titles) == 1 or (titles and default not in titles) else default


def _refresh_tasks(services: Services, studio: Studio, project: ProjectRecord, row: Item) -> set[str]:
    """Take over all tasks and annotations, and remove what is gone; returns the groups that this changes.

    Only what was known before the listing began can be missing from it, and a label that was heard of since is kept.
    """
    registry, started, changed = services.registry, services.clock(), set[str]()
    listed = Listed(started, registry.tasks.ids(project.id), registry.labels.tasks(project.id))
    listing = studio.tasks(project.id)
    for rows in _chunks(listing, TASKS_AT_ONCE):
        registry.projects.require(project.id)  # it may have been forgotten meanwhile
        tasks = [task for one in rows if (task := events.task_of(one))]
        labels = [label for one in rows for label in events.annotations_of(one)]
        listed.tasks.update(task.id for task in tasks)
        listed.labels.update(label.id for label in labels)
        changed |= record(services, project, tasks, labels, seen_at=started)
    if listed.tasks - set(listed.tasks_before):
        call(services, project.id)
    gone = remove_vanished(services, studio, row, listing, listed)
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
