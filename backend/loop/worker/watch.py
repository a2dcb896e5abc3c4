"""What ends work that can wait: a worker that stops, or a group that needs it."""

from collections.abc import Callable

from backend.errors import TrainingInterrupted
from backend.loop.services import Services

LOOK_SECONDS = 0.25
"""Pause between looks at whether a group waits: a small read each, and nobody notices a quarter of a second."""
SOON = 2.0
"""Seconds; a group that is due so soon gets the worker already."""


class Watch:
    """Ends what is done in spare time as soon as the worker stops or is needed."""

    def __init__(self, services: Services, owner: str, stopped: Callable[[], bool]) -> None:
        self._services, self._owner, self._stopped = services, owner, stopped
        self._looked = float("-inf")

    def __call__(self) -> None:
        """Raises TrainingInterrupted; looks into the registry now and then only."""
        if self._stopped():
            raise TrainingInterrupted("The worker is stopping or has lost what it holds; another one goes on.")
        now = self._services.clock()
        if now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        if self._services.registry.groups.waits(now + SOON, self._owner):
            raise TrainingInterrupted("A group needs the worker; what can wait gives way.")
