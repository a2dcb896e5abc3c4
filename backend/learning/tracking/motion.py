"""Motion model: what it costs that an object moves and changes its size from one frame to another."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backend.learning.tracking.detections import Detections
from backend.learning.tracking.rules import TrackerRules

Floats = NDArray[np.float64]


def motion_costs(before: Floats, after: Floats, frames: float, rules: TrackerRules) -> Floats:
    """(n, m) cost of going from each of (n, 4) boxes to each of (m, 4) ones so many frames later; infinite where too far."""
    motion = distances(before, after) / (rules.typical_motion * frames**0.75)
    growth = np.abs(np.log(_areas(after))[None] - np.log(_areas(before))[:, None]) / 2
    cost = rules.motion_weight * np.log1p(motion**2) + rules.size_weight * growth / frames**0.5
    return np.where(motion > rules.max_speed, np.inf, cost + rules.gap_cost * (frames - 1))


def distances(a: Floats, b: Floats) -> Floats:
    """(n, m) distances of the centres of (n, 4) and (m, 4) boxes, in sides: roots of the mean area."""
    centres = (a[:, None, :2] + a[:, None, 2:] - b[None, :, :2] - b[None, :, 2:]) / 2
    sides = np.sqrt((_areas(a)[:, None] + _areas(b)[None]) / 2)
    return np.asarray(np.linalg.norm(centres, axis=2) / np.maximum(sides, 1e-6))


def typical_interval(frames: Sequence[Detections]) -> float:
    """The usual time from frame to frame."""
    steps = np.diff([frame.order for frame in frames])
    return float(np.median(steps)) or 1.0 if len(steps) else 1.0


def _areas(boxes: Floats) -> Floats:
    return np.asarray(np.clip(boxes[:, 2:] - boxes[:, :2], 1e-3, None).prod(1))
