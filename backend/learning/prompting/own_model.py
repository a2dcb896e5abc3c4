"""Prompted prediction by the group's own micro-model: the object that it knows under a prompt."""

from dataclasses import replace

import cv2
import numpy as np

from backend.learning.detection.micro_model import DetectionModel
from backend.learning.geometry.boxes import mask_bounds
from backend.learning.method import MicroModel
from backend.learning.pose.micro_model import PoseModel
from backend.learning.prompting.pick import Chances, overlap
from backend.learning.segmentation.micro_model import SegmentationModel
from backend.types import Box, Frame, Instance, Keypoint, Mask, Prompt

CANDIDATE_MIN_IOU = 0.25
"""Intersection over union with the drawn box below which a candidate is another object."""
KEYPOINT_CLICK_DIAGONALS = 0.15
"""Distance between a click and a keypoint, in diagonals of the object, up to which that point is meant."""


def chances(model: SegmentationModel, frame: Frame, label: str, predicted: Mask | None) -> Chances | None:
    """Probabilities of a label in the original frame, what was `predicted` with its neighbours in time counting as much as
    what is seen in it alone; None where the micro-model does not know the label."""
    if label not in model.labels:
        return None
    [(_, odds)] = model.see([frame])
    large = cv2.resize(odds[model.labels.index(label)], (frame.width, frame.height), interpolation=cv2.INTER_LINEAR)
    alone = np.asarray(1 / (1 + np.exp(-np.clip(large, -30, 30))), np.float32)
    if predicted is None or predicted.shape != alone.shape:
        return alone
    return np.asarray((alone + predicted) / 2, np.float32)


def candidate(model: DetectionModel, frame: Frame, prompt: Prompt, label: str) -> Instance | None:
    """The candidate box that is meant, also one that is too doubtful to be shown without a prompt."""
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
    return chosen


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
    """The keypoints of the object in a box."""
    hung = PoseModel(model.network, replace(model.config, parented=True), model.device)
    [found] = hung.predict([frame], (), {frame.task: [Instance("", box)]})
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
    if point is None or apart > KEYPOINT_CLICK_DIAGONALS * diagonal:
        return None
    return Instance(label, box, point.score, keypoints=(point,))
