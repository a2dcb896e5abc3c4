"""What a smart tool was drawn on: the image of a task, one of its images, or a frame of its video."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

import structlog

from backend.cancel import NEVER, CancelToken
from backend.errors import MediaError, MicroModelsError, TrainingInterrupted
from backend.loop.data.frames import MAX_SIDE
from backend.loop.data.grouping import order_of
from backend.loop.data.pages import images_of, indexed, number_of, result_of, spread, task_of
from backend.loop.data.training_set import newest_labels
from backend.loop.data.video_frames import Clips
from backend.loop.services import Services
from backend.studio import prompts, tags, video_prompts
from backend.studio.events import TaskData
from backend.studio.prompts import Question, Result
from backend.studio.task_data import value_at
from backend.tracks import Track, instances_at
from backend.types import Frame, Instance, LabeledFrame, Media, Prompt
from model_registry import ProjectRecord, TaskRecord

NEAREST_FRAMES = 2
"""Labelled frames that an object is looked for in: the nearest in time on either side."""

log = structlog.get_logger(__name__)


class Scene(Protocol):
    """A picture that somebody points into; making one raises MediaError where it cannot be had."""

    frame: Frame
    url: str | None
    """Address of the picture; None where it is a part of something else."""
    prompt: Prompt | None
    """What was drawn; None where nothing usable was drawn in the picture."""

    def predicted(self) -> Sequence[Instance] | None:
        """What was last predicted there; None where nothing was yet."""
        ...

    def labeled(self, group: str) -> Iterator[LabeledFrame]:
        """The nearest labelled frames in time; none where the group has no order."""
        ...

    def write(self, instance: Instance, who: str) -> Result:
        """The one object as the editor takes it."""
        ...


def scene_of(
    services: Services, project: ProjectRecord, task: TaskData, asked: Question, cancel: CancelToken = NEVER
) -> Scene:
    """What was drawn on; raises MediaError where it cannot be had. What `cancel` raises while it is fetched passes through."""
    kind = _VideoScene if asked.control.media is Media.VIDEO else _ImageScene
    return kind(services, project, task, asked, cancel)


class _ImageScene:
    """The image of a task, or one of several."""

    def __init__(
        self, services: Services, project: ProjectRecord, task: TaskData, asked: Question, cancel: CancelToken
    ) -> None:
        self._services, self._project, self._task, self._asked = services, project, task, asked
        self._cancel = cancel
        urls = images_of(task.data, asked.control)
        if asked.place >= len(urls):
            raise MediaError(f"Task {task.id} has {len(urls)} images, and somebody drew on number {asked.place + 1}.")
        self.url: str | None = str(urls[asked.place] or "")
        page = TaskRecord(number_of(task.id, asked.place), project.id, "", task.data)
        self.frame = self._frame(page, self.url)
        self.prompt = prompts.prompt(asked, (self.frame.width, self.frame.height))

    def predicted(self) -> Sequence[Instance] | None:
        entry = self._services.registry.ledger.latest(self._project.id, [self._task.id]).get(self._task.id)
        return None if entry is None else self._read(entry.result, self.frame)

    def labeled(self, group: str) -> Iterator[LabeledFrame]:
        here, registry, control = self.frame.order, self._services.registry, self._asked.control
        if here is None:
            return
        labels = newest_labels(registry.labels.of_group(self._project.id, group))
        tasks = [task for task in registry.tasks.of_group(self._project.id, group) if task.id in labels]
        pages = [(at, page) for page in spread(tasks, control) if (at := order_of(page.data)) is not None]
        others = [(abs(at - here), page.id, page) for at, page in pages if page.id != self.frame.task]
        for _, number, page in sorted(others, key=lambda one: one[:2])[:NEAREST_FRAMES]:
            try:
                frame = self._frame(page, value_at(page.data, control.media_field))
            except TrainingInterrupted:
                raise
            except MicroModelsError as error:
                log.info("a prompt is answered without a labelled frame", task=task_of(number), why=str(error))
                continue
            yield LabeledFrame(frame, self._read(labels[task_of(number)].result, frame))

    def write(self, instance: Instance, who: str) -> Result:
        items = prompts.write(self._asked, instance, (self.frame.width, self.frame.height), who)
        return indexed(items, self.frame.task) if self._asked.control.value_list else items

    def _frame(self, page: TaskRecord, url: object) -> Frame:
        image, size = self._services.media(self._project).image(
            str(url or ""), task_of(page.id), MAX_SIDE, self._cancel
        )
        return Frame(page.id, image, *size, order_of(page.data))

    def _read(self, result: Sequence[Mapping[str, Any]], frame: Frame) -> tuple[Instance, ...]:
        control = self._asked.control
        mine = result_of(result, frame.task, control)
        return tags.for_control(control).read(mine, control, (frame.width, frame.height)).instances


class _VideoScene:
    """One frame of a task's video. Only that it is a moment of a motion is known of its neighbours."""

    url: str | None = None

    def __init__(
        self, services: Services, project: ProjectRecord, task: TaskData, asked: Question, cancel: CancelToken
    ) -> None:
        self._services, self._project, self._task, self._asked = services, project, task, asked
        clips = Clips(services.media(project), lambda key, read: read(), MAX_SIDE, cancel)
        found, problems = clips.select([TaskRecord(task.id, project.id, "", task.data)], asked.control)
        if not found:
            raise MediaError(problems[task.id])
        [self._clip] = found
        track = video_prompts.drawn_track(asked, self._clip.size)
        if track is None:
            raise MediaError(
                f"What was drawn in task {task.id} is not in its video of {self._clip.size.frames} frames."
            )
        self._track = track
        self.frame = self._clip.frame(self._track.keyframes[-1].frame)
        self.prompt: Prompt | None = Prompt(box=self._track.keyframes[-1].bounds)

    def predicted(self) -> Sequence[Instance] | None:
        entry = self._services.registry.ledger.latest(self._project.id, [self._task.id]).get(self._task.id)
        return None if entry is None else instances_at(self._tracks(entry.result), self.frame.task)

    def labeled(self, group: str) -> Iterator[LabeledFrame]:
        label = newest_labels(self._services.registry.labels.of_group(self._project.id, group)).get(self._task.id)
        tracks, here = self._tracks(label.result) if label else (), self.frame.task
        drawn = {one.frame for track in tracks for one in track.keyframes} - {here}
        for number in sorted(drawn, key=lambda at: (abs(at - here), at))[:NEAREST_FRAMES]:
            with suppress(MediaError):  # a damaged frame costs itself alone
                yield LabeledFrame(self._clip.frame(number), instances_at(tracks, number))

    def write(self, instance: Instance, who: str) -> Result:
        return video_prompts.write_track(self._asked, self._track, instance.box, self._clip.size, who)

    def _tracks(self, result: Sequence[Mapping[str, Any]]) -> tuple[Track, ...]:
        return tags.for_video(self._asked.control).read(result, self._asked.control, self._clip.size).tracks
