"""Ground truth: what people drew, as the methods of learning take it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from backend.errors import TrainingError
from backend.instances import ABSENT, ACCEPTED, Instances
from backend.types import Control, Frame, Head, Instance, LabeledFrame, Media, Prediction

TAGS = {
    Head.DETECTION: "RectangleLabels",
    Head.SEGMENTATION: "BrushLabels",
    Head.POSE: "KeyPointLabels",
    Head.CLASSIFICATION: "Choices",
}
WHOLE = 0.5
"""Pixels by which the box of a class of the whole frame may miss the frame's edges."""


def head_of(frames: Sequence[Frame], labels: Sequence[Instances]) -> Head:
    """What labels ask for: points, masks, classes of whole frames, else boxes. Raises TrainingError where nothing is drawn."""
    some = [(frame, one) for frame, one in zip(frames, labels, strict=True) if len(one)]
    if not some:
        raise TrainingError(f"Found {len(labels)} labelled frames with nothing in them. Expected an object at least.")
    if any((one.visibility != ABSENT).any() for _, one in some):
        return Head.POSE
    if any(one.mask.any() for _, one in some):
        return Head.SEGMENTATION
    if all(np.allclose(one.xyxy, (0, 0, frame.width, frame.height), atol=WHOLE) for frame, one in some):
        return Head.CLASSIFICATION
    return Head.DETECTION


def classes_of(labels: Instances, attribute: str) -> Instances:
    """The objects that have this attribute, called by what it is."""
    said = [(n, str(about[attribute])) for n, about in enumerate(labels.attributes) if about.get(attribute) is not None]
    return labels[[n for n, _ in said]].with_columns(label=[name for _, name in said])


def labels_of(head: Head, labels: Sequence[Instances], known: Sequence[str] = ()) -> tuple[str, ...]:
    """The label set: those of `known` that are there, in its order, then the others by name; of points, in order."""
    if head is Head.POSE:
        there = dict.fromkeys(name for one in labels for name in one.keypoint_names)
    else:
        there = dict.fromkeys(sorted({str(name) for one in labels for name in one.label}))
    return tuple(dict.fromkeys([*(name for name in known if name in there), *there]))


def control_of(
    head: Head, names: Sequence[str], labeled: Sequence[LabeledFrame], control: str, of_regions: bool = False
) -> Control:
    """The control tag that would ask for this; `of_regions`: for the class of each region."""
    from backend.learning.points.choice import any_number

    unnamed = not any(one.label for frame in labeled for one in frame.instances)
    return Control(
        control or "label",
        "frame",
        TAGS[head],
        head,
        tuple(names),
        "frame",
        counted=head is Head.POSE and unnamed and any_number(labeled),
        multiple=head is Head.CLASSIFICATION and not of_regions and any(len(one.instances) > 1 for one in labeled),
        media=Media.IMAGE,
        attribute_of=(Control("region", "frame", TAGS[Head.DETECTION], Head.DETECTION, (), "frame"),)
        if of_regions
        else (),
    )


def labeled_frame(frame: Frame, labels: Instances) -> LabeledFrame:
    """A frame with what is in it."""
    kept = (labels.origin == ACCEPTED).tolist()
    single = zip(labels.single(), kept, strict=True)
    return LabeledFrame(frame, tuple(replace(one, accepted=own, region_id=None) for one, own in single))


def prediction_of(task: int, found: Instances) -> Prediction:
    """What was found in a frame, as it is measured."""
    some: tuple[Instance, ...] = found.single()
    return Prediction(task, some, 1.0)
