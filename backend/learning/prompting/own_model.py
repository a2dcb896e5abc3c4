"""Prompted prediction by the group's own micro-model: the object that it knows under a prompt."""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from backend.learning.detection.micro_model import DetectionModel
from backend.learning.geometry.boxes import mask_bounds
from backend.learning.method import MicroModel
from backend.learning.pose.micro_model import PoseModel
from backend.learning.prompting.pick import Chances, overlap
from backend.learning.segmentation.micro_model import SegmentationModel
from backend.types import Box, Frame, Instance, Keypoint, Prompt

CANDIDATE_MIN_IOU = 0.25
"""Intersection over union with the drawn box below which a candidate is another object."""
SAME_OBJECT_IOU = 0.5
"""Of two boxes from which both are of one object."""
DRAWN_BOX_SHARE = 0.5
"""Share of a drawn box in the answer where the micro-model's has a score of 0. Boxes drawn with an IoU of 0.5 with the truth
are answered with 0.710 instead of 0.699, on the mean of seven groups; 0.709 with a share of 0.15 whatever the score."""
MIN_KEYPOINTS = 3
"""Keypoints that tell where the middle of an object is."""
KEYPOINT_CLICK_DIAGONALS = 0.15
"""Distance between a click and a keypoint, in diagonals of the object, up to which that point is meant."""


def chances(
    model: SegmentationModel, frame: Frame, label: str, predicted: Sequence[Instance] | None = None
) -> Chances | None:
    """Probabilities of a label in the original frame, what was `predicted` with its neighbours in time counting as much as
    what is seen in it alone; None where the micro-model does not know the label."""
    if label not in model.labels:
        return None
    [(_, odds)] = model.see([frame])
    large = cv2.resize(odds[model.labels.index(label)], (frame.width, frame.height), interpolation=cv2.INTER_LINEAR)
    alone = np.asarray(1 / (1 + np.exp(-np.clip(large, -30, 30))), np.float32)
    if predicted is None:
        return alone
    masks = [one.mask for one in predicted if one.label == label and one.mask is not None]
    shown = np.logical_or.reduce([mask for mask in masks if mask.shape == alone.shape]) if masks else 0.0
    return np.asarray((alone + shown) / 2, np.float32)


def candidate(
    model: DetectionModel, frame: Frame, prompt: Prompt, label: str, predicted: Sequence[Instance] | None = None
) -> Instance | None:
    """The candidate box that is meant, also one that is too doubtful to be shown without a prompt; where it was `predicted`
    with the frame's neighbours in time, as these place it. What looks at boxes a second time looks there once more."""
    if label not in model.labels:
        return None
    seen = model.candidates_of(frame).candidates
    mine = np.flatnonzero(seen.classes == model.labels.index(label))
    best, chosen = 0.0, None
    for index in mine:
        box = tuple(float(edge) for edge in seen.boxes[index])
        fit = _fit((box[0], box[1], box[2], box[3]), prompt) * float(seen.scores[index]) ** 0.5
        if fit > best:
            best, chosen = fit, Instance(label, (box[0], box[1], box[2], box[3]), float(seen.scores[index]))
    known = [one for one in predicted or () if one.label == label and _fit(one.box, prompt) > 0]
    if chosen is None and known:
        chosen = max(known, key=lambda one: _fit(one.box, prompt))
    if chosen is None:
        return None
    same = max(known, key=lambda one: overlap(one.box, chosen.box), default=chosen)
    mixed = _with_drawn(same if overlap(same.box, chosen.box) >= SAME_OBJECT_IOU else chosen, prompt.box)
    if model.refiner is None:
        return mixed
    return replace(mixed, box=model.refiner.refined_box(mixed.box, frame, model.config))


def _with_drawn(found: Instance, drawn: Box | None) -> Instance:
    """A candidate whose box leans towards the drawn one, the more the less certain it is: their errors have nothing to do
    with each other."""
    if drawn is None:
        return found
    share = DRAWN_BOX_SHARE * (1 - found.score)
    x0, y0, x1, y1 = ((1 - share) * mine + share * other for mine, other in zip(found.box, drawn, strict=True))
    return replace(found, box=(x0, y0, x1, y1))


def predicted(model: MicroModel, frame: Frame, prompt: Prompt, label: str) -> Instance | None:
    """Of what any micro-model predicts, the object that is meant."""
    [prediction] = model.predict([frame])
    mine = [(_fit(one.box, prompt), one) for one in prediction.instances if one.label == label]
    fit, instance = max(mine, key=lambda one: one[0], default=(0.0, None))
    return instance if fit > 0 else None


def _fit(box: Box, prompt: Prompt) -> float:
    """How well a candidate answers a prompt, in [0, 1]; 0: not at all."""
    drawn = prompt.box or next((mask_bounds(m) for m in (prompt.outline, prompt.stroke) if m is not None), None)
    if drawn is not None and prompt.stroke is None:
        fit = overlap(box, drawn)
        return fit if fit >= CANDIDATE_MIN_IOU else 0.0
    inside = [*prompt.inside, *([((drawn[0] + drawn[2]) / 2, (drawn[1] + drawn[3]) / 2)] if drawn else [])]
    if any(_off_centre(box, point) > 1 for point in inside):
        return 0.0
    if any(_off_centre(box, point) <= 1 for point in prompt.outside):
        return 0.0
    return 1.0 - 0.5 * max(_off_centre(box, point) for point in inside)


def _off_centre(box: Box, point: tuple[float, float]) -> float:
    """How far a point is from the middle of a box, in half sides."""
    x0, y0, x1, y1 = box
    across, down = (x1 - x0) / 2 or 1.0, (y1 - y0) / 2 or 1.0
    return max(abs(point[0] - (x0 + x1) / 2) / across, abs(point[1] - (y0 + y1) / 2) / down)


def points_in(model: PoseModel, frame: Frame, box: Box) -> tuple[Keypoint, ...]:
    """The keypoints of the object in a rough box: looked for a second time where the first ones say that its middle is."""
    hung = PoseModel(model.network, replace(model.config, parented=True), model.device)
    first = _points(hung, frame, box)
    if len(first) < MIN_KEYPOINTS:
        return first
    sure = np.median([point.score for point in first])
    places = np.array([(point.x, point.y) for point in first if point.score >= sure])
    x, y = (places.min(0) + places.max(0)) / 2 - (np.array(box[:2]) + box[2:]) / 2
    second = _points(hung, frame, (box[0] + x, box[1] + y, box[2] + x, box[3] + y))
    return max(first, second, key=lambda points: sum(point.score for point in points))


def _points(model: PoseModel, frame: Frame, box: Box) -> tuple[Keypoint, ...]:
    [found] = model.predict([frame], (), {frame.task: [Instance("", box)]})
    return found.instances[0].keypoints if found.instances else ()


def point_at(model: PoseModel, frame: Frame, prompt: Prompt, label: str) -> Instance | None:
    """The named point next to a click, where the micro-model sees it there."""
    if not prompt.inside or label not in model.labels or model.config.parented:
        return None
    x, y = prompt.inside[-1]
    [prediction] = model.predict([frame])
    found = [
        (float(np.hypot(point.x - x, point.y - y)), point, instance.box)
        for instance in prediction.instances
        for point in instance.keypoints
        if point.label == label
    ]
    apart, point, box = min(found, key=lambda one: one[0], default=(np.inf, None, (0.0, 0.0, 0.0, 0.0)))
    diagonal = float(np.hypot(box[2] - box[0], box[3] - box[1]))
    return (
        None
        if point is None or apart > KEYPOINT_CLICK_DIAGONALS * diagonal
        else Instance(label, box, point.score, keypoints=(point,))
    )
