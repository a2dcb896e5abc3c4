"""Queue interface of the loop, and the implementation on Huey's storages."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

import structlog
from huey.storage import BaseStorage, RedisStorage, SqliteStorage

from backend.errors import SettingsError
from backend.sqlite_files import set_aside_damaged

T = TypeVar("T")
CONNECT_SECONDS = 0.5
"""Longest wait for a connection to Redis: the annotator's Submit waits with it, and Label Studio gives up at 1 s."""
ANSWER_SECONDS = 5.0
"""Longest wait for Redis's answer; above the second that an idle worker lets it hold one back."""
GROUPS = b"look"
"""The one message about groups: which of them needs a worker most is known to the registry."""

Storage = Callable[[str], BaseStorage]
log = structlog.get_logger(__name__)


class Queue(Protocol):
    """Where the loop enqueues hints of work. Calls return at once; a message that waits already is not enqueued again."""

    def enqueue_group(self, project: int, group: str) -> None:
        """There is work for this group: wakes a worker, which looks for the most urgent work of all groups."""

    def enqueue_sweep(self, project: int) -> None:
        """Have a worker compare a project with Label Studio and repair what differs."""

    def waiting(self) -> int:
        """How many messages wait: of what is to be done for groups the registry knows more."""


@dataclass(frozen=True, slots=True)
class Handlers:
    """What a worker does with each kind of message."""

    run_groups: Callable[[], None]
    """Work off what the registry says is to be done for groups."""
    sweep: Callable[[int], None]


class HueyQueue:
    """Hints of work in two queues, so that a sweep never waits behind a training.

    What is to be done, and in which order, is in the registry: at most one message about groups waits, and one for each
    project to be swept. A queue that cannot be reached is no error: the workers' next reconciliation does without.
    A process that only enqueues needs no handlers; a worker passes its own.
    """

    def __init__(self, storage: Storage, handlers: Handlers | None = None) -> None:
        self.groups, self.projects = storage("groups"), storage("projects")
        self.handlers = handlers

    def enqueue_group(self, project: int, group: str) -> None:
        """See Queue."""
        _enqueue(self.groups, GROUPS)

    def enqueue_sweep(self, project: int) -> None:
        """See Queue."""
        _enqueue(self.projects, str(project).encode())

    def waiting(self) -> int:
        """See Queue."""
        return int(self.groups.queue_size() + self.projects.queue_size())


def open_storage(url: str, folder: Path) -> Storage:
    """Storage of the queue that a setting names: Redis, or where the URL is empty SQLite in `folder`."""
    return redis_storage(url) if url else sqlite_storage(folder)


def sqlite_storage(folder: Path) -> Storage:
    """Storage of the embedded queue: one SQLite file in `folder`, shared by server and worker."""
    file = folder / "queue.db"
    try:
        set_aside_damaged(file)
        return lambda name: _SoundStorage(name, filename=str(file), journal_mode="wal")
    except OSError as error:
        raise SettingsError(
            f"The queue's file {file} cannot be used: {error}. Check the folder's permissions."
        ) from None


def redis_storage(url: str) -> Storage:
    """Storage of a queue that many machines share; `url` as redis-py takes it, e.g. `redis://:password@host:6379/0`."""
    scheme = urlsplit(url).scheme
    if scheme not in ("redis", "rediss", "unix"):
        raise SettingsError(
            f"The queue's URL begins with {scheme!r}, expected redis:// or rediss://, or leave it empty."
        )
    try:
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ModuleNotFoundError:
        raise SettingsError(
            "The queue's URL names Redis, but the package 'redis' is not installed. "
            "Install it with: pip install 'micro-models[scale]'"
        ) from None

    # One retry: a connection that a restart cut is noticed when it is used. The URL's own options win.
    pool = redis.ConnectionPool.from_url(
        url, socket_connect_timeout=CONNECT_SECONDS, socket_timeout=ANSWER_SECONDS, retry=Retry(NoBackoff(), 1)
    )
    return lambda name: RedisStorage(f"micro_models_{name}", connection_pool=pool)


class _SoundStorage(SqliteStorage):  # type: ignore[misc]
    """SQLite storage that begins afresh where its file turns out damaged, also while it is in use."""

    def enqueue(self, data: bytes, priority: float | None = None) -> None:
        self._mended(lambda: super(_SoundStorage, self).enqueue(data, priority))

    def dequeue(self) -> bytes | None:
        message: bytes | None = self._mended(lambda: super(_SoundStorage, self).dequeue())
        return message

    def enqueued_items(self, limit: int | None = None) -> list[bytes]:
        return self._mended(lambda: super(_SoundStorage, self).enqueued_items(limit))

    def _mended(self, call: Callable[[], T]) -> T:
        """The call's result, if need be after the file was set aside, by this process or another, and begun anew."""
        try:
            return call()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) and "no such table" not in str(error):
                raise  # locked, or no space: not damaged
        set_aside_damaged(Path(self.filename))
        self.close()  # its connection knows the old file
        self.initialize_schema()
        return call()


def _enqueue(line: BaseStorage, message: bytes) -> None:
    """Enqueue a message unless it waits; each storage has errors of its own for being away."""
    try:
        if message not in [bytes(item) for item in line.enqueued_items()]:
            line.enqueue(message)
    except Exception as error:
        log.warning(
            "the queue is not reachable; the next reconciliation does without", why=f"{type(error).__name__}: {error}"
        )
