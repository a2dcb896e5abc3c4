"""A Label Studio in memory that may lie, to a process that may die."""

import copy
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

from backend.errors import StudioMissing, StudioUnreachable
from backend.studio.task_list import TaskList
from tests.loop.house import FakeStudio

Lie = Literal["", "empty", "half", "missing", "away", "old"]
LIES: tuple[Lie, ...] = ("empty", "half", "missing", "away", "old")


class Killed(BaseException):
    """The process is gone: nothing catches this."""


class Fuse:
    """Ends the process at one of its next effects on the world: a write transaction, or a write to Label Studio."""

    def __init__(self) -> None:
        self.left: int | None = None
        """Effects that still happen."""
        self.done = True
        """Whether the last effect happens, or is cut in the middle."""
        self.dead = False

    @contextmanager
    def effect(self) -> Iterator[Callable[[], None]]:
        """One effect; its body calls what is yielded where it would be cut."""
        if self.dead:
            raise Killed
        strikes = self.left == 0
        self.left = None if self.left is None or strikes else self.left - 1

        def cut() -> None:
            if strikes and not self.done:
                self.dead = True
                raise Killed

        yield cut
        if strikes:
            self.dead = True
            raise Killed


class Studio(FakeStudio):
    """A Label Studio that may lie, and whose caller may die."""

    lie: Lie = ""
    fuse: Fuse
    happened: Counter[str]
    snapshot: Mapping[int, dict[str, Any]] = {}

    def listed(self) -> list[dict[str, Any]]:
        rows = sorted(self._seen.values(), key=lambda row: int(row["id"]))
        return copy.deepcopy(self._part(rows))

    def lists_project(self, project: int) -> bool:
        self._answers()
        return super().lists_project(project)

    def project(self, project: int) -> dict[str, Any]:
        self._answers()
        return super().project(project)

    def backends(self, project: int) -> list[dict[str, Any]]:
        self._answers()
        return super().backends(project)

    def tasks(self, project: int) -> TaskList:
        self._answers()
        return super().tasks(project)

    def existing_tasks(self, project: int, tasks: Iterable[int]) -> set[int]:
        self._answers()
        return super().existing_tasks(project, tasks)

    def has_task(self, project: int, task: int) -> bool:
        self._answers()
        return task in self._seen and self._seen[task]["project"] == project

    def has_annotation(self, project: int, annotation: int) -> bool:
        self._answers()
        mine = [row for row in self._seen.values() if row["project"] == project]
        return any(one["id"] == annotation for row in mine for one in row["annotations"])

    def has_prediction(self, project: int, task: int, model_version: str) -> bool:
        self._answers()
        return super().has_prediction(project, task, model_version)

    def predictions_of(self, project: int, tasks: Sequence[int], model_version: str) -> dict[int, list[int]]:
        self._answers()
        found = super().predictions_of(project, tasks, model_version)
        return {task: found[task] for task in self._part(sorted(found))}

    def import_predictions(self, project: int, items: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        self._answers()
        there = [item for item in items if item["task"] in self.rows]
        with self.fuse.effect() as cut:
            cut()
            super().import_predictions(project, there)
        return [item for item in items if item["task"] not in self.rows]

    def update_predictions(self, items: Mapping[int, Mapping[str, Any]]) -> list[int]:
        self._answers()
        there = {number: item for number, item in items.items() if number in self.predictions}
        with self.fuse.effect() as cut:
            cut()
            super().update_predictions(there)
        return [number for number in items if number not in there]

    @property
    def _seen(self) -> Mapping[int, dict[str, Any]]:
        return self.snapshot if self.lie == "old" else self.rows

    def _answers(self) -> None:
        if self.fuse.dead:
            raise Killed
        self.happened[f"Label Studio lies: {self.lie}"] += bool(self.lie)
        if self.lie == "missing":
            raise StudioMissing("404 of whatever sits there")
        if self.lie == "away":
            raise StudioUnreachable("no answer")

    def _part(self, rows: list[Any]) -> list[Any]:
        return rows[: {"empty": 0, "half": len(rows) // 2}.get(self.lie, len(rows))]
