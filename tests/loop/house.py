"""The loop's rooms for tests: a real registry, media on disk, a queue that only remembers, a Label Studio in memory."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backend.errors import StudioMissing
from backend.learning.training import Trained
from backend.loop.group_work import GroupWorker
from backend.loop.on_event import on_event
from backend.loop.services import Services, make_services
from backend.settings import Settings
from backend.studio import events
from backend.types import Frame, Instance, LabeledFrame, Prediction, Progress, Weights
from model_registry import open_registry

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

    def tasks(self, project: int) -> Iterator[dict[str, Any]]:
        return iter([row for row in self.rows.values() if row["project"] == project])

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

    def look_at(self, project: int, group: str, delay: float = 0) -> None:
        self.groups.append((project, group))

    def waiting(self) -> int:
        return len(self.groups)

    def sweep(self, project: int) -> None:
        self.projects.append(project)


@dataclass(frozen=True)
class EyeForColour:
    """A micro-model that finds the bright square, and calls it by the first label it was taught."""

    weights: Weights
    nbytes: int = 1

    def predict(
        self, frames: Iterable[Frame], labeled: Sequence[LabeledFrame] = (), parents: object = None
    ) -> list[Prediction]:
        return [Prediction(f.task, self._look(f), 0.9) for f in frames]

    def _look(self, frame: Frame) -> tuple[Instance, ...]:
        ys, xs = np.nonzero(frame.image[..., 0] > 128)
        if not len(xs):
            return ()
        box = (float(xs.min()), float(ys.min()), float(xs.max() + 1), float(ys.max() + 1))
        return (Instance(self.weights.metadata["label"], box, 0.9),)


def teach(
    labeled: Sequence[LabeledFrame], unlabeled: Sequence[Frame], labels: tuple[str, ...], recipe: object, *,
    progress: Callable[[Progress], None], **_: Any,
) -> Trained:  # fmt: skip
    """Trains an EyeForColour."""
    progress(Progress(0.5, 1.0))
    seen = [i.label for f in labeled for i in f.instances]
    weights = Weights({"w": np.zeros(3, np.float32)}, {"label": seen[0] if seen else labels[0]})
    return Trained(weights, {"loss": 0.1}, 0.01)


def glance(frame: Frame) -> NDArray[np.float16]:
    """Stands in for the backbone's features: the mean of each quarter."""
    h, w = frame.image.shape[0] // 2, frame.image.shape[1] // 2
    return np.array([frame.image[y : y + h, x : x + w].mean() for y in (0, h) for x in (0, w)], np.float16)


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
            label_studio_api_key="key", quiet_seconds=0, device="cpu", **settings,
        )  # fmt: skip
        self.registry = open_registry(self.settings.database, self.settings.artifacts, clock=self.clock)
        self.services: Services = make_services(
            self.settings,
            self.registry,
            self.queue,
            self.clock,
            lambda url, key: self.studio,  # type: ignore[arg-type]
        )
        self.stop = Event()
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

    def add_task(
        self, task: int, project: int = 1, *, video: str | None = "clip", image: bytes | None = None, **data: Any
    ) -> None:
        """A task whose frame shows a bright square at `square_of(task)`."""
        path = self.media / f"{task}.png"
        if image is None:
            picture = np.full((48, 64, 3), 40, np.uint8)
            x0, y0, x1, y1 = square_of(task)
            picture[y0:y1, x0:x1] = (250, 200, 60)
            Image.fromarray(picture).save(path)
        else:
            path.write_bytes(image)
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
                self.worker.look_at(group.project, group.name)

    def shown(self) -> dict[int, list[dict[str, Any]]]:
        """{task: its predictions}"""
        found: dict[int, list[dict[str, Any]]] = {}
        for item in self.studio.predictions.values():
            found.setdefault(item["task"], []).append(item)
        return found


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
