"""Masks out of boxes: with `model_masks_from` on a control of masks people draw boxes alone, and each gets its mask."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from backend.loop.data.merge import ControlPredictions, shown
from backend.loop.data.pages import result_of, spread, task_of
from backend.loop.data.training_set import TrainingSet, newest_labels
from backend.studio import tags
from backend.studio.regions import Size
from backend.types import Control, Frame, Head, Instance, LabeledFrame, Prediction, Prompt
from model_registry import LabelRecord, TaskRecord

if TYPE_CHECKING:
    from backend.learning.method import MicroModel

NEAREST_FRAMES = 2
"""Labelled frames, the nearest in time, that a mask is carried over from."""
MISSING_MASK_SCORE = 0.0
"""Score of a frame in which a box has no mask: somebody has to draw it."""

Boxes = Mapping[int, Sequence[Instance]]
"""By task, or page: the objects that masks are wanted of."""


def drawn_boxes(
    control: Control, tasks: Sequence[TaskRecord], labels: Iterable[LabelRecord], sizes: Mapping[int, Size]
) -> dict[int, tuple[Instance, ...]]:
    """The boxes that people drew with a control, in the images of these sizes."""
    newest = newest_labels(labels)
    pages = [page.id for page in spread(tasks, control) if task_of(page.id) in newest and page.id in sizes]
    results = {page: result_of(newest[task_of(page)].result, page, control) for page in pages}
    read = tags.for_control(control).read
    return {page: read(result, control, sizes[page]).instances for page, result in results.items()}


def box_masks(
    control: Control, boxes: Boxes, training_set: TrainingSet, model: "MicroModel | None", backbone: str
) -> list[Prediction]:
    """A mask for each box, in the frames of a training set that have no mask; best by the group's own micro-model."""
    frames = (frame for frame in training_set.rest if boxes.get(frame.task))
    return [_prediction(frame, boxes[frame.task], control, training_set.labeled, model, backbone) for frame in frames]


def with_drawn(control: Control, drawn: Boxes, sizes: Mapping[int, Size]) -> ControlPredictions:
    """What people drew, as a part of predictions: a mask that is shown without its box cannot be told apart."""
    predictions = [Prediction(page, tuple(instances), 1.0) for page, instances in drawn.items() if instances]
    return ControlPredictions(control, None, shown(control, predictions), sizes)


def _prediction(
    frame: Frame,
    boxes: Sequence[Instance],
    control: Control,
    labeled: Sequence[LabeledFrame],
    model: "MicroModel | None",
    backbone: str,
) -> Prediction:
    from backend.learning.prompting import fallback_chain  # torch: not before the first prediction needs it

    near, found = _nearest(frame, labeled), list[Instance | None]()
    for box in boxes:
        if box.label not in control.labels:
            continue
        wanted = fallback_chain.PromptContext(
            Head.SEGMENTATION, box.label, backbone, tags.is_one_outline(control), model, labeled=near
        )
        answer = fallback_chain.answer(frame, Prompt(box=box.box), wanted)
        mask = None if answer is None else answer.instance
        found.append(mask and replace(mask, score=min(mask.score, box.score), region_id=None))
    masks = tuple(one for one in found if one is not None)
    score = min((MISSING_MASK_SCORE if one is None else one.score for one in found), default=1.0)
    return Prediction(frame.task, masks, score)


def _nearest(frame: Frame, labeled: Sequence[LabeledFrame]) -> list[LabeledFrame]:
    """The labelled frames next to this one in time; none where the group has no order."""
    if frame.order is None:
        return []
    placed = [(abs(one.frame.order - frame.order), one) for one in labeled if one.frame.order is not None]
    return [one for _, one in sorted(placed, key=lambda pair: pair[0])[:NEAREST_FRAMES]]
