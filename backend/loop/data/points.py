"""Points that hang on no rectangle: any number of each label, or the named points of one object? The labels tell."""

from collections.abc import Sequence
from dataclasses import replace

from backend.learning.points.choice import any_number, is_free
from backend.studio.regions.keypoint import as_one_object
from backend.types import Control, LabeledFrame

CLICKED = "KeyPointLabels"
"""The tag whose points need no object that they belong to."""


def resolved(control: Control, labeled: Sequence[LabeledFrame]) -> Control:
    """The control, with what the group's labels tell of it."""
    return replace(control, counted=is_many(control, labeled))


def is_many(control: Control, labeled: Sequence[LabeledFrame]) -> bool:
    """Whether a control's points are learnt as any number of each label; `model_points` decides before the labels."""
    if control.tag != CLICKED or control.parent is not None:
        return False
    return any_number(labeled) if control.any_number is None else control.any_number


def told_apart(control: Control, labeled: Sequence[LabeledFrame]) -> tuple[list[LabeledFrame], list[str]]:
    """The frames as they are learnt, and what is not learnt of them, in words: a click too many in a pose."""
    if control.tag != CLICKED or control.parent is not None or control.counted:
        return list(labeled), []
    found, problems = list[LabeledFrame](), list[str]()
    for frame in labeled:
        free = [one for one in frame.instances if is_free(one)]
        if len(free) < 2:
            found.append(frame)
            continue
        pose, doubled = as_one_object(free)
        others = (one for one in frame.instances if not is_free(one))
        found.append(replace(frame, instances=(*others, pose)))
        problems += [
            f"task {frame.frame.task}: region {point.region_id or 'without an id'} of {control.from_name!r} is a second "
            f'{point.label!r} of the frame\'s one object; write model_points="many" on the control if it is meant'
            for point in doubled
        ]
    return found, problems
