"""What is done for a project as a whole when no group needs the worker: proposals, and the project's parent.

The project's common group stands for it in the registry: it is called when there is news, comes after all groups of
tasks, and its lease keeps a second worker from doing the same.
"""

from collections.abc import Callable

from backend.errors import LabelingConfigError, TrainingError, TrainingInterrupted
from backend.loop.project_parent import train_parents
from backend.loop.proposals import propose
from backend.loop.services import Services
from model_registry import COMMON, GroupRecord

LOOK_SECONDS = 0.25
"""Pause between looks at whether a group waits: a small read each, and nobody notices a quarter of a second."""
SOON = 2.0
"""Seconds; a group that is due so soon gets the worker already."""


def spend(services: Services, common: GroupRecord, owner: str, stopped: Callable[[], bool]) -> None:
    """Do what there is to do for a project. The caller holds the lease of its common group.

    Raises TrainingInterrupted as soon as a group needs the worker; TrainingError says what could not be done.
    """
    registry, alive = services.registry, _Watch(services, owner, stopped)
    project = registry.projects.require(common.project)
    try:
        services.config(project).require()
    except LabelingConfigError:
        failures = list[str]()  # told where people look; a sweep follows when it changes
    else:
        failures = propose(services, project, owner, alive)
        failures += train_parents(services, project, common, owner, alive)
        failures += propose(services, project, owner, alive)
    if failures:
        raise TrainingError("; ".join(dict.fromkeys(failures)))
    registry.groups.mark_trained(project.id, COMMON, owner, common.wanted, 0)
    registry.groups.mark_published(project.id, COMMON, owner, common.wanted)


class _Watch:
    """Ends what is done in spare time as soon as the worker stops or is needed."""

    def __init__(self, services: Services, owner: str, stopped: Callable[[], bool]) -> None:
        self._services, self._owner, self._stopped = services, owner, stopped
        self._looked = float("-inf")

    def __call__(self) -> None:
        """Raises TrainingInterrupted; looks into the registry now and then only."""
        if self._stopped():
            raise TrainingInterrupted("The worker is stopping or has lost the project; another one goes on.")
        now = self._services.clock()
        if now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        if self._services.registry.groups.waits(now + SOON, self._owner):
            raise TrainingInterrupted("A group needs the worker; what is for the whole project waits.")
