"""Cancellation: one token, handed to whatever takes long, which asks it often whether to go on."""

import threading
from collections.abc import Callable

from backend.errors import MicroModelsError, TrainingInterrupted

Condition = Callable[[], None]
"""Raises a MicroModelsError where the work is to end."""


class CancelToken:
    """Asked by what takes long: in every step, for every frame, each second of a wait. It ends by what `check` raises."""

    def __init__(self, *conditions: Condition) -> None:
        """Without conditions it never ends anything."""
        self._conditions = conditions

    def check(self) -> None:
        """Raises what the first of the conditions raises: the work is to end, and the error says why."""
        for condition in self._conditions:
            condition()

    def also(self, *conditions: Condition) -> "CancelToken":
        """A token that ends the work for these reasons, too."""
        return CancelToken(self.check, *conditions)


class CancelSource(CancelToken):
    """A token together with the means to cancel it, once and for good. Safe to share between threads."""

    def __init__(self) -> None:
        super().__init__(self._raise_if_cancelled)
        self._cancelled = threading.Event()
        self._error: tuple[type[MicroModelsError], str] = (TrainingInterrupted, "It was cancelled.")

    def cancel(self, reason: str, error: type[MicroModelsError] = TrainingInterrupted) -> None:
        """Everybody who asks from now on gets this error, with this reason."""
        self._error = error, reason
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        """Whether the work is to end, for whoever waits between two pieces of it."""
        return self._cancelled.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until it is cancelled; whether it is."""
        return self._cancelled.wait(seconds)

    def _raise_if_cancelled(self) -> None:
        if self._cancelled.is_set():
            error, reason = self._error
            raise error(reason)


def until(moment: float, clock: Callable[[], float], reason: str) -> CancelToken:
    """A token that ends the work when the clock has passed a moment."""

    def check() -> None:
        if clock() > moment:
            raise TrainingInterrupted(reason)

    return CancelToken(check)


NEVER = CancelToken()
"""Ends nothing: where nobody cancels."""
