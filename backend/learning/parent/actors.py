"""Figures that move, turn, come near, go away and vanish; and how one looks at a moment."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.learning.parent.figures import Figure, Part, Points

Floats = NDArray[np.float32]

SHUTTER = 1 / 60
"""Time that a frame is exposed, clips."""
STILL = 1.5
"""Move during it from which a figure is blurred, pixels."""
LONGEST = 24.0
"""Longest blur, pixels."""
SHIFT = 4
"""Binary digits of OpenCV's coordinates behind the point."""


@dataclass(frozen=True, slots=True)
class Path:
    """Motion through a clip, whose time runs from 0 to 1."""

    middle: tuple[float, float]
    """x, y, pixels."""
    sweep: tuple[float, float]
    """Largest move to either side, pixels."""
    pace: tuple[float, float]
    """Sweeps in a clip."""
    phase: tuple[float, float, float]
    angle: float
    """Radians."""
    spin: float
    """Turn through the clip, radians."""
    growth: float
    """Logarithm of the size's change through the clip."""
    squash: float
    """Most that it is narrowed as by turning away, as a share."""

    def place(self, time: float) -> NDArray[np.float64]:
        """(2,) x, y, pixels."""
        turns = [p * time + f for p, f in zip(self.pace, self.phase, strict=False)]
        return np.array(
            [m + s * math.sin(2 * math.pi * a) for m, s, a in zip(self.middle, self.sweep, turns, strict=True)]
        )

    def linear(self, time: float) -> NDArray[np.float64]:
        """(2, 2) of turning, growing and narrowing."""
        angle = self.angle + self.spin * (time - 0.5)
        size = math.exp(self.growth * (time - 0.5))
        narrow = 1 - self.squash * (0.5 + 0.5 * math.sin(2 * math.pi * (time * 1.3 + self.phase[2])))
        cos, sin = math.cos(angle), math.sin(angle)
        return np.asarray(np.array([[cos, -sin], [sin, cos]]) @ np.diag([narrow, 1.0]) * size)


@dataclass(frozen=True, slots=True, eq=False)
class Actor:
    """A figure in a clip."""

    figure: Figure
    label: int
    """Index into the clip's labels; -1: nobody asks for it."""
    size: float
    """Pixels of a figure's typical side."""
    path: Path
    opacity: float = 1.0
    softness: float = 0.0
    """Deviation of the blur of its outline, pixels."""
    away: tuple[float, float] = (2.0, 2.0)
    """From when to when it is not there."""


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """One actor at a moment, cut to the frame."""

    corner: tuple[int, int]
    """x, y of the patch in the frame."""
    colour: Floats
    """(h, w, 3) RGB in [0, 255], already multiplied with `cover`."""
    cover: Floats
    """(h, w) in [0, 1]: how far it hides what is behind."""
    shape: NDArray[np.bool_]
    """(h, w) where it is; without regard to opacity and blur."""
    area: float
    """Of the whole shape, also outside the frame, pixels."""
    points: Points
    """(k, 2) its named points in the frame."""


def drawn(actor: Actor, time: float, side: int, follow: NDArray[np.float64]) -> Drawn | None:
    """How it looks in a frame of (side, side) moved by `follow`; None where nothing of it is to be seen."""
    if actor.away[0] <= time < actor.away[1]:
        return None
    place = actor.path.place(time) + follow
    root = np.column_stack([actor.path.linear(time) * actor.size, place])
    limbs = [_placed(part, root, time) for part in actor.figure]
    outlines = [_moved(_wobbled(part, time), affine) for part, affine in zip(actor.figure, limbs, strict=True)]
    points = np.concatenate([_moved(part.marks, affine) for part, affine in zip(actor.figure, limbs, strict=True)])
    moved = actor.path.place(time + SHUTTER) + follow - place
    margin = math.ceil(min(float(np.hypot(*moved)), LONGEST) / 2 + 3 * actor.softness) + 2
    box = _around(outlines, margin)
    seen = max(box[0], 0), max(box[1], 0), min(box[2], side), min(box[3], side)
    if seen[0] >= seen[2] or seen[1] >= seen[3]:
        return None
    colour, cover = _patch(actor.figure, limbs, outlines, seen)
    shape = cover > 0.5
    area = _area(outlines, box) if seen != box else float(shape.sum())
    layers = _softened(np.dstack([colour, cover]), actor.softness, moved) * actor.opacity
    return Drawn(seen[:2], layers[..., :3], layers[..., 3], shape, area, points)


def _placed(part: Part, root: NDArray[np.float64], time: float) -> NDArray[np.float64]:
    """(2, 3) from the part's own coordinates to the frame's."""
    if part.parent < 0:
        return root
    angle = part.rest + part.swing * math.sin(2 * math.pi * (part.pace * time + part.phase))
    cos, sin = math.cos(angle), math.sin(angle)
    own = np.array([[cos, -sin, part.joint[0]], [sin, cos, part.joint[1]], [0, 0, 1]])
    return np.asarray(root @ own)


def _wobbled(part: Part, time: float) -> Points:
    if not part.wobble:
        return part.outline
    waves = np.sin(np.linspace(0, 6 * np.pi, len(part.outline), endpoint=False) + 2 * np.pi * time)
    return np.asarray(part.outline * (1 + part.wobble * waves[:, None]))


def _moved(points: Points, affine: NDArray[np.float64]) -> Points:
    return np.asarray(points @ affine[:, :2].T + affine[:, 2])


def _around(outlines: list[Points], margin: int) -> tuple[int, int, int, int]:
    every = np.concatenate(outlines)
    low, high = np.floor(every.min(0)).astype(int) - margin, np.ceil(every.max(0)).astype(int) + margin
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _patch(
    figure: Figure, limbs: list[NDArray[np.float64]], outlines: list[Points], seen: tuple[int, int, int, int]
) -> tuple[Floats, Floats]:
    """Colour (h, w, 3), times cover, and cover (h, w) of what lies in the box; the body comes first and is drawn last."""
    size = (seen[2] - seen[0], seen[3] - seen[1])
    colour, cover = np.zeros((size[1], size[0], 3), np.float32), np.zeros((size[1], size[0]), np.float32)
    for part, affine, outline in reversed(list(zip(figure, limbs, outlines, strict=True))):
        inside = _filled(outline - seen[:2], size)
        unit = 2 * part.reach / part.skin.shape[0]
        to_part = np.array([[unit, 0, -part.reach], [0, unit, -part.reach], [0, 0, 1]])
        to_patch = affine @ to_part - np.array([[0, 0, seen[0]], [0, 0, seen[1]]])
        skin = cv2.warpAffine(part.skin, to_patch, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        colour += (skin - colour) * inside[..., None]
        cover += (1 - cover) * inside
    return colour, cover


def _filled(outline: Points, size: tuple[int, int]) -> Floats:
    """(h, w) in [0, 1]."""
    mask = np.zeros((size[1], size[0]), np.uint8)
    corners = np.round((outline - 0.5) * (1 << SHIFT)).astype(np.int32)
    cv2.fillPoly(mask, [corners], 255, cv2.LINE_AA, SHIFT)
    return np.asarray(mask, np.float32) / np.float32(255)


def _area(outlines: list[Points], box: tuple[int, int, int, int]) -> float:
    size = (box[2] - box[0], box[3] - box[1])
    return float(np.maximum.reduce([_filled(one - box[:2], size) for one in outlines]).sum())


def _softened(layers: Floats, softness: float, moved: NDArray[np.float64]) -> Floats:
    length = min(float(np.hypot(*moved)), LONGEST)
    if length > STILL:
        kernel = streak(length, math.atan2(moved[1], moved[0]))
        layers = np.asarray(cv2.filter2D(layers, -1, kernel, borderType=cv2.BORDER_CONSTANT), np.float32)
    if softness > 0:
        blurred = cv2.GaussianBlur(layers, (0, 0), softness, borderType=cv2.BORDER_CONSTANT)
        layers = np.asarray(blurred, np.float32)
    return layers


def streak(length: float, angle: float) -> Floats:
    """The kernel of a motion blur, of sum 1."""
    half = math.ceil(length / 2)
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    for step in np.linspace(-length / 2, length / 2, 4 * half + 1):
        kernel[round(half + step * math.sin(angle)), round(half + step * math.cos(angle))] += 1
    return np.asarray(kernel / kernel.sum())
