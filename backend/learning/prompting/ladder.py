"""Who answers a prompt, best first: segment-anything; the group's own micro-model; the nearest labelled frame; the picture
alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from backend.learning.detection.micro_model import DetectionModel
from backend.learning.method import MicroModel
from backend.learning.pose.micro_model import PoseModel
from backend.learning.prompting import own_model, pick, propagate, segment
from backend.learning.prompting.sam import Embedding, SegmentAnything
from backend.learning.segmentation.micro_model import SegmentationModel
from backend.types import Frame, Head, Instance, LabeledFrame, Mask, Prompt

SEGMENT_ANYTHING = "segment-anything"
MICRO_MODEL = "the group's micro-model"
PROPAGATED = "the nearest labelled frame"
PICTURE = "colours and features"
UNSURE = 0.5
"""Score of what no label vouches for."""


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """What is asked for, and what is at hand to answer with."""

    head: Head
    label: str
    backbone: str
    whole: bool = False
    """Whether a mask must be one connected part."""
    model: MicroModel | None = None
    """The group's micro-model of the head, where there is one."""
    predicted: Mask | None = None
    """Where it predicted the label, with the frame's neighbours in time."""
    points: MicroModel | None = None
    """That of the keypoints which hang on the box."""
    labeled: Sequence[LabeledFrame] = ()
    """Labelled frames of the same control, the nearest in time first."""
    sam: SegmentAnything | None = None
    """Where a checkpoint is set."""
    embedding: Embedding | None = None
    """What its encoder made of this frame; without it the next one answers at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The one object."""

    instance: Instance
    who: str
    """Who found it, in words."""


def answer(frame: Frame, prompt: Prompt, wanted: Wanted) -> Found | None:
    """The object that is meant, in pixels of the original frame; None where nobody knows one there."""
    rungs: list[tuple[str, Callable[[Frame, Prompt, Wanted], Instance | None]]]
    rungs = [
        (SEGMENT_ANYTHING, _by_segment_anything),
        (MICRO_MODEL, _by_micro_model),
        (PROPAGATED, _by_propagation),
        (PICTURE, _by_picture),
    ]
    for who, rung in rungs:
        instance = rung(frame, prompt, wanted)
        if instance is not None:
            return Found(_with_points(frame, instance, wanted), who)
    return None


def _by_segment_anything(frame: Frame, prompt: Prompt, wanted: Wanted) -> Instance | None:
    if wanted.sam is None or wanted.embedding is None or wanted.head is Head.POSE:
        return None
    known = None
    if isinstance(wanted.model, SegmentationModel):
        known = own_model.chances(wanted.model, frame, wanted.label, wanted.predicted)
    mask = wanted.sam.decode(frame, wanted.embedding, prompt, known)
    if mask is not None and wanted.whole:
        mask = segment.largest(mask)
    return None if mask is None else _instance(mask, UNSURE, wanted)


def _by_micro_model(frame: Frame, prompt: Prompt, wanted: Wanted) -> Instance | None:
    match wanted.model:
        case SegmentationModel():
            chances = own_model.chances(wanted.model, frame, wanted.label, wanted.predicted)
            return None if chances is None else _masked(chances, prompt, wanted)
        case DetectionModel():
            return own_model.candidate(wanted.model, frame, prompt, wanted.label)
        case PoseModel():
            if prompt.box is None:
                return own_model.point_at(wanted.model, frame, prompt, wanted.label)
            points = own_model.points_in(wanted.model, frame, prompt.box)
            score = float(np.mean([point.score for point in points])) if points else 0.0
            return Instance("", prompt.box, score, keypoints=points) if points else None
        case None:
            return None
    return own_model.predicted(wanted.model, frame, prompt, wanted.label)


def _by_propagation(frame: Frame, prompt: Prompt, wanted: Wanted) -> Instance | None:
    if wanted.head is Head.POSE:
        return None
    chances = propagate.chances(frame, wanted.labeled, wanted.label)
    return None if chances is None else _masked(chances, prompt, wanted)


def _by_picture(frame: Frame, prompt: Prompt, wanted: Wanted) -> Instance | None:
    if wanted.head is Head.POSE:
        return None  # without a label nobody knows what the points are
    mask = segment.segment(frame, prompt, wanted.backbone, snap=wanted.head is Head.DETECTION)
    return None if mask is None else _instance(mask, UNSURE, wanted)


def _masked(chances: pick.Chances, prompt: Prompt, wanted: Wanted) -> Instance | None:
    mask = pick.under(chances, prompt, whole=wanted.whole)
    return None if mask is None else _instance(mask, float(chances[mask].mean()), wanted)


def _instance(mask: Mask, score: float, wanted: Wanted) -> Instance:
    box = pick.hull(mask)
    return Instance(wanted.label, box, score, mask=mask if wanted.head is Head.SEGMENTATION else None)


def _with_points(frame: Frame, instance: Instance, wanted: Wanted) -> Instance:
    """The object with the keypoints that hang on its box, where a micro-model knows them."""
    if not isinstance(wanted.points, PoseModel):
        return instance
    return replace(instance, keypoints=own_model.points_in(wanted.points, frame, instance.box))
