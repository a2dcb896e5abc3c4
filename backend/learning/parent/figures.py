"""Objects to tell apart: bodies with limbs that swing, each part an outline with a surface, and named points on them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from backend.learning.parent.textures import Surface, surface
from backend.types import Image

Points = NDArray[np.float64]
"""(n, 2) x, y."""

SKIN = 96
"""Side of a part's surface, pixels."""
CORNERS = 48
"""Points of an outline."""
LONE = 0.45
"""Share of figures without limbs."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A body or a limb, around the joint that it turns about; a figure's typical side is about 1."""

    outline: Points
    """(CORNERS, 2)"""
    marks: Points
    """(m, 2) named points, inside the outline."""
    reach: float
    """Largest distance of the outline from the joint: what the surface covers."""
    skin: Surface
    parent: int = -1
    """Index of the part that it hangs on; -1: none."""
    joint: tuple[float, float] = (0.0, 0.0)
    """Where on that part."""
    rest: float = 0.0
    """Angle to that part, radians."""
    swing: float = 0.0
    """Largest turn to either side, radians."""
    pace: float = 1.0
    """Swings in a clip."""
    phase: float = 0.0
    wobble: float = 0.0
    """How much the outline changes over time, as a share."""


Figure = tuple[Part, ...]
"""The body first; its limbs are drawn under it."""


def figure(rng: np.random.Generator, photos: Sequence[Image] = ()) -> Figure:
    """A random one: a body, often with a head, limbs or a tail."""
    skin = surface(rng, SKIN, photos)
    body = _body(rng, skin)
    if rng.random() < LONE:
        return (body,)
    limbs = [_limb(rng, body, angle, skin, photos) for angle in _directions(rng)]
    return (body, *limbs)


def reskinned(one: Figure, rng: np.random.Generator, photos: Sequence[Image] = ()) -> Figure:
    """The same shape with other surfaces."""
    return tuple(replace(part, skin=shaded(surface(rng, SKIN, photos), rng)) for part in one)


def reshaped(one: Figure, rng: np.random.Generator) -> Figure:
    """Another shape with the first one's surface."""
    other = figure(rng)
    return tuple(replace(part, skin=one[min(i, len(one) - 1)].skin) for i, part in enumerate(other))


def tinted(one: Figure, rng: np.random.Generator, most: float = 60.0) -> Figure:
    """The same shape and surface in another tone."""
    tone = rng.uniform(-most, most, 3).astype(np.float32)
    return tuple(replace(part, skin=np.clip(part.skin + tone, 0, 255)) for part in one)


def shaded(skin: Surface, rng: np.random.Generator) -> Surface:
    """As if light fell on it from one side."""
    angle, depth = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.5)
    y, x = np.mgrid[-1 : 1 : SKIN * 1j, -1 : 1 : SKIN * 1j]
    light = 1 + depth * (x * math.cos(angle) + y * math.sin(angle)) - depth / 2 * (x**2 + y**2)
    return np.asarray(np.clip(skin * light[..., None], 0, 255), np.float32)


def _body(rng: np.random.Generator, skin: Surface) -> Part:
    outline = _blob(rng) if rng.random() < 0.7 else _polygon(rng)
    outline = outline * np.exp(rng.normal(0, 0.3) * np.array([0.5, -0.5]))
    outline /= np.sqrt(np.prod(np.ptp(outline, axis=0)))
    wobble = rng.uniform(0, 0.12) if rng.random() < 0.4 else 0.0
    return _part(outline, _spread(rng, outline, int(rng.integers(2, 6))), shaded(skin, rng), wobble=wobble)


def _limb(rng: np.random.Generator, body: Part, angle: float, skin: Surface, photos: Sequence[Image]) -> Part:
    length, thick = rng.uniform(0.25, 0.9), rng.uniform(0.05, 0.22)
    round_ = rng.random() < 0.25
    outline = _capsule(length, thick) if not round_ else _blob(rng) * rng.uniform(0.2, 0.4) + [0.2, 0.0]
    tip = np.array([[outline[:, 0].max() * 0.85, 0.0]])
    edge = body.outline[int(np.argmin(np.abs(np.angle(np.exp(1j * (np.arctan2(*body.outline.T[::-1]) - angle))))))]
    own = skin if rng.random() < 0.5 else surface(rng, SKIN, photos)
    x, y = edge * 0.85
    swing = rng.uniform(0.1, 1.0) if rng.random() < 0.8 else 0.0
    return replace(
        _part(outline, tip, shaded(own, rng)),
        parent=0,
        joint=(float(x), float(y)),
        rest=angle + rng.normal(0, 0.3),
        swing=swing,
        pace=rng.uniform(0.5, 3),
        phase=rng.uniform(0, 1),
    )


def _part(outline: Points, marks: Points, skin: Surface, wobble: float = 0.0) -> Part:
    reach = float(np.hypot(*outline.T).max()) * (1 + wobble)
    return Part(outline, marks, max(reach, 1e-3), skin, wobble=wobble)


def _directions(rng: np.random.Generator) -> list[float]:
    count = int(rng.integers(1, 6))
    start = rng.uniform(0, 2 * np.pi)
    if rng.random() < 0.5:
        return [start + 2 * np.pi * i / count + rng.normal(0, 0.2) for i in range(count)]
    sides = [sign * rng.uniform(0.3, 2.6) for _ in range((count + 1) // 2) for sign in (-1, 1)]
    return [start + angle for angle in sides[:count]]


def _blob(rng: np.random.Generator) -> Points:
    angle = np.linspace(0, 2 * np.pi, CORNERS, endpoint=False)
    radius = np.ones(CORNERS)
    for k in range(2, 6):
        radius += rng.normal(0, 0.35) / k * np.cos(k * angle + rng.uniform(0, 2 * np.pi))
    return _polar(np.maximum(radius, 0.3) / 2, angle)


def _polygon(rng: np.random.Generator) -> Points:
    count = int(rng.integers(3, 9))
    angles = np.sort(np.linspace(0, 2 * np.pi, count, endpoint=False) + rng.uniform(-0.4, 0.4, count) * 2 / count)
    corners = _polar(rng.uniform(0.3, 0.55, count), angles)
    at = np.arange(CORNERS) / CORNERS * count
    low = at.astype(int)
    share = (at - low)[:, None]
    return np.asarray(corners[low] * (1 - share) + corners[(low + 1) % count] * share)


def _capsule(length: float, thick: float) -> Points:
    half = CORNERS // 2
    turn = np.linspace(-np.pi / 2, np.pi / 2, half)
    far = _polar(np.full(half, thick / 2), turn) + np.array([length, 0.0])
    return np.concatenate([far, _polar(np.full(CORNERS - half, thick / 2), turn + np.pi)])


def _spread(rng: np.random.Generator, outline: Points, count: int) -> Points:
    """Named points inside: along the rim, and the middle."""
    rim = outline[(rng.integers(CORNERS) + np.arange(count - 1) * CORNERS // max(count - 1, 1)) % CORNERS]
    return np.concatenate([rim * rng.uniform(0.6, 0.9, (count - 1, 1)), np.zeros((1, 2))])


def _polar(radius: NDArray[np.floating], angle: NDArray[np.floating]) -> Points:
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)
