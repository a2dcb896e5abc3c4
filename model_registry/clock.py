"""The time that machines share: the database server's, so that one whose own clock is wrong does no harm."""

import threading
import time
from collections.abc import Callable

from sqlalchemy import text

from model_registry.database import Database

ASK_AGAIN_SECONDS = 60.0
"""Between two looks at the server's clock; a machine's own one drifts by less than a millisecond in that time."""


class ServerClock:
    """Seconds since the epoch by the database server's clock. Safe to share between threads.

    The machine's wall clock is never read: between two looks its monotonic clock counts on. While the server is away
    that goes on for longer.
    """

    def __init__(self, database: Database, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._offset = self._look()
        self._looked = monotonic()

    def __call__(self) -> float:
        """The time now."""
        now = self._monotonic()
        # Who finds another thread at it takes the old offset: nobody waits for the clock.
        if now - self._looked > ASK_AGAIN_SECONDS and self._lock.acquire(blocking=False):
            try:
                self._looked = now
                self._offset = self._look()
            except Exception:
                pass  # the server is away: whoever wanted the time finds out from the write that follows
            finally:
                self._lock.release()
        return self._monotonic() + self._offset

    def _look(self) -> float:
        """Server's time minus monotonic time, seconds; the answer is taken to be as old as half of its journey."""
        with self._database.reading() as connection:
            asked = self._monotonic()
            server = float(connection.execute(text("SELECT EXTRACT(EPOCH FROM clock_timestamp())")).scalar_one())
            return server - (asked + self._monotonic()) / 2


def shared_clock(database: Database) -> Callable[[], float]:
    """The clock for all who share this database; SQLite is on one machine, which has only one."""
    return ServerClock(database) if database.engine.dialect.name == "postgresql" else time.time
