"""Answering a smart tool: the one object that somebody points at while he labels."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import structlog

from backend.cancel import until
from backend.errors import ArtifactDamaged, MicroModelsError
from backend.learning.prompting.click_memory import ClickMemory
from backend.loop.data.embeddings import Embeddings
from backend.loop.data.grouping import group_of
from backend.loop.data.projects import current_versions, model_version, rule_of
from backend.loop.predict.prompt_scene import scene_of
from backend.loop.services import Services
from backend.studio import prompts, tags
from backend.studio.events import TaskData
from backend.types import Control, Frame, Prompt
from model_registry import ProjectRecord, VersionRecord

if TYPE_CHECKING:
    from backend.learning.method import MicroModel
    from backend.learning.prompting.fallback_chain import PromptContext

Answer = dict[str, Any]

log = structlog.get_logger(__name__)


def no_object() -> Answer:
    """The answer that changes nothing in the editor."""
    return {"result": [], "score": 0.0}


class Prompter:
    """Answers prompts, one at a time: an annotator waits, and more threads than cores make all wait."""

    def __init__(
        self,
        services: Services,
        load: Callable[[VersionRecord], "MicroModel"],
        slot: threading.Lock,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`load` gives a version's micro-model; `slot` is held while one computes, and while nothing else is waited for."""
        self._services, self._load, self._slot, self._clock = services, load, slot, clock
        self._embeddings, self._clicks = Embeddings(services), ClickMemory()
        self._warm = threading.Lock()
        """Held from the first warm-up on."""

    def warm_up(self, xml: str) -> None:
        """Load in the background what the first prompt would wait for, once, where a labeling config has smart tools."""
        if prompts.smart_tools(xml) and self._warm.acquire(blocking=False):
            threading.Thread(target=self._load_backbone, name="warm-up", daemon=True).start()

    def _load_backbone(self) -> None:
        frame = Frame(0, np.zeros((64, 64, 3), np.uint8), 64, 64)
        with self._slot:
            from backend.learning.prompting import segment  # torch: not before somebody may need it

            segment.segment(frame, Prompt(box=(16, 16, 48, 48)), self._services.settings.backbone)

    def answer(self, project_id: int, task: TaskData | None, context: Mapping[str, Any], config: str | None) -> Answer:
        """One object, or none where it cannot be told; why is in the log. Nothing is ever raised: the editor shows
        an error to the annotator, who can do nothing about it."""
        try:
            project = self._services.registry.projects.get(project_id)
            if project is None or task is None:
                return no_object()
            return self._answer(project, task, context, config or project.config) or no_object()
        except MicroModelsError as error:
            log.warning("a prompt has no answer", project=project_id, task=task and task.id, why=str(error))
        except Exception:
            log.exception("a prompt has no answer", project=project_id, task=task and task.id)
        return no_object()

    def _answer(self, project: ProjectRecord, task: TaskData, context: Mapping[str, Any], xml: str) -> Answer | None:
        asked = prompts.question(context, xml, self._services.parse_config(xml))
        if asked is None:
            return None
        seconds = self._services.settings.predict_seconds
        over = until(self._clock() + seconds, self._clock, f"the picture was not here within {seconds:.0f} s")
        scene = scene_of(self._services, project, task, asked, over)
        if scene.prompt is None:
            log.info("a prompt has no answer", project=project.id, task=task.id, why="it lies outside of the image")
            return None
        group = group_of(task.id, task.data, rule_of(self._services, project))[0]
        model = self._model(project, group, asked.control)
        points = self._model(project, group, asked.points) if asked.points else None
        # Where a micro-model knows the group, what it learnt from is not read again.
        predicted, labeled = (scene.predicted(), ()) if model else (None, tuple(scene.labeled(group)))
        with self._slot:  # and what the warm-up imports is imported whole
            from backend.learning.prompting import fallback_chain  # torch: not before the first prompt needs it

            wanted = fallback_chain.PromptContext(
                head=asked.control.head,
                label=asked.label,
                whole=tags.is_one_outline(asked.control),
                model=model,
                predicted=predicted,
                points=points,
                labeled=labeled,
                backbone=self._services.settings.backbone,
                memory=self._clicks,
            )
            found = fallback_chain.answer(scene.frame, scene.prompt, self._with_sam(wanted, project, scene.url))
        if found is None:
            log.info("a prompt has no answer", project=project.id, task=task.id, why="nothing stands out there")
            return None
        version = model_version(self._services, project)
        result = scene.write(found.instance, found.who)
        return {"result": result, "score": found.instance.score, "model_version": version}

    def _with_sam(self, wanted: "PromptContext", project: ProjectRecord, url: str | None) -> "PromptContext":
        """With segment-anything, where a checkpoint is set and the image at a URL has its embedding already."""
        sam = None if url is None else self._embeddings.decoder()
        if sam is None or url is None:
            return wanted
        stamp = self._services.media(project).stamp(url)
        return replace(wanted, sam=sam, embedding=self._embeddings.find(url, stamp))

    def _model(self, project: ProjectRecord, group: str, control: Control) -> "MicroModel | None":
        """The group's micro-model of a control; None where there is none, or its weights cannot be had."""
        for other, version, _ in current_versions(self._services, project, group):
            if other.from_name == control.from_name:
                try:
                    return self._load(version)
                except ArtifactDamaged as error:
                    log.warning("a prompt is answered without the micro-model", group=group, why=str(error))
        return None
