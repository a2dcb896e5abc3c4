"""Circuit breaker for hosts whose files come too slowly, one after the other: they are left alone for a while."""

import threading
import time
from collections.abc import Callable

from backend.errors import MediaError, StudioUnreachable

IN_A_ROW = 6
"""Files of a host that are given up before no more are asked for: each costs its whole time."""
REST_SECONDS = 120.0
"""Until the next file is tried; if it comes, all are."""


class SlowHosts:
    """Counts the files that were given up. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._count: dict[str, int] = {}
        self._until: dict[str, float] = {}

    def check(self, host: str, is_studio: bool) -> None:
        """MediaError while a host is left alone; StudioUnreachable where it is Label Studio, for no task's media come."""
        with self._lock:
            rests = self._count.get(host, 0) >= IN_A_ROW and self._clock() < self._until[host]
        if rests:
            why = (
                f"{host}: {IN_A_ROW} files in a row came too slowly or not at all. No more are asked for at the moment"
            )
            if is_studio:
                raise StudioUnreachable(f"{why}; is Label Studio, or a proxy before it, overloaded?")
            raise MediaError(f"{why}; they are tried again at the next training. Is {host} overloaded?")

    def gave_up(self, host: str) -> None:
        """A file came too slowly."""
        with self._lock:
            self._count[host] = self._count.get(host, 0) + 1
            self._until[host] = self._clock() + REST_SECONDS

    def answered(self, host: str) -> None:
        """A file came."""
        with self._lock:
            self._count.pop(host, None)
