"""Memory that several threads share for something large and short: who finds it full waits."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from backend.cancel import NEVER, CancelToken

WAIT_SECONDS = 1.0
"""Between two questions whether whoever waits still wants it."""


class Room:
    """So many bytes at once. Thread-safe."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._taken = 0
        self._free = threading.Condition()

    @contextmanager
    def taken(self, size: int, cancel: CancelToken = NEVER) -> Iterator[None]:
        """Hold `size` bytes; what is larger than all of it is let in alone. What `cancel` raises ends the wait."""
        with self._free:
            while self._taken and self._taken + size > self._limit:
                if not self._free.wait(WAIT_SECONDS):
                    cancel.check()
            self._taken += size
        try:
            yield
        finally:
            with self._free:
                self._taken -= size
                self._free.notify_all()
