"""Webhook events: each changes a few rows in the registry, and sends a message to the queue. No network, no training."""

from collections.abc import Iterable, Sequence

import structlog

from backend.loop.data.project_news import enqueue_project_jobs
from backend.loop.data.projects import configured, record
from backend.loop.services import Services
from backend.studio import events
from backend.studio.batches import batches
from model_registry import ProjectRecord

AT_ONCE = 200
"""Labels or tasks of one registry transaction: others wait for it."""

log = structlog.get_logger(__name__)


def on_events(services: Services, of_one_project: Sequence[events.Event], vouched: bool = False) -> None:
    """Take events of one project into the registry, in their order and in few transactions; see `on_event`."""
    for event in batches(of_one_project, AT_ONCE):
        on_event(services, event, vouched)


def on_event(services: Services, event: events.Event, vouched: bool = False) -> str:
    """Take one event into the registry; returns what was done, in a word for log and answer.

    Idempotent: events come twice, late, out of order and in bulk. An event of a project that is not known is ignored,
    unless its sender is `vouched` for beyond that project.
    """
    if isinstance(event, events.Ignored):
        log.info("event ignored", action=event.action, why=event.why)
        return "ignored"
    number = event.project
    project = services.registry.projects.seen(number) if vouched else services.registry.projects.get(number)
    if project is None:
        log.warning("event of a project that is not connected ignored", project=number)
        return "ignored: the project is not connected"
    return _take(services, _configured(services, project, event), event)


def _take(services: Services, project: ProjectRecord, event: events.ProjectEvent) -> str:
    number = project.id
    match event:
        case events.LabelsChanged():
            changed = record(services, project, event.tasks, event.labels)
        case events.LabelsDeleted():
            changed = debounce(services, number, services.registry.labels.delete(number, event.ids))
        case events.TasksCreated():
            changed = record(services, project, event.tasks, ())
            enqueue_project_jobs(services, number)
        case events.TasksDeleted():
            changed = debounce(services, number, services.registry.tasks.delete(number, event.ids))
        case events.ConfigChanged():
            services.queue.enqueue_sweep(number)
            return "sweep queued"
        case events.TrainingRequested():
            request_training(services, number)
            return "training requested"
    enqueue_groups(services, number, changed)
    return "recorded"


def request_training(services: Services, project: int) -> None:
    """'Start training': compare with Label Studio first, since events may have been lost, then train what changed."""
    services.registry.projects.configure(project, settings={"training_requested": True})
    services.queue.enqueue_sweep(project)


def debounce(services: Services, project: int, groups: set[str]) -> set[str]:
    """Have groups whose labels were deleted wait for more of it, as new labels do; returns them."""
    settings = services.settings
    services.registry.groups.postpone(project, groups, settings.quiet_seconds, settings.patience_seconds)
    return groups


def enqueue_groups(services: Services, project: int, groups: Iterable[str]) -> None:
    """Have a worker look at groups whose labels changed; it waits until they have been quiet for a while."""
    for group in groups:
        services.queue.enqueue_group(project, group)


def _configured(services: Services, project: ProjectRecord, event: events.ProjectEvent) -> ProjectRecord:
    """The project with the labeling config that the event brings, if any."""
    if event.config and event.config != project.config:
        # Trained models may be stale now: a sweep of the project finds out.
        project = configured(services, project.id, event.config)
        services.queue.enqueue_sweep(project.id)
    elif project.gone:
        # Whoever sends events is there: a sweep asks again.
        services.queue.enqueue_sweep(project.id)
    return project
