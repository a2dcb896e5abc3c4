"""What the loop needs of a queue, and the one built on Huey."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import structlog
from huey import SqliteHuey
from huey.api import Huey
from huey.registry import Message
from huey.serializer import Serializer

from backend.errors import SettingsError

CONNECT_SECONDS = 0.5
"""Longest wait for a connection to Redis: the annotator's Submit waits with it, and Label Studio gives up at 1 s."""

ANSWER_SECONDS = 5.0
"""Longest wait for Redis's answer; above the second that an idle worker lets it hold one back."""

log = structlog.get_logger(__name__)


class Queue(Protocol):
    """Where the loop leaves word of work. Calls return at once; the same word may be left many times."""

    def look_at(self, project: int, group: str, delay: float = 0) -> None:
        """Have a worker look at a group, `delay` seconds from now: it trains, publishes, or finds nothing to do."""

    def sweep(self, project: int) -> None:
        """Have a worker compare a project with Label Studio and repair what differs."""

    def waiting(self) -> int:
        """How many words about groups nobody has heard yet."""


@dataclass(frozen=True, slots=True)
class Handlers:
    """What a worker does with each kind of word."""

    look_at: Callable[[int, str], None]
    sweep: Callable[[int], None]


class JsonSerializer(Serializer):  # type: ignore[misc]
    """Huey messages as JSON: Huey's own default is pickle, which runs whatever the storage hands it."""

    def _serialize(self, data: Message) -> bytes:
        fields = {k: v for k, v in data._asdict().items() if v is not None}
        return json.dumps(fields, default=datetime.isoformat).encode()

    def _deserialize(self, data: bytes) -> Message:
        fields = json.loads(data)
        for moment in ("eta", "expires_resolved"):
            if fields.get(moment):
                fields[moment] = datetime.fromisoformat(fields[moment])
        return Message(**{**fields, "args": tuple(fields.get("args", ()))})


class HueyQueue:
    """Two Huey queues, so that a sweep never waits behind a training.

    A process that only leaves word needs no handlers; a worker passes its own. A queue that cannot be reached is no
    error: what is left to do is in the registry, where the workers' next look-round finds it.
    """

    def __init__(self, storage: Callable[[str], Huey], handlers: Handlers | None = None) -> None:
        self.training = storage("training")
        self.upkeep = storage("upkeep")
        handlers = handlers or Handlers(_nobody_home, _nobody_home)

        # Huey names a task after the module of its function: functions of this module, so that all processes agree.
        def look_at(project: int, group: str) -> None:
            handlers.look_at(project, group)

        def sweep(project: int) -> None:
            handlers.sweep(project)

        self._look_at = self.training.task(name="look_at_group")(look_at)
        self._sweep = self.upkeep.task(name="sweep_project")(sweep)

    def look_at(self, project: int, group: str, delay: float = 0) -> None:
        """See Queue."""
        if delay > 0:
            _leave(lambda: self._look_at.schedule((project, group), delay=delay))
        else:
            _leave(lambda: self._look_at(project, group))

    def sweep(self, project: int) -> None:
        """See Queue."""
        _leave(lambda: self._sweep(project))

    def waiting(self) -> int:
        """See Queue."""
        return int(self.training.pending_count())


def open_storage(url: str, folder: Path) -> Callable[[str], Huey]:
    """Storage of the queue that a setting names: Redis, or where the URL is empty SQLite in `folder`."""
    return redis_storage(url) if url else sqlite_storage(folder)


def sqlite_storage(folder: Path) -> Callable[[str], Huey]:
    """Storage of the embedded queue: one SQLite file in `folder`, shared by server and worker."""

    def storage(name: str) -> Huey:
        return SqliteHuey(
            name, filename=str(folder / "queue.db"), results=False, serializer=JsonSerializer(), journal_mode="wal"
        )

    return storage


def redis_storage(url: str) -> Callable[[str], Huey]:
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
    from huey import RedisHuey

    # One retry: a connection that a restart cut is noticed when it is used. The URL's own options win.
    pool = redis.ConnectionPool.from_url(
        url, socket_connect_timeout=CONNECT_SECONDS, socket_timeout=ANSWER_SECONDS, retry=Retry(NoBackoff(), 1)
    )

    def storage(name: str) -> Huey:
        return RedisHuey(f"micro_models_{name}", results=False, serializer=JsonSerializer(), connection_pool=pool)

    return storage


def _leave(word: Callable[[], object]) -> None:
    """Leave word; each storage has errors of its own for being away."""
    try:
        word()
    except Exception as error:
        log.warning(
            "the queue is not reachable; the next look-round does without", why=f"{type(error).__name__}: {error}"
        )


def _nobody_home(*_: Any) -> None:
    raise RuntimeError("A process without handlers took a job: only `micro-models worker` may consume the queue.")
