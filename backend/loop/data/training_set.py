"""Training set of one control tag in one group, and what is left for its micro-model to predict."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import structlog

from backend.learning.geometry.rotation import has_turned, upright
from backend.loop.data.frames import FrameStore
from backend.loop.data.memory import Held
from backend.loop.data.pages import in_words, label_of, spread, task_of
from backend.loop.data.points import resolved, told_apart
from backend.loop.data.video_frames import ClipFrames
from backend.loop.data.video_training_set import VideoTrainingSet, build_video_training_set, upright_set
from backend.loop.review.compare import NOTHING, Accepted
from backend.studio import tags
from backend.studio.regions.region import ReadResult
from backend.studio.visibility import hidden
from backend.types import Control, Frame, Head, Instance, LabeledFrame, Media
from model_registry import LabelRecord, TaskRecord

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class TrainingSet:
    """Labelled and unlabelled frames of one group, for one control tag."""

    control: Control
    """With what the labels tell of it."""
    labeled: tuple[LabeledFrame, ...]
    rest: Sequence[Frame]
    """The group's frames without a submitted annotation, decoded when asked for."""
    sizes: Mapping[int, tuple[int, int]]
    """{task, or page: original (width, height) in pixels} of the images to predict."""
    clips: tuple[VideoTrainingSet, ...] = ()
    """The videos to predict, of a control that is drawn on videos."""
    learnt: frozenset[int] = frozenset()
    """The tasks whose annotation is learnt from."""
    accepted: frozenset[int] = frozenset()
    """Those of them, images, in which a prediction was submitted as it was; pages where a task has several."""
    unreadable: dict[int, str] = field(default_factory=dict)
    """{task: why its media, or what is drawn in it, cannot be used}."""
    problems: tuple[str, ...] = ()
    """Regions of annotations that could not be used, in words."""

    @property
    def work(self) -> str:
        """What a training on it is, in words."""
        width = max((one.frame.width for one in self.labeled), default=0)
        height = max((one.frame.height for one in self.labeled), default=0)
        return f"its training (frames: {len(self.labeled)} labelled, of up to {width} x {height} pixels, {len(self.rest)} not)"


def build_training_set(
    control: Control,
    tasks: Sequence[TaskRecord],
    labels: Sequence[LabelRecord],
    frames: FrameStore,
    accepted: Accepted = NOTHING,
    weight: float = 1.0,
) -> TrainingSet:
    """Build a training set; broken media and unusable regions cost themselves alone. Raises TrainingError where what is learnt
    from does not fit into memory.

    Frames in which a prediction was accepted as it was have this `weight`, and so has each accepted instance its mark.
    """
    newest = newest_labels(labels)
    if control.media is Media.VIDEO:
        return _of_videos(control, tasks, newest, frames)
    tasks = spread(tasks, control)
    newest = _of_pages(control, tasks, newest)
    labelled, broken = frames.select([t for t in tasks if t.id in newest], control.media_field)
    rest, broken_rest = frames.select([t for t in tasks if t.id not in newest], control.media_field)
    odd = {task: why for task, why in frames.remarks.items() if task in newest}  # of a task, not of its images
    reading = _Reading(control, newest, accepted, weight, Held(frames.room))
    reading.problems.extend(f"{in_words(i)}: {why}" for i, why in (odd | broken).items())
    reading.held.take(labelled.nbytes, len(labelled))
    for frame in labelled:
        reading.take(frame)
    control, learnt, doubled = _as_drawn(control, reading.learnt)
    pages_learnt = {one.frame.task for one in learnt}
    return TrainingSet(
        control=control,
        labeled=tuple(learnt),
        rest=rest,
        sizes=rest.sizes,
        clips=(),
        learnt=frozenset(map(task_of, pages_learnt)),
        accepted=frozenset(page for page in pages_learnt if newest[page].id in accepted.frames),
        unreadable={task_of(page): why for page, why in {**broken, **broken_rest, **reading.unused}.items()},
        problems=(*reading.problems, *doubled),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Reading:
    """Annotated frames as they are read, and what of them cannot be used."""

    control: Control
    newest: Mapping[int, LabelRecord]
    accepted: Accepted
    weight: float
    held: Held
    learnt: list[LabeledFrame] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    unused: dict[int, str] = field(default_factory=dict)

    def take(self, frame: Frame) -> None:
        """Read what is drawn in a frame; what cannot be used costs itself alone."""
        label = self.newest[frame.task]
        if hidden([self.control], label.result):
            return  # nobody could say anything with it
        try:
            read = tags.for_control(self.control).read(label.result, self.control, (frame.width, frame.height))
        except Exception as error:  # an annotation stranger than any that we know costs itself alone
            log.exception("annotation not usable", task=frame.task, annotation=label.id)
            self._remark(frame, f"its annotation cannot be read ({type(error).__name__}: {error})")
            return
        if _is_lost(self.control, read):
            self.unused[frame.task] = "; ".join(read.problems)
            self._remark(frame, self.unused[frame.task])
            return
        self.held.take(sum(one.mask.nbytes for one in read.instances if one.mask is not None))
        # No box drawn means that there is none; no class chosen means that nobody has said.
        if read.instances or self.control.head is not Head.CLASSIFICATION:
            self.learnt.append(self._labeled(frame, label, read.instances))
        for why in read.problems:
            self._remark(frame, why)

    def _labeled(self, frame: Frame, label: LabelRecord, read: Sequence[Instance]) -> LabeledFrame:
        kept = self.accepted.regions.get(label.id, frozenset())
        instances = tuple(replace(one, accepted=True) if one.region_id in kept else one for one in read)
        # An empty frame has no outline that could drift.
        is_drawn = label.id not in self.accepted.frames or not instances
        return LabeledFrame(frame, instances, 1.0 if is_drawn else self.weight)

    def _remark(self, frame: Frame, why: str) -> None:
        self.problems.append(f"{in_words(frame.task)}: {why}")


def _as_drawn(control: Control, learnt: Sequence[LabeledFrame]) -> tuple[Control, list[LabeledFrame], list[str]]:
    """The control with what the labels tell of it, the frames to learn from, and what of them cannot be used."""
    control = resolved(control, learnt)
    learnt, doubled = told_apart(control, learnt)
    if not has_turned(learnt):
        learnt = [upright(one) for one in learnt]
    if control.masks_from and not any(one.instances for one in learnt):
        learnt = []  # of frames without boxes alone nobody learns what masks look like
    return control, list(learnt), list(doubled)


def _of_pages(
    control: Control, pages: Sequence[TaskRecord], newest: Mapping[int, LabelRecord]
) -> dict[int, LabelRecord]:
    """What to learn from on each of these images."""
    drawn = {page.id: label_of(label, page.id, control) for page in pages if (label := newest.get(task_of(page.id)))}
    return {page: label for page, label in drawn.items() if not _is_left_to_us(control, label)}


def lost_annotations(control: Control, tasks: Sequence[TaskRecord], labels: Sequence[LabelRecord]) -> set[int]:
    """The tasks in which something is drawn with a control on images, and none of it can be used."""
    drawn, read = _of_pages(control, spread(tasks, control), newest_labels(labels)), tags.for_control(control).read
    return {task_of(page) for page, label in drawn.items() if _is_lost(control, read(label.result, control))}


def _is_lost(control: Control, read: ReadResult) -> bool:
    """Whether something is drawn in a frame and none of it can be used; where no class is chosen nobody has said anything."""
    return read.is_lost and (control.head is not Head.CLASSIFICATION or not read.usable)


def _is_left_to_us(control: Control, label: LabelRecord) -> bool:
    """Whether somebody drew boxes, and no mask of those that are made from them: that says nothing about masks."""
    names = {name for item in label.result if isinstance(name := item.get("from_name"), str)}
    return control.masks_from in names and control.from_name not in names


def _of_videos(
    control: Control, tasks: Sequence[TaskRecord], newest: Mapping[int, LabelRecord], frames: FrameStore
) -> TrainingSet:
    """The training set of a control that is drawn on whole videos."""
    clips, unreadable, problems = build_video_training_set(control, tasks, newest, frames.clips, Held(frames.room))
    if not has_turned([frame for one in clips for frame in one.labeled]):
        clips = [upright_set(one) for one in clips]
    rest = ClipFrames([(one.clip, number) for one in clips for number in one.unlabeled])
    return TrainingSet(
        control, tuple(frame for one in clips for frame in one.labeled), rest, {}, tuple(clips),
        frozenset(one.clip.task for one in clips if one.labeled), frozenset(), unreadable, tuple(problems),
    )  # fmt: skip


def newest_labels(labels: Iterable[LabelRecord]) -> dict[int, LabelRecord]:
    """{task: the annotation to learn from}: a ground truth before others, then the one changed last."""
    best: dict[int, LabelRecord] = {}
    for label in labels:
        rank = (bool(label.details.get("ground_truth")), label.updated_at, label.id)
        other = best.get(label.task)
        if other is None or rank > (bool(other.details.get("ground_truth")), other.updated_at, other.id):
            best[label.task] = label
    return best
