"""Workers: who gave a sign of life when, and why one is gone."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import delete, func, select, update

from model_registry.database import Database, upsert
from model_registry.records import WorkerRecord
from model_registry.tables import workers

FORGET_SECONDS = 3600.0
"""A worker that is gone for so long is not told of any more, once another one works."""
_NOTHING = dict.fromkeys(("seen_at", "ended_at", "last_error", "doing"))


class Workers:
    """The workers of all machines that share the registry."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def starting(self, name: str) -> None:
        """A place for a worker is made; its first process begins now, and nothing is known of it."""
        self._put(name, {"started_at": self._clock(), **_NOTHING})

    def seen(self, name: str, started_at: float, doing: str | None = None, error: str | None = None) -> None:
        """A sign of life; `error` is what goes wrong in the worker at present, None clears it."""
        self._put(
            name, _NOTHING | {"started_at": started_at, "seen_at": self._clock(), "doing": doing, "last_error": error}
        )

    def ended(self, name: str, error: str | None = None) -> None:
        """The worker is known to be gone; None: as it should. Since when does not change where its successors never came up."""
        gone = {"ended_at": func.coalesce(workers.c.ended_at, self._clock()), "last_error": error, "doing": None}
        with self._database.writing() as connection:
            connection.execute(update(workers).where(workers.c.name == name).values(gone))

    def all(self) -> list[WorkerRecord]:
        """All workers that are known, by name."""
        with self._database.reading() as connection:
            return [
                WorkerRecord(**row._mapping) for row in connection.execute(select(workers).order_by(workers.c.name))
            ]

    def _put(self, name: str, row: dict[str, Any]) -> None:
        """Writes one worker's row, and drops those of workers long gone."""
        gone = func.coalesce(workers.c.ended_at, workers.c.seen_at, workers.c.started_at)
        with self._database.writing() as connection:
            insert = upsert(connection, workers).values(name=name, **row)
            connection.execute(insert.on_conflict_do_update(index_elements=["name"], set_=row))
            connection.execute(delete(workers).where(gone < self._clock() - FORGET_SECONDS))
