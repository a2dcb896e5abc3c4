"""The loop's rooms for tests: a real registry, media on disk, a queue that only remembers, a Label Studio in memory."""

import io
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image

from backend.cancel import CancelSource
from backend.errors import StudioMissing
from backend.loop.events.on_event import on_event
from backend.loop.group_work import GroupWorker
from backend.loop.services import Services, make_services
from backend.settings import Settings
from backend.studio import events
from backend.studio.task_list import TaskList
from model_registry import open_registry
from model_registry.database import open_database
from tests.untrained import EyeForColour, glance, teach

__all__ = ["EyeForColour", "glance", "teach"]

CONFIG = (
    '<View><Image name="image" value="$image"/>'
    '<RectangleLabels name="label" toName="image"><Label value="square"/><Label value="disc"/></RectangleLabels></View>'
)
BACKEND = {"id": 1, "url": "http://backend.test:9090", "title": "micro-models"}
"""The row of this backend in Label Studio's list."""


@dataclass
class FakeStudio:
    """As much of `backend.studio.client.Studio` as the loop calls, over dictionaries."""

    projects: dict[int, dict[str, Any]] = field(default_factory=dict)
    rows: dict[int, dict[str, Any]] = field(default_factory=dict)
    predictions: dict[int, dict[str, Any]] = field(default_factory=dict)
    rows_of_backends: list[dict[str, Any]] = field(default_factory=lambda: [dict(BACKEND)])
    tabs: list[dict[str, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1000))

    def lists_project(self, project: int) -> bool:
        return project in self.projects

    def project(self, project: int) -> dict[str, Any]:
        if project not in self.projects:
            raise StudioMissing(f"project {project}")
        return self.projects[project]

    def backends(self, project: int) -> list[dict[str, Any]]:
        return self.rows_of_backends

    def webhooks(self, project: int) -> list[dict[str, Any]]:
        return []

    def views(self, project: int) -> list[dict[str, Any]]:
        return self.tabs

    def listed(self) -> list[dict[str, Any]]:
        """What the listings show."""
        return sorted(self.rows.values(), key=lambda row: int(row["id"]))

    def tasks(self, project: int) -> TaskList:
        def page_after(last: int) -> dict[str, Any]:
            rows = [row for row in self.listed() if row["project"] == project and row["id"] > last]
            return {"tasks": rows[:100], "total": len(rows)}

        return TaskList(project, 100, page_after)

    def existing_tasks(self, project: int, tasks: Iterable[int]) -> set[int]:
        return {row["id"] for row in self.listed() if row["project"] == project} & set(tasks)

    def has_task(self, project: int, task: int) -> bool:
        return task in self.rows and self.rows[task]["project"] == project

    def has_annotation(self, project: int, annotation: int) -> bool:
        mine = [row for row in self.rows.values() if row["project"] == project]
        return any(one["id"] == annotation for row in mine for one in row["annotations"])

    def has_prediction(self, project: int, task: int, model_version: str) -> bool:
        return any((p["task"], p["model_version"]) == (task, model_version) for p in self.predictions.values())

    def predictions_of(self, project: int, tasks: Sequence[int], model_version: str) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for number, item in self.predictions.items():
            if item["task"] in tasks and item["model_version"] == model_version:
                found.setdefault(item["task"], []).append(number)
        return found

    def import_predictions(self, project: int, items: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        self.calls.append(f"import {len(items)}")
        self.predictions.update({next(self.ids): dict(item) for item in items})
        return []

    def update_predictions(self, items: Mapping[int, Mapping[str, Any]]) -> list[int]:
        self.calls.append(f"update {len(items)}")
        for number, item in items.items():
            self.predictions[number] |= item
        return []


@dataclass
class Words:
    """A queue that remembers what was left in it."""

    groups: list[tuple[int, str]] = field(default_factory=list)
    projects: list[int] = field(default_factory=list)

    def enqueue_group(self, project: int, group: str, delay: float = 0) -> None:
        self.groups.append((project, group))

    def waiting(self) -> int:
        return len(self.groups)

    def enqueue_sweep(self, project: int) -> None:
        self.projects.append(project)


@cache
def blank_registry() -> bytes:
    """A registry file without content: to copy it takes 0.01 s, to migrate a new one for each of 1,100 tests 0.1 s."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "registry.db"
        open_database(f"sqlite:///{file}").close()
        return file.read_bytes()


class House:
    """A project or several with one task a frame, driven as Label Studio's webhooks drive it."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.media = folder / "media"
        self.media.mkdir()
        self.now = 1000.0
        self.studio = FakeStudio()
        self.queue = Words()
        self.settings = Settings(
            data_dir=folder / "data", document_root=self.media, label_studio_url="http://studio.test",
            label_studio_api_key="key", quiet_seconds=0, device="cpu", allowed_hosts=("testserver",), **settings,
        )  # fmt: skip
        file = self.settings.folder / "registry.db"
        if not self.settings.database_url and not file.exists():
            file.touch(mode=0o600)
            file.write_bytes(blank_registry())
        self.registry = open_registry(self.settings.database, self.settings.artifacts, clock=self.clock)
        self.services: Services = make_services(
            self.settings,
            self.registry,
            self.queue,
            self.clock,
            lambda url, key: self.studio,  # type: ignore[arg-type]
        )
        self.stop = CancelSource()
        self.worker = GroupWorker(self.services, "worker", self.stop)

    def clock(self) -> float:
        self.now += 0.001
        return self.now

    def add_project(self, project: int = 1, config: str = CONFIG) -> None:
        self.studio.projects[project] = {
            "id": project,
            "label_config": config,
            "title": f"P{project}",
            "model_version": "micro-models",
        }
        self.registry.projects.seen(project)

    def add_task(
        self, task: int, project: int = 1, *, video: str | None = "clip", image: bytes | None = None, **data: Any
    ) -> None:
        """A task whose frame shows a bright square at `square_of(task)`."""
        path = self.media / f"{task}.png"
        path.write_bytes(picture(task) if image is None else image)
        fields = {
            "image": f"/data/local-files/?d={path.name}",
            "frame": task,
            **({"video": video} if video else {}),
            **data,
        }
        self.studio.rows[task] = {"id": task, "project": project, "data": fields, "annotations": []}
        self.send("TASKS_CREATED", project, tasks=[{"id": task, "data": fields}])

    def label(
        self, task: int, result: list[dict[str, Any]] | None = None, action: str = "ANNOTATION_CREATED", **fields: Any
    ) -> int:
        """Submit an annotation (or update the task's last one): into Label Studio, and by webhook."""
        row = self.studio.rows[task]
        self.now += 1
        number = row["annotations"][-1]["id"] if action == "ANNOTATION_UPDATED" else next(self.studio.ids)
        annotation = {"id": number, "task": task, "result": box_of(task) if result is None else result, "was_cancelled": False,
                      "updated_at": _iso(self.now), "ground_truth": False, **fields}  # fmt: skip
        row["annotations"] = [a for a in row["annotations"] if a["id"] != number] + [annotation]
        self.send(action, row["project"], annotation=annotation, task={"id": task, "data": row["data"]})
        return number

    def send(self, action: str, project: int = 1, **payload: Any) -> str:
        """A webhook."""
        row = {"id": project, "label_config": self.studio.projects[project]["label_config"]}
        return on_event(self.services, events.parse({"action": action, "project": row, **payload}))

    def work(self, rounds: int = 10) -> None:
        """Do what is left to do, as a worker would."""
        for _ in range(rounds):
            pending = self.registry.groups.pending(self.now)
            if not pending:
                return
            for group in pending:
                self.worker.run_group(group.project, group.name)

    def shown(self) -> dict[int, list[dict[str, Any]]]:
        """{task: its predictions}"""
        found: dict[int, list[dict[str, Any]]] = {}
        for item in self.studio.predictions.values():
            found.setdefault(item["task"], []).append(item)
        return found


def picture(task: int) -> bytes:
    """A task's frame as PNG, 64 x 48: a bright square where `square_of` says."""
    pixels = np.full((48, 64, 3), 40, np.uint8)
    x0, y0, x1, y1 = square_of(task)
    pixels[y0:y1, x0:x1] = (250, 200, 60)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def square_of(task: int) -> tuple[int, int, int, int]:
    """(x0, y0, x1, y1) of the square in a task's frame, pixels."""
    x, y = 4 + 3 * (task % 12), 6 + 2 * (task % 9)
    return x, y, x + 14, y + 12


def box_of(task: int, label: str = "square", region: str | None = None) -> list[dict[str, Any]]:
    """The annotation result that a person would draw on a task's frame."""
    x0, y0, x1, y1 = square_of(task)
    value = {
        "x": x0 / 0.64,
        "y": y0 / 0.48,
        "width": (x1 - x0) / 0.64,
        "height": (y1 - y0) / 0.48,
        "rotation": 0,
        "rectanglelabels": [label],
    }
    item = {
        "id": region or f"r{task}",
        "from_name": "label",
        "to_name": "image",
        "type": "rectanglelabels",
        "original_width": 64,
        "original_height": 48,
        "image_rotation": 0,
        "value": value,
        "origin": "manual",
    }
    return [item]


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
