"""Preemption: work that can wait ends as soon as a group needs the worker."""

from backend.errors import TrainingInterrupted
from backend.loop.services import Services

LOOK_SECONDS = 0.25
"""Pause between looks at whether a group waits: a small read each, and nobody notices a quarter of a second."""
SOON_SECONDS = 2.0
"""A group that is due so soon gets the worker already."""


class Preemption:
    """A condition of a CancelToken; `owner` is the worker that gives way."""

    def __init__(self, services: Services, owner: str) -> None:
        self._services, self._owner = services, owner
        self._looked = float("-inf")

    def check(self) -> None:
        """Raises TrainingInterrupted where a group waits; looks into the registry now and then only."""
        now = self._services.clock()
        if now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        if self._services.registry.groups.waits(now + SOON_SECONDS, self._owner):
            raise TrainingInterrupted("A group needs the worker; what can wait gives way.")
