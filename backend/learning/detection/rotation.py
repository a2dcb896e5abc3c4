"""The angle of a box as numbers that a network can learn: without a jump, and also of a square.

An angle turned by 180 degrees is the same box, one of a square by 90. So it is learnt as (cos 2a, sin 2a) of the longer side,
which a square has not, and as (cos 4a, sin 4a), which does not tell longer and shorter side apart; together they are without a
jump everywhere (the dual frequency of Yu and Da, Phase-shifting coder: predicting accurate orientation in oriented object
detection, CVPR 2023). Angles are clockwise as seen, of the longer side against the horizontal.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backend.learning.detection.candidates import Floats
from backend.learning.geometry.crop import View
from backend.learning.geometry.rotation import overlap
from backend.types import Instance

Array = NDArray[np.float64]

ROTATION_CHANNELS = 6
"""Log of longer and shorter side, and four numbers for the angle."""
ROTATION_DEVIATION_RADIANS = math.radians(5)
"""Deviation by which a crop is turned besides, so that the drawn angles are not all that is ever seen."""


def turns_of(instances: Sequence[Instance], factor: float = 1.0) -> Floats:
    """(n, 3) longer side, shorter side (pixels, times `factor`) and angle of the longer one (radians)."""
    rows = [(one.box[2] - one.box[0], one.box[3] - one.box[1], one.angle) for one in instances]
    turned = np.array(rows, np.float64).reshape(-1, 3)
    return longest_first(np.stack([turned[:, 0] * factor, turned[:, 1] * factor, np.radians(turned[:, 2])], 1))


def longest_first(turns: Array | Floats) -> Floats:
    """The same boxes (n, 3), each with its longer side first."""
    flat = turns[:, 1] > turns[:, 0]
    turned = np.stack([turns[:, 1], turns[:, 0], turns[:, 2] + np.pi / 2], 1)
    return np.asarray(np.where(flat[:, None], turned, turns), np.float32)


def encoded(turns: Floats) -> Floats:
    """(n, 3) boxes -> (n, CHANNELS) what the network is to say."""
    angle = turns[:, 2].astype(np.float64)
    code = [np.cos(2 * angle), np.sin(2 * angle), np.cos(4 * angle), np.sin(4 * angle)]
    sides = np.log(np.maximum(turns[:, :2], 1e-3))
    return np.asarray(np.concatenate([sides, np.stack(code, 1)], 1), np.float32)


def decoded(said: Array | Floats) -> Array:
    """(n, CHANNELS) -> (n, 3) width, height and angle in degrees, in (-45, 45]: width is the side nearer to level."""
    said = said.astype(np.float64)
    rough, fine = np.arctan2(said[:, 3], said[:, 2]) / 2, np.arctan2(said[:, 5], said[:, 4]) / 4
    # `fine` is one of the two sides; the longer one where `rough` is no more than 45 degrees from it.
    level = np.cos(2 * (rough - fine)) >= 0
    longer, shorter = np.exp(said[:, 0]), np.exp(said[:, 1])
    return np.stack([np.where(level, longer, shorter), np.where(level, shorter, longer), np.degrees(fine)], 1)


def moved(boxes: Floats, turns: Floats, view: View) -> tuple[Floats, Floats]:
    """Bounding boxes (n, 4) and turned boxes (n, 3) of a picture as a crop shows them."""
    middle = view.to_crop((boxes[:, :2] + boxes[:, 2:]).astype(np.float64) / 2)
    angle = turns[:, 2].astype(np.float64)
    across = np.stack([np.cos(angle), np.sin(angle)], 1) * turns[:, :1] / 2 @ view.gain.T
    along = np.stack([-np.sin(angle), np.cos(angle)], 1) * turns[:, 1:2] / 2 @ view.gain.T
    half = np.abs(across) + np.abs(along)
    sides = 2 * np.stack([np.linalg.norm(across, axis=1), np.linalg.norm(along, axis=1)], 1)
    seen = np.concatenate([sides, np.arctan2(across[:, 1], across[:, 0])[:, None]], 1)
    return np.concatenate([middle - half, middle + half], 1).astype(np.float32), longest_first(seen)


def turn_between(angles: Sequence[float], mirrored: bool, rng: np.random.Generator) -> float:
    """By how much to turn a crop, radians, mirrored or not: so that one of the drawn boxes gets the angle of another one, or
    one on the shorter way there."""
    before, after = rng.choice(angles, 2) * (-1 if mirrored else 1, 1)
    whole = (after - before + np.pi / 2) % np.pi - np.pi / 2
    return float(rng.random() * whole + rng.normal(0, ROTATION_DEVIATION_RADIANS))


def kept_apart(bounds: Floats, turned: Array, scores: Floats, classes: NDArray[np.int64], limit: float) -> list[int]:
    """Indices of the boxes, strongest first, without those that overlap a stronger one of their label by more than `limit`.

    `turned` are (n, 3) as `decoded`, about the centres of the `bounds` (n, 4).
    """
    outlines = [np.array(instance_of(*row).corners, np.float32) for row in zip(bounds, turned, strict=True)]
    kept: list[int] = []
    for i in np.argsort(-scores, kind="stable"):
        near = [j for j in kept if classes[j] == classes[i] and _meet(bounds[i], bounds[j])]
        if all(overlap(outlines[i], outlines[j]) <= limit for j in near):
            kept.append(int(i))
    return kept


def _meet(a: Floats, b: Floats) -> bool:
    return bool((a[:2] < b[2:]).all() and (b[:2] < a[2:]).all())


def instance_of(bounds: Floats | Array, turned: Array | Floats, label: str = "", score: float = 1.0) -> Instance:
    """The box of (width, height, degrees) in the middle of a bounding box."""
    x, y = float(bounds[0] + bounds[2]) / 2, float(bounds[1] + bounds[3]) / 2
    width, height, angle = map(float, turned)
    box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    return Instance(label, box, score, angle=angle)
