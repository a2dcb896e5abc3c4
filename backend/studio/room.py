"""Memory budget: several threads share it for something large and short; who finds it used up waits."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from backend.cancel import NEVER, CancelToken

WAIT_SECONDS = 1.0
"""Between two checks of `cancel` during a wait."""


class MemoryBudget:
    """A counting semaphore over bytes. Thread-safe."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._reserved = 0
        self._released = threading.Condition()

    @contextmanager
    def reserve(self, size: int, cancel: CancelToken = NEVER) -> Iterator[None]:
        """Reserve `size` bytes; what exceeds the whole budget is let in alone. What `cancel` raises ends the wait."""
        with self._released:
            while self._reserved and self._reserved + size > self._limit:
                if not self._released.wait(WAIT_SECONDS):
                    cancel.check()
            self._reserved += size
        try:
            yield
        finally:
            with self._released:
                self._reserved -= size
                self._released.notify_all()
