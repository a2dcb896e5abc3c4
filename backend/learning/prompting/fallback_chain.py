"""Fallback chain of a prompt: segment-anything, the group's own micro-model, the nearest labelled frame, the picture alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from backend.learning.detection.micro_model import DetectionModel
from backend.learning.geometry.boxes import mask_bounds
from backend.learning.method import MicroModel
from backend.learning.pose.micro_model import PoseModel
from backend.learning.prompting import mend, own_model, pick, propagate, segment
from backend.learning.prompting.click_memory import ClickMemory
from backend.learning.prompting.sam import Embedding, SegmentAnything
from backend.learning.segmentation.micro_model import SegmentationModel
from backend.types import Frame, Head, Instance, LabeledFrame, Mask, Prompt

SEGMENT_ANYTHING = "segment-anything"
MICRO_MODEL = "the group's micro-model"
PROPAGATED = "the nearest labelled frame"
PICTURE = "colours and features"
UNVOUCHED_SCORE = 0.5
"""Score of what no label vouches for."""


@dataclass(frozen=True, slots=True, eq=False)
class PromptContext:
    """What a prompt asks for, and the predictors at hand."""

    head: Head
    label: str
    backbone: str
    whole: bool = False
    """Whether a mask must be one connected part."""
    model: MicroModel | None = None
    """The group's micro-model of the head, where there is one."""
    predicted: Sequence[Instance] | None = None
    """What it predicted for the frame, with the frame's neighbours in time; None: nothing yet."""
    points: MicroModel | None = None
    """That of the keypoints which hang on the box."""
    labeled: Sequence[LabeledFrame] = ()
    """Labelled frames of the same control, the nearest in time first."""
    sam: SegmentAnything | None = None
    """Where a checkpoint is set."""
    embedding: Embedding | None = None
    """What its encoder made of this frame; without it the next one answers at once."""
    memory: ClickMemory | None = None
    """What the clicks before gave."""


@dataclass(frozen=True, slots=True, eq=False)
class PromptResult:
    """The one object."""

    instance: Instance
    who: str
    """Who found it, in words."""


def answer(frame: Frame, prompt: Prompt, context: PromptContext) -> PromptResult | None:
    """The object that is meant, in pixels of the original frame; None where nobody knows one there."""
    predictors: list[tuple[str, Callable[[Frame, Prompt, PromptContext], Instance | None]]]
    predictors = [
        (SEGMENT_ANYTHING, _by_segment_anything),
        (MICRO_MODEL, _by_micro_model),
        (PROPAGATED, _by_propagation),
        (PICTURE, _by_picture),
    ]
    for who, predictor in predictors:
        instance = predictor(frame, prompt, context)
        if instance is not None:
            return PromptResult(_with_points(frame, instance, context), who)
    return None


def _by_segment_anything(frame: Frame, prompt: Prompt, context: PromptContext) -> Instance | None:
    if context.sam is None or context.embedding is None or context.head is Head.POSE:
        return None
    known = None
    if isinstance(context.model, SegmentationModel):
        known = own_model.chances(context.model, frame, context.label, context.predicted)
    mask = context.sam.decode(frame, context.embedding, prompt, known)
    return None if mask is None else _instance(mask, UNVOUCHED_SCORE, context)


def _by_micro_model(frame: Frame, prompt: Prompt, context: PromptContext) -> Instance | None:
    match context.model:
        case SegmentationModel():
            chances = own_model.chances(context.model, frame, context.label, context.predicted)
            return None if chances is None else _masked(frame, chances, prompt, context)
        case DetectionModel():
            return own_model.candidate(context.model, frame, prompt, context.label, context.predicted)
        case PoseModel():
            if prompt.box is None:
                return own_model.point_at(context.model, frame, prompt, context.label)
            points = own_model.points_in(context.model, frame, prompt.box)
            score = float(np.mean([point.score for point in points])) if points else 0.0
            return Instance("", prompt.box, score, keypoints=points) if points else None
        case None:
            return None
    return own_model.predicted(context.model, frame, prompt, context.label)


def _by_propagation(frame: Frame, prompt: Prompt, context: PromptContext) -> Instance | None:
    if context.head is Head.POSE:
        return None
    chances = propagate.chances(frame, context.labeled, context.label)
    return None if chances is None else _masked(frame, chances, prompt, context)


def _by_picture(frame: Frame, prompt: Prompt, context: PromptContext) -> Instance | None:
    if context.head is Head.POSE:
        return None  # without a label nobody knows what the points are
    if context.head is Head.DETECTION and prompt.box is not None:
        box = segment.snapped(frame, prompt.box, context.backbone)
        return None if box is None else Instance(context.label, box, UNVOUCHED_SCORE)
    mask = segment.segment(frame, prompt, context.backbone, context.memory)
    return None if mask is None else _instance(mask, UNVOUCHED_SCORE, context)


def _masked(frame: Frame, chances: pick.Chances, prompt: Prompt, context: PromptContext) -> Instance | None:
    """The object in a map of probabilities, as far as it knows it; a person's clicks overrule it."""
    first = None
    if len(prompt.inside) + len(prompt.outside) > 1:
        first = pick.under(chances, Prompt(inside=prompt.inside[:1]), whole=context.whole)
    if first is None:
        mask = pick.under(chances, prompt, whole=context.whole, rough=context.head is Head.DETECTION)
    else:
        mask = _mended(frame, first, prompt, context)
    return None if mask is None else _instance(mask, float(chances[mask].mean()), context)


def _mended(frame: Frame, first: Mask, prompt: Prompt, context: PromptContext) -> Mask | None:
    """What all clicks make of what is known around the first one."""
    inside, outside = pick.seeds(prompt, first.shape)
    return mend.mended_further(context.memory, frame, first, inside, outside, context.backbone, mend.KNOWN_WEIGHT)


def _instance(mask: Mask, score: float, context: PromptContext) -> Instance:
    if context.whole and (part := segment.largest(mask)) is not None:  # each part would be a region of its own
        mask = part
    box = mask_bounds(mask)
    return Instance(context.label, box, score, mask=mask if context.head is Head.SEGMENTATION else None)


def _with_points(frame: Frame, instance: Instance, context: PromptContext) -> Instance:
    """The object with the keypoints that hang on its box, where a micro-model knows them."""
    if not isinstance(context.points, PoseModel):
        return instance
    return replace(instance, keypoints=own_model.points_in(context.points, frame, instance.box))
