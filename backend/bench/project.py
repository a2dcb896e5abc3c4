"""A project with the product's own loop, registry and worker, but no Label Studio: tasks and labels come as its events do."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

from pydantic import SecretStr

from backend.bench.scenario import Scenario
from backend.cancel import CancelSource
from backend.demo.data_set import DataSet
from backend.errors import FigureError
from backend.loop.data.grouping import GroupRule, group_of
from backend.loop.events.on_event import on_event
from backend.loop.group_work import GroupWorker
from backend.loop.services import make_services
from backend.settings import Settings
from backend.studio.events import Annotation, LabelsChanged, TaskData, TasksCreated
from model_registry import LedgerEntry, ReviewSummary, open_registry

PROJECT = 1
SEED_STEP = 1000
"""From one seed to the next: no project of a benchmark has so many versions."""


class Project(AbstractContextManager["Project"]):
    """One project of one or more data sets. Each is a group of its own, or all of them together are one."""

    def __init__(
        self,
        data_sets: Sequence[DataSet],
        scenario: Scenario,
        settings: Settings,
        folder: Path,
        *,
        seed: int,
        together: bool,
    ) -> None:
        self._scenario = scenario
        settings = _alone(settings, folder)
        registry = open_registry(settings.database, settings.artifacts)
        services = make_services(settings, registry, _NoQueue(), registry.clock)
        self._services = replace(services, seed=SEED_STEP * seed)
        self._worker = GroupWorker(self._services, "bench", CancelSource())
        tasks = _tasks(data_sets, together)
        self._data = {task.id: task for one in tasks for task in one}
        self.tasks = tuple(tuple(task.id for task in one) for one in tasks)
        """Of each data set, the tasks of its frames, in order."""
        rule = GroupRule(None, "")
        self._groups = tuple(dict.fromkeys(group_of(task.id, task.data, rule)[0] for task in self._data.values()))
        on_event(self._services, TasksCreated(PROJECT, scenario.config, tuple(self._data.values())), vouched=True)
        self._annotations = 0

    def submit(self, task: int, result: list[dict[str, Any]], shown: LedgerEntry | None) -> None:
        """An annotation, made from a prediction or from nothing."""
        self._annotations += 1
        now = self._services.clock()
        details: dict[str, Any] = {"created_at": datetime.fromtimestamp(now, UTC).isoformat()}
        if shown is not None:
            details["parent_prediction"] = 1
        label = Annotation(self._annotations, task, result, skipped=False, updated_at=now, details=details)
        on_event(self._services, LabelsChanged(PROJECT, self._scenario.config, (label,), (self._data[task],)))

    def work(self) -> float:
        """Train what is to be trained and publish; seconds until the predictions were there, 0 where none was due.

        Raises FigureError with the reason where a group cannot be trained.
        """
        registry, began = self._services.registry, self._services.clock()
        for name in self._groups:
            self._worker.run_group(PROJECT, name)
            done = registry.groups.get(PROJECT, name)
            if done is not None and done.state(self._services.clock()) != "idle":
                raise FigureError(f"Group {name!r} could not be trained: {done.reason}.")
        published = [entry.published_at for entry in registry.ledger.latest(PROJECT, self._data).values()]
        return max(max(published, default=began) - began, 0.0)

    def predictions(self, tasks: Sequence[int]) -> Mapping[int, LedgerEntry]:
        """{task: what was published for it last}"""
        return self._services.registry.ledger.latest(PROJECT, tasks)

    def reviews(self) -> list[ReviewSummary]:
        """What the product itself counted."""
        return self._services.registry.reviews.summaries(PROJECT)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._services.registry.close()


class _NoQueue:
    """Words go nowhere: the benchmark itself says when to work."""

    def enqueue_group(self, project: int, group: str, delay: float = 0) -> None:
        """Nothing."""

    def enqueue_sweep(self, project: int) -> None:
        """Nothing."""

    def waiting(self) -> int:
        """None."""
        return 0


def _alone(settings: Settings, folder: Path) -> Settings:
    """What says how to train as it is; all else so that nothing outside of `folder` is touched but the frames."""
    kept = ("device", "threads", "effort", "backbone", "frame_cache_mb")
    return Settings(
        data_dir=folder, database_url="", artifacts_url="", queue_url="", label_studio_url="",
        label_studio_api_key=SecretStr(""), document_root=Path("/"), group_by="", training="auto", min_labels=1,
        quiet_seconds=0, patience_seconds=0, **{name: getattr(settings, name) for name in kept},
    )  # fmt: skip


def _tasks(data_sets: Sequence[DataSet], together: bool) -> list[list[TaskData]]:
    """One task a frame; time goes on from one data set to the next where they are one group."""
    found, last, start = list[list[TaskData]](), 0, 0
    for one in data_sets:
        tasks = []
        for frame in one.frames:
            last += 1
            url = f"/data/local-files/?d={quote(str(frame.path.resolve()).lstrip('/'))}"
            group = {} if together else {"video": one.name}
            tasks.append(TaskData(last, {"image": url, "frame": start + frame.number, **group}))
        found.append(tasks)
        start += one.frames[-1].number + 1 if together else 0
    return found
