"""Answering a smart tool: the one object that somebody points at while he labels."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import structlog

from backend.errors import ArtifactDamaged, MicroModelsError
from backend.loop.data.embeddings import Embeddings
from backend.loop.data.frames import MAX_SIDE
from backend.loop.data.grouping import group_of, order_of
from backend.loop.data.projects import current_versions, model_version, rule_of
from backend.loop.data.training_set import newest_labels
from backend.loop.services import Services
from backend.studio import prompts, tags
from backend.studio.events import TaskData
from backend.studio.prompts import Question
from backend.studio.task_data import value_at
from backend.types import Control, Frame, Head, LabeledFrame, Mask
from model_registry import ProjectRecord, TaskRecord, VersionRecord

if TYPE_CHECKING:
    from backend.learning.method import MicroModel
    from backend.learning.prompting.fallback_chain import PromptContext

Answer = dict[str, Any]
NEAREST_FRAMES = 2
"""Labelled frames that an object is looked for in: the nearest in time on either side."""

log = structlog.get_logger(__name__)


def no_object() -> Answer:
    """The answer that changes nothing in the editor."""
    return {"result": [], "score": 0.0}


class Prompter:
    """Answers prompts, one at a time: an annotator waits, and more threads than cores make all wait."""

    def __init__(self, services: Services, load: Callable[[VersionRecord], "MicroModel"], slot: threading.Lock) -> None:
        """`load` gives a version's micro-model; `slot` is held while one computes."""
        self._services, self._load, self._slot = services, load, slot
        self._embeddings = Embeddings(services)

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
        frame = self._frame(project, task, asked.control)
        size = (frame.width, frame.height)
        prompt = prompts.prompt(asked, size)
        if prompt is None:
            log.info("a prompt has no answer", project=project.id, task=task.id, why="it lies outside of the image")
            return None
        from backend.learning.prompting import fallback_chain  # torch: not before the first prompt needs it

        group = group_of(task.id, task.data, rule_of(self._services, project))[0]
        with self._slot:
            model = self._model(project, group, asked.control)
            wanted = fallback_chain.PromptContext(
                head=asked.control.head,
                label=asked.label,
                whole=tags.is_one_outline(asked.control),
                model=model,
                predicted=self._predicted(project, asked, frame) if model else None,
                points=self._model(project, group, asked.points) if asked.points else None,
                # Where a micro-model knows the group, what it learnt from is not read again.
                labeled=() if model else self._near(project, group, frame, asked.control),
                backbone=self._services.settings.backbone,
            )
            found = fallback_chain.answer(frame, prompt, self._with_sam(wanted, project, task, asked.control))
        if found is None:
            log.info("a prompt has no answer", project=project.id, task=task.id, why="nothing stands out there")
            return None
        result = prompts.write(asked, found.instance, size, found.who)
        version = model_version(self._services, project)
        return {"result": result, "score": found.instance.score, "model_version": version}

    def _with_sam(
        self, wanted: "PromptContext", project: ProjectRecord, task: TaskData, control: Control
    ) -> "PromptContext":
        """With segment-anything, where a checkpoint is set and this frame has its embedding already."""
        sam = self._embeddings.decoder()
        if sam is None:
            return wanted
        url = str(value_at(task.data, control.media_field) or "")
        stamp = self._services.media(project).stamp(url)
        return replace(wanted, sam=sam, embedding=self._embeddings.find(url, stamp))

    def _frame(self, project: ProjectRecord, task: TaskData | TaskRecord, control: Control) -> Frame:
        """The image of a task; raises MediaError where it cannot be had."""
        url = str(value_at(task.data, control.media_field) or "")
        image, size = self._services.media(project).image(url, task.id, MAX_SIDE)
        return Frame(task.id, image, *size, order_of(task.data))

    def _model(self, project: ProjectRecord, group: str, control: Control) -> "MicroModel | None":
        """The group's micro-model of a control; None where there is none, or its weights cannot be had."""
        for other, version, _ in current_versions(self._services, project, group):
            if other.from_name == control.from_name:
                try:
                    return self._load(version)
                except ArtifactDamaged as error:
                    log.warning("a prompt is answered without the micro-model", group=group, why=str(error))
        return None

    def _predicted(self, project: ProjectRecord, asked: Question, frame: Frame) -> Mask | None:
        """Where the label is in what was last predicted for the frame; None where that was nothing."""
        entry = self._services.registry.ledger.latest(project.id, [frame.task]).get(frame.task)
        if entry is None or asked.control.head is not Head.SEGMENTATION:
            return None
        read = tags.for_control(asked.control).read(entry.result, asked.control, (frame.width, frame.height))
        masks = [one.mask for one in read.instances if one.label == asked.label and one.mask is not None]
        return np.asarray(np.logical_or.reduce(masks)) if masks else np.zeros((frame.height, frame.width), np.bool_)

    def _near(self, project: ProjectRecord, group: str, frame: Frame, control: Control) -> list[LabeledFrame]:
        """The nearest labelled frames before and after this one, where the group has an order in time."""
        if frame.order is None:
            return []
        registry = self._services.registry
        labels = newest_labels(registry.labels.of_group(project.id, group))
        placed = [(t, order_of(t.data)) for t in registry.tasks.of_group(project.id, group) if t.id in labels]
        apart = sorted(
            ((abs(at - frame.order), t.id, t) for t, at in placed if at is not None and t.id != frame.task),
            key=lambda one: one[:2],
        )
        chosen = [t for _, _, t in apart[:NEAREST_FRAMES]]
        return [one for t in chosen if (one := self._labeled(project, t, labels[t.id].result, control)) is not None]

    def _labeled(
        self, project: ProjectRecord, task: TaskRecord, result: Sequence[Mapping[str, Any]], control: Control
    ) -> LabeledFrame | None:
        try:
            frame = self._frame(project, task, control)
        except MicroModelsError as error:
            log.info("a prompt is answered without a labelled frame", task=task.id, why=str(error))
            return None
        read = tags.for_control(control).read(result, control, (frame.width, frame.height))
        return LabeledFrame(frame, read.instances)
