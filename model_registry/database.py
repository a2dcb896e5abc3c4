"""The engine: SQLite in WAL mode or PostgreSQL, brought to the newest schema, with short write transactions."""

import json
import math
import random
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, inspect, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError

from backend.errors import RegistryError, RegistryUnavailable
from model_registry.encoding import require_utf8
from model_registry.migrations import migrate
from model_registry.tables import metadata
from model_registry.unavailable import damaged, unavailable

T = TypeVar("T")
LONGEST_INTEGER = 14_000
"""Bits; Python writes and reads 4,300 digits."""
BUSY_SECONDS = 30.0
"""How long a writer waits for another process's transaction; those take milliseconds, so more means that it hangs."""
POLL_MILLISECONDS = 3
"""How often a waiting writer looks again: about as long as a write transaction takes."""
RESTART_SECONDS = 10.0
"""How long a server that is away is waited for: a restart takes seconds, and nothing of the work at hand is lost."""
CHUNK = 500
"""Rows of one statement: well below the least number of parameters that an engine allows (SQLite: 32766)."""


class Database:
    """Transactions on one engine. Make it with `open_database`; safe to share between threads, not across a fork."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        postgres = engine.dialect.name == "postgresql"
        # There each statement sees the newest state anyway; beginning and ending would be two more round trips.
        self._reader = engine.execution_options(isolation_level="AUTOCOMMIT") if postgres else engine
        self.opened = False
        """Whether it has answered once: then the URL is right, and an error means that the server is away."""
        # SQLite lets a waiting writer poll with growing pauses; threads of one process queue here instead.
        self._turn = threading.Lock() if engine.dialect.name == "sqlite" else None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One transaction that only reads: on SQLite it sees one state of the database and waits for nobody."""
        with self._plain_errors(), self._connect(self._reader) as connection, connection.begin():
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """One transaction that sees one state of the whole database for as long as it lasts, and keeps nobody waiting."""
        if self._turn is not None:
            with self.reading() as connection:
                yield connection
            return
        engine = self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with self._connect(engine) as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction that writes: all of it happens, or nothing. Keep it short, others wait for it."""
        if self._turn is None:
            with self._plain_errors(), self._connect(self.engine) as connection, connection.begin():
                yield connection
            return
        with (
            self._plain_errors(),
            self._turn,
            self.engine.connect() as connection,
            connection.execution_options(writes=True).begin(),
        ):
            yield connection

    def close(self) -> None:
        """Closes all connections."""
        self.engine.dispose()

    @contextmanager
    def _plain_errors(self) -> Iterator[None]:
        """Says in one line what is the matter with the database itself; the mistakes of our own statements pass."""
        try:
            yield
        except (DBAPIError, sqlite3.Error) as error:  # the driver's own where a connection could not be made
            if (plain := unavailable(self.engine.url, error)) is None:
                raise
            raise plain from error

    def _connect(self, engine: Engine) -> Connection:
        """A connection; waits for a server that answered before and is away now."""
        give_up = time.monotonic() + RESTART_SECONDS
        while True:
            try:
                return engine.connect()
            except OperationalError:
                if self._turn is not None or not self.opened or time.monotonic() > give_up:
                    raise
            time.sleep(random.uniform(0.1, 0.3))


def open_database(url: str) -> Database:
    """Connects, creates what is missing and brings the schema up to date, also when two processes do so at once."""
    database = connect_database(url)
    try:
        with database.writing() as connection:
            _migrate(connection)
        database.opened = True
    except BaseException:
        database.close()
        raise
    return database


def connect_database(url: str) -> Database:
    """A database as it is, whatever tables it has; a SQLite file is made where it is missing."""
    parsed = _parse(url)
    try:
        engine = create_engine(
            parsed,
            json_serializer=to_json,
            json_deserializer=from_json,
            pool_size=8,
            max_overflow=56,
            **_arguments(parsed),
        )
    except ModuleNotFoundError as error:
        raise RegistryError(
            f"The registry's URL names a {parsed.get_backend_name()} database, but the package {error.name!r} is not "
            "installed. Install it with: pip install 'micro-models[scale]'"
        ) from None
    database = Database(engine)
    try:
        if engine.dialect.name == "sqlite":
            _prepare_sqlite(engine, Path(parsed.database or ""))
        elif engine.driver == "psycopg":
            require_utf8(engine)
    except BaseException:
        database.close()
        raise
    return database


def sqlite_path(url: str) -> Path | None:
    """The file of a SQLite database; None for one on a server."""
    parsed = _parse(url)
    return Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None


def _migrate(connection: Connection) -> None:
    """Brings the schema up to date; raises RegistryUnavailable where it is not one that we made."""
    url = connection.engine.url
    try:
        migrate(connection)
    except DBAPIError as error:
        raise unavailable(url, error) or damaged(url, str(error.orig)) from error
    if missing := sorted(set(metadata.tables) - set(inspect(connection).get_table_names())):
        raise damaged(url, f"it lacks the tables {', '.join(missing)}")


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
        name = parsed.get_backend_name()
    except (ArgumentError, NoSuchModuleError) as error:
        raise RegistryError(f"Expected a SQLAlchemy URL such as sqlite:////folder/registry.db: {error}") from None
    if name == "postgres":
        name = "postgresql"
    if name not in ("sqlite", "postgresql"):
        raise RegistryError(f"The registry's URL names {name!r}; supported are sqlite and postgresql.")
    if name == "sqlite" and (parsed.database in (None, "", ":memory:") or str(parsed.database).startswith("file:")):
        raise RegistryError(
            "The registry is shared by several processes and threads, so SQLite needs a plain file. "
            "Write for example sqlite:////folder/registry.db"
        )
    # A URL without driver means whatever SQLAlchemy's release prefers; ours is psycopg 3.
    return parsed.set(drivername="postgresql+psycopg") if parsed.drivername in ("postgresql", "postgres") else parsed


def _arguments(url: URL) -> dict[str, Any]:
    if url.get_backend_name() == "sqlite":
        return {"connect_args": {"timeout": BUSY_SECONDS, "check_same_thread": False}}
    # A connection that a restart of the server or a load balancer cut is noticed before it is used.
    return {"pool_pre_ping": True}


def _prepare_sqlite(engine: Engine, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)  # settings may hold secrets; SQLite gives its -wal and -shm files the same mode
    except OSError as error:
        raise RegistryUnavailable(
            f"The registry's file {path} cannot be made: {error.strerror}. "
            "Expected a folder that this user may write to, with room; mend it, or name another place."
        ) from None

    @event.listens_for(engine, "connect")
    def connect(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions by itself: `begin` below does
        # NORMAL: a killed process loses nothing; a power cut may lose the last commits, which a sweep brings back.
        for pragma in ("synchronous = NORMAL", "foreign_keys = ON", "temp_store = MEMORY"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("writes", False):
            _begin_writing(connection)
        else:
            connection.exec_driver_sql("BEGIN")

    _enable_wal(engine)


def _begin_writing(connection: Connection) -> None:
    """Takes the write lock before the first read, so that no transaction has to be promoted to a writer later:

    SQLite refuses that at once where another one wrote in between. While it waits by itself, it sleeps for longer and
    longer, up to 100 ms, and a busy process overtakes it all the time; asking every few milliseconds is fairer.
    """
    give_up = time.monotonic() + BUSY_SECONDS
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {POLL_MILLISECONDS}")
    try:
        while True:
            try:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                return
            except OperationalError as error:
                if "locked" not in str(error.orig) or time.monotonic() > give_up:
                    raise
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {int(1000 * BUSY_SECONDS)}")


def _enable_wal(engine: Engine) -> None:
    """WAL lets readers and one writer work side by side; the file remembers it. SQLite does not wait by itself here."""
    give_up = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            with closing(engine.raw_connection()) as connection:
                connection.cursor().execute("PRAGMA journal_mode = WAL")
            return
        except Exception as error:  # the driver's own, or SQLAlchemy's around it
            if "locked" not in str(error) or time.monotonic() > give_up:
                raise unavailable(engine.url, error) or damaged(engine.url, str(error)) from error
        time.sleep(random.uniform(0.001, 0.02))


def upsert(connection: Connection, table: Table) -> "sqlite.Insert | postgresql.Insert":
    """`INSERT` with the `ON CONFLICT` clauses that SQLite and PostgreSQL share."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def chunks(items: Iterable[T]) -> Iterator[Sequence[T]]:
    """The items in lists that fit into one statement."""
    iterator = iter(items)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk


def to_json(value: Any) -> str:
    """JSON that every engine takes: numbers that are not finite, which JSON does not have, become null, and so do those
    of thousands of digits, which Python does not write."""
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":"))
    except ValueError:
        return json.dumps(_finite(value), allow_nan=False, separators=(",", ":"))


def from_json(text: str | bytes) -> Any:
    """What JSON says; None where it is none: one odd field costs its row, not all that are read with it."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def plain(value: Any) -> Any:
    """The value as it comes back from the database, to compare with what is there."""
    return json.loads(to_json(value))


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int):
        return value if value.bit_length() <= LONGEST_INTEGER else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value
