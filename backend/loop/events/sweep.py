"""Comparing a project with Label Studio and repairing what events missed: lost, late, or never sent."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

import structlog

from backend.errors import LabelingConfigError, RegistryError, StudioError, StudioForbidden
from backend.loop.data import standing
from backend.loop.data.project_news import enqueue_project_jobs
from backend.loop.data.projects import configured, record
from backend.loop.data.vanished import Listed, look_up, remove_vanished, returned, set_aside
from backend.loop.events.draining import drain, settle
from backend.loop.events.on_event import debounce, enqueue_groups
from backend.loop.events.second_look import look_again
from backend.loop.predict.label_next import mend_tab
from backend.loop.review.reviewing import review_pending
from backend.loop.services import Services
from backend.loop.worker.tidy import Tidy
from backend.studio import events
from backend.studio.answers import Item
from backend.studio.client import Studio
from backend.studio.labeling_config import LabelingConfig, control_fingerprint
from model_registry import TITLE, GroupRecord, ProjectRecord

TASKS_AT_ONCE = 200
"""Tasks of one registry transaction: short enough for a webhook to slip in between."""

ORDER_SECONDS = 15.0
"""Pause before a sweep that a person asked for is sent for again: its message may be lost."""
GONE_SWEEP_SECONDS = 3600.0
"""Pause between the questions whether a project that is gone has come back."""

log = structlog.get_logger(__name__)
T = TypeVar("T")


def sweep_project(services: Services, number: int) -> None:
    """Make the registry agree with Label Studio about one project, and wake the groups that this changes.

    A Label Studio that is away, or whose answer cannot be used, changes nothing: the next sweep asks again.
    """
    settle(services)  # what Label Studio told before it is asked now is known first
    project = services.registry.projects.get(number)
    if project is None:
        return
    studio, is_there = services.studio(project), True
    if studio is not None:
        try:
            with standing.noted(services, project):
                is_there = _compare(services, studio, project)
        except (StudioError, RegistryError) as error:
            log.warning("not compared with Label Studio", project=number, why=str(error))
    project = services.registry.projects.get(number)  # as it is now: Label Studio's answers take their time
    if project is None or project.gone or project.stopped or not is_there:
        return
    review_pending(services, number)
    _wake_stale(services, project)
    look_again(services, project)


class Reconciler:
    """Enqueues all work that the registry knows of: that of a killed worker, a lost message, a missed event."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._swept: dict[int, float] = {}
        self._tidy = Tidy(services)

    def __call__(self) -> None:
        """Send every project for a sweep when its time has come, wake a worker where a group has work left, and record
        what lies in the inbox."""
        services, now = self._services, self._services.clock()
        for project in services.registry.projects.all():
            if self._is_due(project, now):
                services.queue.enqueue_sweep(project.id)
                self._swept[project.id] = now
        for group in services.registry.groups.pending(now, 1):
            services.queue.enqueue_group(group.project, group.name)
        drain(services)
        self._tidy()

    def _is_due(self, project: ProjectRecord, now: float) -> bool:
        swept = self._swept.get(project.id)
        if swept is None:  # nobody knows what came while no worker ran
            return True
        if project.settings.get("training_requested") and now - swept >= ORDER_SECONDS:
            return True
        pause = GONE_SWEEP_SECONDS if project.gone else self._services.settings.sweep_seconds
        return now - max(swept, project.synced_at or 0.0) >= pause


def _compare(services: Services, studio: Studio, project: ProjectRecord) -> bool:
    """Take over what Label Studio says of a project; False where it says that it lacks the project. Raises RegistryError where
    a person has forgotten, stopped or connected it meanwhile: that is not undone."""
    row, why = look_up(studio, project)
    if row is None:
        if why:
            set_aside(services, project, why)
        return False
    project = _refresh_project(services, studio, project, row)
    if not project.stopped:
        changed = _refresh_tasks(services, studio, project, row)
        services.registry.projects.mark_synced(project.id, services.clock())
        enqueue_groups(services, project.id, changed)
        mend_tab(services, studio, project)
    return True


def _refresh_project(services: Services, studio: Studio, project: ProjectRecord, row: Item) -> ProjectRecord:
    projects = services.registry.projects
    if project.missing_since is not None:
        log.info("the project is in Label Studio again", project=project.id)
        projects.note_found(project.id)
    try:
        project = standing.check_connection(services, studio, project)
    except StudioForbidden:
        raise
    except StudioError as error:  # Label Studio asks each backend for this list; one that hangs must not stop the rest
        log.warning("the list of ML backends cannot be had", project=project.id, why=str(error))
    known = {"created_at": row.get("created_at"), TITLE: row.get("title") or None}
    return configured(services, project.id, row["label_config"], known, seen=project)


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
        enqueue_project_jobs(services, project.id)
    changed |= returned(services, project.id, listed)
    gone = remove_vanished(services, studio, row, listing, listed)
    return changed | debounce(services, project.id, gone)


def _wake_stale(services: Services, project: ProjectRecord) -> None:
    """Send for the groups whose micro-models do not fit the labeling config, or for which training was asked."""
    requested = bool(project.settings.get("training_requested"))
    try:
        config = services.config(project)
    except LabelingConfigError as error:
        log.warning("labeling config not usable", project=project.id, why=str(error))
        return
    stale = [
        group.name
        for group in services.registry.groups.all(project.id)
        if group.labelled and (_is_stale(services, group, config) or (requested and _has_news(services, group)))
    ]
    services.registry.groups.force(project.id, *stale)
    enqueue_groups(services, project.id, stale)
    if requested:
        services.registry.projects.configure(project.id, settings={"training_requested": None})


def _is_stale(services: Services, group: GroupRecord, config: LabelingConfig) -> bool:
    """Whether a serving version does not fit its control any more, or a control came since the last training."""
    versions, wanted = services.registry.versions, {c.from_name: control_fingerprint(c) for c in config.controls}
    serving = versions.serving(group.project, group.name)
    fit = [version.fingerprint == wanted[name] for name, version in serving.items() if name in wanted]
    if not serving or len(fit) == len(wanted):
        return not all(fit)
    # One without a version has no labels in this group, or none that can be learnt, where the newest training looked for it.
    newest = versions.history(group.project, group.name, most=len(wanted))
    return not all(fit) or all(one.metrics.get("config") != config.fingerprint for one in newest)


def _has_news(services: Services, group: GroupRecord) -> bool:
    """Whether the group has labels that no finished training has seen."""
    newest = services.registry.versions.history(group.project, group.name, most=1)
    return not newest or newest[0].label_revision != group.wanted or newest[0].state in ("failed", "interrupted")


def _chunks(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    rows = iter(rows)
    return iter(lambda: list(islice(rows, size)), [])
