"""Accepting all that is predicted in a group: Label Studio's own action, which makes annotations of predictions."""

from backend.errors import StudioForbidden
from backend.loop.data.known import known_group
from backend.loop.data.projects import model_version
from backend.loop.services import Services
from backend.studio.actions import accept_predictions

AT_ONCE = 200
"""Tasks of one request: Label Studio works them off while it waits."""


def waiting(services: Services, project: int, group: str) -> list[int]:
    """Tasks of the group without a label that have a prediction: those that accepting makes annotations of."""
    registry = services.registry
    done = {label.task for label in registry.labels.of_group(project, group, include_skipped=True)}
    tasks = [task.id for task in registry.tasks.of_group(project, group) if task.id not in done]
    return sorted(registry.ledger.scores(project, tasks))


def accept_all(services: Services, project: int, group: str) -> int:
    """Have Label Studio take the predictions of all unlabelled tasks of a group for annotations; how many there are.

    Raises StudioError where it does not do so. What it made comes back through its webhook, as any annotation does.
    """
    record = known_group(services, project, group)
    studio = services.studio(record)
    if studio is None:
        raise StudioForbidden("No API key for Label Studio is known, without which nothing can be accepted there.")
    tasks = waiting(services, project, group)
    for first in range(0, len(tasks), AT_ONCE):
        accept_predictions(studio, project, tasks[first : first + AT_ONCE], model_version(services, record))
    services.queue.enqueue_sweep(project)
    return len(tasks)
