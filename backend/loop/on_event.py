"""What a webhook's event changes: a few rows in the registry, and a word to the queue. No network, no training."""

from collections.abc import Iterable
from contextlib import suppress

import structlog

from backend.errors import RegistryError
from backend.loop.common import call
from backend.loop.projects import record
from backend.loop.services import Services
from backend.studio import events
from model_registry import ProjectRecord

log = structlog.get_logger(__name__)


def on_event(services: Services, event: events.Event) -> str:
    """Take one event into the registry; returns what was done, in a word for log and answer.

    Idempotent: events come twice, late, out of order and in bulk.
    """
    match event:
        case events.LabelsChanged(project=number):
            changed = record(services, _project(services, number, event.config), event.tasks, event.labels)
        case events.LabelsDeleted(project=number):
            _project(services, number, event.config)
            changed = put_off(services, number, services.registry.labels.delete(number, event.ids))
        case events.TasksCreated(project=number):
            changed = record(services, _project(services, number, event.config), event.tasks, ())
            call(services, number)
        case events.TasksDeleted(project=number):
            changed = put_off(services, number, services.registry.tasks.delete(number, event.ids))
        case events.ConfigChanged(project=number):
            _project(services, number, event.config)
            services.queue.sweep(number)
            return "sweep queued"
        case events.TrainingRequested(project=number):
            _project(services, number, event.config)
            request_training(services, number)
            return "training requested"
        case events.Ignored():
            log.info("event ignored", action=event.action, why=event.why)
            return "ignored"
    wake(services, number, changed)
    return "recorded"


def request_training(services: Services, project: int) -> None:
    """'Start training': compare with Label Studio first, since events may have been lost, then train what changed."""
    services.registry.projects.configure(project, settings={"training_requested": True})
    services.queue.sweep(project)


def put_off(services: Services, project: int, groups: set[str]) -> set[str]:
    """Have groups whose labels were deleted wait for more of it, as new labels do; returns them."""
    for group in groups:
        with suppress(RegistryError):  # gone with its last task
            services.registry.groups.postpone(
                project, group, services.settings.quiet_seconds, services.settings.patience_seconds
            )
    return groups


def wake(services: Services, project: int, groups: Iterable[str]) -> None:
    """Have a worker look at groups whose labels changed; it waits until they have been quiet for a while."""
    for group in groups:
        services.queue.look_at(project, group)


def _project(services: Services, number: int, config: str | None) -> ProjectRecord:
    project = services.registry.projects.seen(number)
    if config and config != project.config:
        # Trained models may be stale now: a sweep of the project finds out.
        project = services.registry.projects.configure(number, config=config)
        services.queue.sweep(number)
    return project
