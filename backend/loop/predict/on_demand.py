"""Answering Label Studio when it asks for predictions while somebody labels."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import structlog

from backend.cancel import CancelToken, until
from backend.errors import ArtifactDamaged, MediaError, MicroModelsError
from backend.loop.data.frames import FrameStore
from backend.loop.data.grouping import group_of
from backend.loop.data.merge import merge
from backend.loop.data.pages import spread
from backend.loop.data.projects import configured, current_versions, model_version, rule_of
from backend.loop.data.training_set import TrainingSet
from backend.loop.data.weights import read_and_load
from backend.loop.predict.group_composition import ControlPredictor, GroupComposition
from backend.loop.predict.prompted import Prompter
from backend.loop.services import Services
from backend.studio.events import TaskData
from backend.types import Control, Media
from model_registry import ArtifactRef, LedgerEntry, ModelCache, ProjectRecord, TaskRecord, VersionRecord

if TYPE_CHECKING:
    from backend.learning.method import MicroModel

Current = Sequence[tuple[Control, VersionRecord, ArtifactRef]]
Answer = dict[str, Any]
"""What Label Studio takes as the prediction of one task: `result`, `score`, `model_version`."""
KEPT_MB = 64
"""Decoded frames of a task that are kept: the controls of a task look at the same ones. It may hold any number."""

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
        self.prompter = Prompter(services, self._model, self._slot, clock)

    def predict(
        self, project_id: int, tasks: Sequence[TaskData | None], config: str | None = None
    ) -> list[Answer | None]:
        """One answer for each task, in order; None for a task that cannot be served, and why is in the log.

        Tasks that the time budget does not reach get None too, and so does one whose images are not here by then: Label
        Studio may ask for them again. So do whole videos that were not published yet: looking at all their frames takes
        longer than Label Studio waits; the worker does it.
        """
        registry, seconds = self._services.registry, self._services.settings.predict_seconds
        deadline = self._clock() + seconds
        project = registry.projects.get(project_id)
        if project is None:  # only /setup makes one known
            return [None] * len(tasks)
        if config and config != project.config:
            project = configured(self._services, project_id, config)
        over = until(deadline, self._clock, f"its images were not all looked at within {seconds:.0f} s")
        known = registry.ledger.latest(project_id, [t.id for t in tasks if t])
        rule = rule_of(self._services, project)
        serving: dict[str, Current] = {}
        answers: list[Answer | None] = []
        for task in tasks:
            answer = None
            if task is not None and self._clock() <= deadline:
                group = group_of(task.id, task.data, rule)[0]
                if group not in serving:
                    serving[group] = self._current(project, group)
                try:
                    answer = self._answer(project, task, serving[group], known.get(task.id), over)
                except ArtifactDamaged:
                    serving[group] = self._current(project, group)  # what is left
                    with suppress(ArtifactDamaged):
                        answer = self._answer(project, task, serving[group], known.get(task.id), over)
            answers.append(answer)
        return answers

    def _answer(
        self, project: ProjectRecord, task: TaskData, versions: Current, entry: LedgerEntry | None, over: CancelToken
    ) -> Answer | None:
        """From the ledger where it is current, else what the versions say; raises ArtifactDamaged."""
        if entry and entry.versions == {control.from_name: version.id for control, version, _ in versions}:
            title = model_version(self._services, project)
            return {"result": entry.result, "score": entry.score, "model_version": title}
        if versions and all(control.media is Media.IMAGE for control, _, _ in versions):
            return self._once(project, task, versions, over)
        return None

    def _current(self, project: ProjectRecord, group: str) -> Current:
        """What can answer for a group; nothing while its predictions are about to be pushed: Label Studio stores what
        we answer, and would then hold two."""
        record = self._services.registry.groups.get(project.id, group)
        if record and record.published != record.trained and self._services.studio(project):
            return ()
        return current_versions(self._services, project, group)

    def _once(self, project: ProjectRecord, task: TaskData, versions: Current, over: CancelToken) -> Answer | None:
        """Predict a task, or wait for the one that already does so with the same versions; raises ArtifactDamaged."""
        key = (task.id, *(version.id for _, version, _ in versions))
        with self._lock:
            future, mine = self._running.get(key), False
            if future is None:
                future, mine = self._running.setdefault(key, Future()), True
        if mine:
            try:
                future.set_result(self._predict(project, task, versions, over))
            except Exception as error:
                future.set_exception(error)
            finally:
                with self._lock:
                    del self._running[key]
        try:
            return future.result()
        except ArtifactDamaged:
            raise
        except MicroModelsError as error:
            log.warning("no prediction", project=project.id, task=task.id, why=str(error))
        except Exception:
            log.exception("no prediction", project=project.id, task=task.id)
        return None

    def _predict(self, project: ProjectRecord, task: TaskData, versions: Current, over: CancelToken) -> Answer:
        frames = FrameStore(self._services.media(project), KEPT_MB, over)
        config, names = self._services.config(project), {control.from_name for control, _, _ in versions}
        wanted = [one for one in config.controls if one.from_name in names or one.masks_from]
        # What others may keep waiting for comes before the slot, for which everybody waits: images, and a store of weights.
        looks = {control.from_name: _look(project, task, control, frames) for control in wanted}
        some = [ControlPredictor(control, version.id, self._model(version)) for control, version, _ in versions]
        with self._slot:
            backbone = self._services.settings.backbone
            outputs, _ = GroupComposition(config, some, backbone, lambda control: looks[control.from_name]).said()
        one, title = merge(outputs)[task.id], model_version(self._services, project)
        # Label Studio stores it and shows it: when its annotation comes, it must be known what was shown.
        now = self._services.clock()
        entry = LedgerEntry(task.id, project.id, None, one.result, one.score, one.versions, title, now, one.score)
        self._services.registry.ledger.record(project.id, [entry])
        return {"result": one.result, "score": one.score, "model_version": title}

    def _model(self, version: VersionRecord) -> "MicroModel":
        """Not to be called with the slot held."""

        def load() -> "tuple[MicroModel, int]":
            with self._slot:  # what a warm-up imports meanwhile is imported whole
                from backend.learning import methods  # noqa: F401
                from backend.learning.network import threads
            threads.use_threads(self._services.settings.serve_threads)
            _, model = read_and_load(self._services, version)
            return model, model.nbytes

        return self._models.get(version.id, load)


def _look(project: ProjectRecord, task: TaskData, control: Control, frames: FrameStore) -> TrainingSet:
    """The images of one task that a control is drawn on; nothing is labelled there. Raises MediaError where one of them
    cannot be had."""
    pages = spread([TaskRecord(task.id, project.id, "", task.data)], control)
    found, problems = frames.select(pages, control.media_field)
    if problems:
        raise MediaError(next(iter(problems.values())))
    return TrainingSet(control, (), found, found.sizes)
