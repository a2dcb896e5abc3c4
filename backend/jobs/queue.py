"""What the loop needs of a queue, and the one built on Huey."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from huey import SqliteHuey
from huey.api import Huey
from huey.registry import Message
from huey.serializer import Serializer


class Queue(Protocol):
    """Where the loop leaves word of work. Calls return at once; the same word may be left many times."""

    def look_at(self, project: int, group: str, delay: float = 0) -> None:
        """Have a worker look at a group, `delay` seconds from now: it trains, publishes, or finds nothing to do."""

    def sweep(self, project: int) -> None:
        """Have a worker compare a project with Label Studio and repair what differs."""


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

    A process that only leaves word needs no handlers; a worker passes its own.
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
            self._look_at.schedule((project, group), delay=delay)
        else:
            self._look_at(project, group)

    def sweep(self, project: int) -> None:
        """See Queue."""
        self._sweep(project)


def sqlite_storage(folder: Path) -> Callable[[str], Huey]:
    """Storage of the embedded queue: one SQLite file in `folder`, shared by server and worker."""

    def storage(name: str) -> Huey:
        return SqliteHuey(
            name, filename=str(folder / "queue.db"), results=False, serializer=JsonSerializer(), journal_mode="wal"
        )

    return storage


def _nobody_home(*_: Any) -> None:
    raise RuntimeError("A process without handlers took a job: only `micro-models worker` may consume the queue.")
