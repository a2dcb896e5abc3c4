"""Cancels work that newer labels made obsolete: on fewer labels than the promised ones, once these are there."""

from backend.errors import TrainingInterrupted
from backend.loop.services import Services
from backend.loop.train.restart_policy import PROMISED_LABELS, is_obsolete
from model_registry import GroupRecord

LOOK_SECONDS = 1.0
"""Pause between looks: a small read each, and that is how long the promised labels wait for the worker at most."""


class Obsolete:
    """A condition of the CancelToken while a group is trained or published; looks into the registry now and then."""

    def __init__(self, services: Services, group: GroupRecord) -> None:
        self._services, self._group = services, group
        self._looked = services.clock()

    def check(self) -> None:
        """Raises TrainingInterrupted once nobody waits any more for what is made of the group's labels as they were."""
        now, group = self._services.clock(), self._group
        if group.labelled >= PROMISED_LABELS or now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        newest = self._services.registry.groups.get(group.project, group.name)
        if newest is not None and newest.wanted != group.wanted and is_obsolete(group.labelled, newest.labelled):
            raise TrainingInterrupted(f"{newest.labelled} labels are there: it starts again with them.")
