"""Answering Label Studio when it asks for predictions while somebody labels."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import structlog

from backend.errors import MicroModelsError
from backend.loop.frames import MAX_SIDE
from backend.loop.grouping import group_of, order_of
from backend.loop.projects import model_version, rule_of
from backend.loop.services import Services
from backend.loop.stitch import written
from backend.studio.events import TaskData
from backend.studio.labeling_config import control_fingerprint
from backend.types import Control, Frame
from model_registry import ModelCache, ProjectRecord, VersionRecord

if TYPE_CHECKING:
    from backend.learning.micro_model import MicroModel

Answer = dict[str, Any]
"""What Label Studio takes as the prediction of one task: `result`, `score`, `model_version`."""

log = structlog.get_logger(__name__)


class Predictor:
    """Predictions on demand: from the ledger where it is current, else by the group's serving versions.

    Loaded micro-models are shared by all requests; equal requests at the same time become one.
    """

    def __init__(self, services: Services, clock: Callable[[], float] = time.monotonic) -> None:
        self._services = services
        self._clock = clock
        self._models: ModelCache[MicroModel] = ModelCache(services.settings.model_cache_mb * 1_000_000)
        self._running: dict[tuple[Any, ...], Future[Answer]] = {}
        self._lock = threading.Lock()
        self._slot = threading.Lock()

    def predict(
        self, project_id: int, tasks: Sequence[TaskData | None], config: str | None = None
    ) -> list[Answer | None]:
        """One answer for each task, in order; None for a task that cannot be served, and why is in the log.

        Tasks that the time budget does not reach get None too: Label Studio may ask for them again.
        """
        registry, deadline = self._services.registry, self._clock() + self._services.settings.predict_seconds
        project = registry.projects.seen(project_id)
        if config and config != project.config:
            project = registry.projects.configure(project_id, config=config)
        known = registry.ledger.latest(project_id, [t.id for t in tasks if t])
        answers: list[Answer | None] = []
        serving: dict[str, dict[str, VersionRecord]] = {}
        rule = rule_of(self._services, project)
        for task in tasks:
            if task is None:
                answers.append(None)
                continue
            group = group_of(task.data, rule)[0]
            if group not in serving:
                serving[group] = self._current(project, group)
            versions, entry = serving[group], known.get(task.id)
            if not versions or self._clock() > deadline:
                answers.append(None)
            elif entry and entry.versions == {c: v.id for c, v in versions.items()}:
                answers.append(_answer(entry.result, entry.score, model_version(self._services, project)))
            else:
                answers.append(self._once(project, task, versions))
        return answers

    def _current(self, project: ProjectRecord, group: str) -> dict[str, VersionRecord]:
        """{control: serving version} of a group, without those that the labeling config has made stale."""
        serving = self._services.registry.versions.serving(project.id, group)
        controls = {c.from_name: c for c in self._controls(project)}
        return {
            name: version
            for name, version in serving.items()
            if name in controls and version.artifact and version.fingerprint == control_fingerprint(controls[name])
        }

    def _controls(self, project: ProjectRecord) -> Sequence[Control]:
        try:
            return self._services.config(project).controls
        except MicroModelsError as error:
            log.warning("labeling config not usable", project=project.id, why=str(error))
            return ()

    def _once(self, project: ProjectRecord, task: TaskData, versions: Mapping[str, VersionRecord]) -> Answer | None:
        """Predict a task, or wait for the one that already does so with the same versions."""
        key = (task.id, *sorted(v.id for v in versions.values()))
        with self._lock:
            future, mine = self._running.get(key), False
            if future is None:
                future, mine = self._running.setdefault(key, Future()), True
        if mine:
            try:
                future.set_result(self._predict(project, task, versions))
            except Exception as error:
                future.set_exception(error)
            finally:
                with self._lock:
                    del self._running[key]
        try:
            return future.result()
        except MicroModelsError as error:
            log.warning("no prediction", project=project.id, task=task.id, why=str(error))
        except Exception:
            log.exception("no prediction", project=project.id, task=task.id)
        return None

    def _predict(self, project: ProjectRecord, task: TaskData, versions: Mapping[str, VersionRecord]) -> Answer:
        media, result, score = self._services.media(project), list[Any](), 1.0
        for control in self._controls(project):
            if control.from_name not in versions:
                continue
            image, (width, height) = media.image(str(task.data.get(control.media_field) or ""), task.id, MAX_SIDE)
            frame = Frame(task.id, image, width, height, order_of(task.data))
            with self._slot:
                prediction = self._model(versions[control.from_name]).predict([frame])[0]
            result += written(control, prediction, (width, height))
            score = min(score, prediction.score)
        return _answer(result, score, model_version(self._services, project))

    def _model(self, version: VersionRecord) -> "MicroModel":
        from backend.learning import micro_model, threads  # torch: not before the first prediction needs it

        settings, artifacts = self._services.settings, self._services.registry.artifacts

        def load() -> "tuple[MicroModel, int]":
            threads.use_threads(settings.serve_threads)
            model = micro_model.load(artifacts.read(version.artifact), settings.device)  # type: ignore[arg-type]
            return model, model.nbytes

        return self._models.get(version.id, load)


def _answer(result: list[Any], score: float, version: str) -> Answer:
    return {"result": result, "score": score, "model_version": version}
