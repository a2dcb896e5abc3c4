"""The inbox: events that were accepted and wait to be recorded, in the order in which they came.

With SQLite it is a file of its own beside the registry's, with a write lock of its own: whoever accepts an event never
waits for whoever writes to the registry. PostgreSQL's writers do not wait for each other, so there it is one more table.
Its rows live for seconds, so it has no history of migrations: a table of another shape gets another name.

Like the registry's file it is written with `synchronous = NORMAL`: the kill of a process loses nothing, a power cut may
lose the last events, which the next comparison with their source brings.
"""

import fcntl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    cast,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.functions import Function

from backend.errors import InboxError, RegistryError
from backend.sqlite_files import set_aside_damaged
from model_registry.database import Database, chunks, connect_database, sqlite_path
from model_registry.tables import RowId

T = TypeVar("T")
BATCH = 200
"""Events taken at a time: a few milliseconds of the registry's write lock."""
BATCH_BYTES = 8_000_000
"""Most that the events of one batch hold; a single larger one is a batch of its own."""
MOST_EVENTS = 100_000
MOST_BYTES = 500_000_000
"""What may wait: far more than a registry that is away for an hour misses. Beyond it something is wrong for good, and
the sweep, which compares with the source, repairs what was not taken."""
KEPT_REFUSED = 1000
"""Refused events that are kept for a look, the newest ones."""
COUNT_SECONDS = 1.0
"""Pause between counts of what waits: an append does not count, so the limits are kept to within a second."""
_RECORDER, _MAKER = 0x6D6D7269, 0x6D6D726A  # any numbers, the same in all processes; the migrations have another

metadata = MetaData()
events = Table(
    "inbox_events",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("project", BigInteger, nullable=False),
    Column("received_at", Double, nullable=False),
    Column("vouched", Boolean, nullable=False),
    Column("size", Integer, nullable=False),
    Column("event", Text, nullable=False),
    Column("refused", Text),
    sqlite_autoincrement=True,  # no id is given twice: the order of ids is the order of arrival
)
waits = events.c.refused.is_(None)
Index("ix_inbox_events_waiting", events.c.id, events.c.size, sqlite_where=waits, postgresql_where=waits)


@dataclass(frozen=True, slots=True)
class Arrival:
    """One event that was accepted."""

    id: int
    project: int
    event: str
    """As JSON; opaque to the inbox."""
    received_at: float
    """Seconds since the epoch, by the registry's clock."""
    vouched: bool
    """Whether its sender proved who they are."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One event that could not be recorded."""

    id: int
    project: int
    received_at: float
    refused: str
    """Why, in words."""


class Inbox:
    """The events of all projects. Safe to share between threads; any number of processes may append and record."""

    def __init__(self, database: Database, clock: Callable[[], float], file: Path | None) -> None:
        self._database, self._clock, self._file = database, clock, file
        self._counted, self._room = float("-inf"), True
        self.arrived = threading.Event()
        """Set by each append of this process, for whoever records."""
        self._mended(self._create)

    def append(self, project: int, event: str, vouched: bool = False) -> None:
        """Keeps an event: from now on a kill of any process does not lose it. Raises InboxError where it cannot be kept."""
        row = {
            "project": project, "received_at": self._clock(), "vouched": vouched, "size": len(event), "event": event,
        }  # fmt: skip

        def put() -> None:
            if not self._has_room():
                raise InboxError(
                    f"The inbox is full: {MOST_EVENTS} events or {MOST_BYTES // 1_000_000} MB wait to be recorded. "
                    "Look into the log for why the registry takes none; the event is had again by comparing with its source."
                )
            with self._database.writing() as connection:
                connection.execute(insert(events), row)

        try:
            self._mended(put)
        except InboxError:
            raise
        except (DBAPIError, RegistryError) as error:
            why = getattr(error, "orig", error)
            raise InboxError(f"The inbox takes no event: {why}. Expected a disk, or a server, with room.") from error
        self.arrived.set()

    def take(self, most: int = BATCH) -> list[Arrival]:
        """The oldest events that wait, in order. They go on waiting until `done` or `refuse`."""
        return self._mended(lambda: self._take(most))

    def done(self, ids: Iterable[int]) -> None:
        """These are recorded; those of them that were refused stay where they are."""
        with self._database.writing() as connection:
            for chunk in chunks(ids):
                connection.execute(delete(events).where(events.c.id.in_(chunk), waits))

    def refuse(self, id: int, why: str) -> None:
        """Sets one event aside that cannot be recorded; it waits no more."""
        newest = select(events.c.id).where(~waits).order_by(events.c.id.desc()).limit(KEPT_REFUSED).subquery()
        with self._database.writing() as connection:
            connection.execute(update(events).where(events.c.id == id).values(refused=why))
            connection.execute(delete(events).where(~waits, events.c.id.not_in(select(newest.c.id))))

    def waiting(self) -> int:
        """How many events wait to be recorded."""
        return self._mended(lambda: self._count()[0])

    def refused(self) -> list[Refusal]:
        """The events that were set aside, oldest first."""
        query = select(*_columns(Refusal)).where(~waits).order_by(events.c.id)
        with self._database.reading() as connection:
            return [Refusal(**row._mapping) for row in connection.execute(query)]

    @contextmanager
    def recorder(self) -> Iterator[bool]:
        """Whether nobody else records at this moment; then nobody does until the block ends, or this process does."""
        if self._file is None:
            with self._database.writing() as connection:
                yield bool(connection.execute(select(func.pg_try_advisory_xact_lock(_RECORDER, _schema()))).scalar())
            return
        with self._file.with_name(self._file.name + ".recorder").open("a") as lock:
            yield _locked(lock.fileno())

    def close(self) -> None:
        """Closes its file; a table in the registry's database is closed with that."""
        if self._file is not None:
            self._database.close()

    def _take(self, most: int) -> list[Arrival]:
        first = select(events.c.id, events.c.size).where(waits).order_by(events.c.id).limit(most)
        with self._database.reading() as connection:
            ids, size = list[int](), 0
            for row in connection.execute(first):
                size += row.size
                if ids and size > BATCH_BYTES:
                    break
                ids.append(row.id)
            query = select(*_columns(Arrival)).where(events.c.id.in_(ids)).order_by(events.c.id)
            return [Arrival(**row._mapping) for row in connection.execute(query)] if ids else []

    def _has_room(self) -> bool:
        now = time.monotonic()
        if now - self._counted > COUNT_SECONDS:
            self._counted = now
            count, size = self._count()
            self._room = count < MOST_EVENTS and size < MOST_BYTES
        return self._room

    def _count(self) -> tuple[int, int]:
        query = select(func.count(), func.coalesce(func.sum(events.c.size), 0)).select_from(events).where(waits)
        with self._database.reading() as connection:
            count, size = connection.execute(query).one()
        return int(count), int(size)

    def _create(self) -> None:
        with self._database.writing() as connection:
            if self._file is None:  # two processes may come at once
                connection.execute(select(func.pg_advisory_xact_lock(_MAKER, _schema())))
            metadata.create_all(connection)

    def _mended(self, call: Callable[[], T]) -> T:
        """The call's result, if need be after the file was set aside, by this process or another, and begun anew."""
        try:
            return call()
        except InboxError:
            raise
        except (DBAPIError, RegistryError):
            if self._file is None:
                raise
        set_aside_damaged(self._file)
        self._database.close()  # its connections know the old file
        self._create()
        return call()


def open_inbox(database: Database, url: str, clock: Callable[[], float]) -> Inbox:
    """The inbox of the registry with this database and URL, made where it is missing."""
    registry = sqlite_path(url)
    if registry is None:
        return Inbox(database, clock, None)
    file = registry.with_name(f"{registry.stem}.inbox.db")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        set_aside_damaged(file)
        return Inbox(connect_database(f"sqlite:///{file}"), clock, file)
    except OSError as error:
        raise RegistryError(
            f"The inbox's file {file} cannot be used: {error}. Check the folder's permissions and the room on its disk."
        ) from None


def _schema() -> Function[int]:
    """The second half of a lock's key in PostgreSQL: registries in two schemas of one database do not exclude each other."""
    return func.hashtext(cast(func.current_schema(), Text))


def _columns(of: type[Arrival] | type[Refusal]) -> list[Column[object]]:
    return [events.c[name] for name in of.__dataclass_fields__]


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
