"""Heartbeat of a worker in the registry: that it is there, what it is at, and what goes wrong."""

from collections.abc import Callable

from backend.loop.services import Services

BEAT_SECONDS = 10.0
"""Pause between two signs of life: a write each, and nobody needs to know sooner."""


class Heartbeat:
    """Called often, it writes seldom. `doing` and `wrong` say what to tell."""

    def __init__(
        self, services: Services, name: str, doing: Callable[[], str | None], wrong: Callable[[], str | None]
    ) -> None:
        self._services, self._name, self._doing, self._wrong = services, name, doing, wrong
        self._started = services.clock()
        self._beaten = float("-inf")

    def __call__(self) -> None:
        """Write a sign of life where the last one is a while ago."""
        now = self._services.clock()
        if now - self._beaten >= BEAT_SECONDS:
            self._services.registry.workers.seen(self._name, self._started, self._doing(), self._wrong())
            self._beaten = now
