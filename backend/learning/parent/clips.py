"""Clips made up by code: a few frames of one scene, at moments far apart, with all that a person would label in them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.learning.parent.actors import Actor, Drawn, Path, drawn
from backend.learning.parent.camera import Camera, camera
from backend.learning.parent.figures import Figure, Points, figure, reshaped, reskinned, tinted
from backend.learning.parent.textures import Surface, clouds, colour, paint, partition, surface
from backend.learning.segmentation.masks import hull
from backend.types import Image

HIDDEN = 0.35
"""Share of an object that must be seen for it to be labelled; below, it teaches nothing."""
TINY = 9.0
"""The same, pixels."""
GROUND, SPREAD = 448, 4
"""Side of a background, pixels at most, and in sides of the frame at most."""


class Asked(StrEnum):
    """What a clip is for."""

    BOXES = "boxes"
    """And masks: objects among many, small."""
    MASKS = "masks"
    """And boxes: objects that fill more of the frame."""
    POINTS = "points"
    """Of the object in the middle."""
    STRUCTURE = "structure"
    """A mask of something without end, as tissue has it; no boxes."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A labelled object in a frame."""

    label: int
    box: tuple[float, float, float, float]
    """Around what is visible of it."""
    points: Points
    """(k, 2) its named points."""
    present: NDArray[np.bool_]
    """(k,) those in the frame and not hidden."""


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """One frame of a clip."""

    image: Image
    """(side, side, 3) RGB."""
    seen: tuple[Seen, ...]
    masks: NDArray[np.bool_]
    """(labels, side, side)"""
    doubtful: NDArray[np.float32]
    """(n, 4) boxes of what is there but nearly hidden."""


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """Frames of one scene."""

    asked: Asked
    labels: int
    keypoints: int
    """Of the labelled figure."""
    shots: tuple[Shot, ...]


def clip(rng: np.random.Generator, asked: Asked, count: int, side: int, photos: Sequence[Image] = ()) -> Clip:
    """`count` frames of (side, side), in no order. The same generator state gives the same clip."""
    if asked is Asked.STRUCTURE:
        return _structure(rng, count, side, photos)
    actors = cast(rng, asked, side, photos)
    ground = surface(rng, min(GROUND, SPREAD * side), photos)
    view = camera(rng, steady=asked is Asked.POINTS)
    times = (rng.permutation(count) + rng.uniform(0, 1, count)) / count
    shots = tuple(_shot(actors, ground, view, float(time), side, asked, rng) for time in times)
    wanted = [actor for actor in actors if actor.label >= 0]
    keypoints = sum(len(part.marks) for part in wanted[0].figure)
    return Clip(asked, max(actor.label for actor in wanted) + 1, keypoints, shots)


def cast(rng: np.random.Generator, asked: Asked, side: int, photos: Sequence[Image] = ()) -> list[Actor]:
    """Who plays, from back to front: the wanted ones, look-alikes of them, others, and what hides them."""
    size = _size(rng, asked, side)
    star = figure(rng, photos)
    upright = rng.random() < 0.4
    labels = 2 if rng.random() < 0.25 and asked is not Asked.POINTS else 1
    stars = [star, *(_other(star, rng, photos) for _ in range(labels - 1))]
    crowd = [(stars[label], label) for label in range(labels) for _ in range(_number(rng, asked))]
    crowd = [(tinted(one, rng, 25.0), label) if rng.random() < 0.3 else (one, label) for one, label in crowd]
    lookalikes = [(_other(star, rng, photos), -1) for _ in range(rng.integers(0, 4))]
    others = [(figure(rng, photos), -1) for _ in range(rng.integers(0, 4))]
    actors = [_actor(one, label, size, side, upright, rng) for one, label in [*crowd, *lookalikes, *others]]
    order = rng.permutation(len(actors))
    hiders = rng.integers(0, 3 if asked is Asked.BOXES else 2)
    hiding = [_actor(figure(rng, photos), -1, size * rng.uniform(0.5, 1.5), side, False, rng) for _ in range(hiders)]
    placed = [actors[i] for i in order] + hiding
    return [_centred(actor, side) if asked is Asked.POINTS and actor.label == 0 else actor for actor in placed]


def _size(rng: np.random.Generator, asked: Asked, side: int) -> float:
    middle = {Asked.BOXES: 0.17, Asked.MASKS: 0.4, Asked.POINTS: 0.45}[asked]
    return float(np.clip(side * middle * math.exp(rng.normal(0, 0.4)), 6, 0.8 * side))


def _number(rng: np.random.Generator, asked: Asked) -> int:
    return int(rng.choice([1, 1, 1, 2, 4])) if asked is Asked.BOXES else 1


def _other(star: Figure, rng: np.random.Generator, photos: Sequence[Image]) -> Figure:
    """One that could be taken for it."""
    kind = rng.integers(4)
    if kind == 0:
        return reskinned(star, rng, photos)
    return reshaped(star, rng) if kind == 1 else tinted(star, rng, 90.0) if kind == 2 else figure(rng, photos)


def _actor(one: Figure, label: int, size: float, side: int, upright: bool, rng: np.random.Generator) -> Actor:
    quick = rng.uniform(0.1, 3)
    path = Path(
        middle=tuple(rng.uniform(0.2, 0.8, 2) * side),
        sweep=tuple(rng.uniform(0, 0.45, 2) * side),
        pace=tuple(rng.uniform(0.3, 1, 2) * quick),
        phase=tuple(rng.uniform(0, 1, 3)),
        angle=rng.normal(0, 0.15) if upright else rng.uniform(0, 2 * np.pi),
        spin=rng.normal(0, 0.3) if upright else rng.normal(0, 2.5),
        growth=rng.normal(0, 0.5),
        squash=rng.uniform(0, 0.6) * (rng.random() < 0.6),
    )
    absent = rng.uniform(0, 0.6) if rng.random() < 0.25 else 2.0
    faint, soft = rng.random() < 0.15, rng.random() < 0.2
    return Actor(
        figure=one,
        label=label,
        size=size * math.exp(rng.normal(0, 0.15)),
        path=path,
        opacity=rng.uniform(0.35, 0.9) if faint else 1.0,
        softness=rng.uniform(0.5, 2.5) if soft else 0.4,
        away=(absent, absent + rng.uniform(0.2, 0.4)),
    )


def _centred(actor: Actor, side: int) -> Actor:
    path = replace(
        actor.path, middle=(side / 2, side / 2), sweep=(0.07 * side, 0.07 * side), growth=actor.path.growth / 3
    )
    return replace(actor, path=path, away=(2.0, 2.0))


def _shot(
    actors: Sequence[Actor],
    ground: Surface,
    view: Camera,
    time: float,
    side: int,
    asked: Asked,
    rng: np.random.Generator,
) -> Shot:
    canvas, follow = view.ground(ground, time, side, rng)
    labels = max(actor.label for actor in actors) + 1
    owner = np.full((side, side), -1, np.int16)
    there: dict[int, Drawn] = {}
    for index, actor in enumerate(actors):
        one = drawn(actor, time, side, follow if asked is not Asked.POINTS or actor.label < 0 else np.zeros(2))
        if one is not None:
            _compose(canvas, owner, one, index)
            there[index] = one
    image = view.developed(canvas, time, rng)
    seen, doubtful = [], []
    masks = np.zeros((labels, side, side), bool)
    for index, one in there.items():
        if (label := actors[index].label) < 0:
            continue
        visible = owner == index
        masks[label] |= visible
        pixels = int(visible.sum())
        if pixels >= max(TINY, HIDDEN * one.area):
            seen.append(Seen(label, hull(visible), one.points, _present(one.points, visible)))
        elif pixels:
            doubtful.append(hull(visible))
    return Shot(image, tuple(seen), masks, np.array(doubtful, np.float32).reshape(-1, 4))


def _compose(canvas: NDArray[np.float32], owner: NDArray[np.int16], one: Drawn, index: int) -> None:
    x, y = one.corner
    height, width = one.cover.shape
    part = canvas[y : y + height, x : x + width]
    part *= 1 - one.cover[..., None]
    part += one.colour
    owner[y : y + height, x : x + width][one.shape] = index


def _present(points: Points, visible: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether each point lies on a visible pixel."""
    at = np.floor(points).astype(int)
    inside = ((at >= 0) & (at < [visible.shape[1], visible.shape[0]])).all(1)
    at = np.clip(at, 0, [visible.shape[1] - 1, visible.shape[0] - 1])
    return np.asarray(inside & visible[at[:, 1], at[:, 0]])


def _structure(rng: np.random.Generator, count: int, side: int, photos: Sequence[Image]) -> Clip:
    """Walls between cells, or one kind of spots, over soft shapes: other cells in each frame, the same look."""
    walls = rng.random() < 0.6
    cells, thick = int(rng.integers(6, 50)), rng.uniform(0.008, 0.035)
    soft, view = rng.uniform(0.5, 2.0), camera(rng, steady=True)
    inner, outer = (colour(rng).astype(np.float32) for _ in range(2))
    shots = []
    for time in rng.permutation(count) / count:
        spread = partition(rng, side, cells)[0] if walls else clouds(rng, side, int(rng.integers(4, 9)))
        mask = spread < thick if walls else spread > 0.68
        ground = paint(clouds(rng, side, 4), np.random.default_rng(int(cells * 1000 + thick * 1e6))) * 0.5 + outer * 0.5
        share = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), soft)[..., None]
        canvas = ground * (1 - share) + inner * share
        no_boxes = np.zeros((0, 4), np.float32)
        shots.append(Shot(view.developed(canvas.astype(np.float32), float(time), rng), (), mask[None], no_boxes))
    return Clip(Asked.STRUCTURE, 1, 0, tuple(shots))
