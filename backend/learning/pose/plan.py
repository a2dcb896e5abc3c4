"""Config of a pose micro-model, chosen by the labels: its scale, its crops and the rules of its answers."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from backend.learning.geometry.scaling import UNKNOWN_SIDE, scale_for, to_usual, usual_area
from backend.learning.network.config import MOST_OBJECTS
from backend.learning.pose.config import PoseConfig
from backend.learning.pose.recipe import PoseRecipe
from backend.learning.pose.sample import arrays_of, diagonal, point_bounds
from backend.learning.pose.skeleton import Pose, place_deviations, rotation_range
from backend.learning.pose.symmetry import partners
from backend.types import Box, Instance, LabeledFrame

LEAST_DIAGONAL = 8.0
"""Of an object, pixels: one of a single keypoint has no size of its own."""
MAX_POSES = 40
"""Labelled objects that others are compared with, at most: bounds the time."""


def usable(labeled: LabeledFrame, labels: tuple[str, ...]) -> LabeledFrame:
    """Without instances that have no keypoint; the box of one without rectangle is that of its keypoints."""
    index = {label: i for i, label in enumerate(labels)}
    kept = []
    for one in labeled.instances:
        points, present = arrays_of(one.keypoints, index)
        if present.any():
            drawn = one.label and one.box[2] > one.box[0] and one.box[3] > one.box[1]
            kept.append(one if drawn else replace(one, box=point_bounds(points[present])))
    return replace(labeled, instances=tuple(kept))


def plan(labeled: Sequence[LabeledFrame], labels: tuple[str, ...], recipe: PoseRecipe) -> PoseConfig:
    """Of the usable labelled frames. Where one object has a rectangle, those without are left out."""
    parented = any(one.label for frame in labeled for one in frame.instances)
    index = {label: i for i, label in enumerate(labels)}
    drawn = [one for frame in labeled for one in frame.instances if bool(one.label) == parented]
    wide = [max(diagonal(one.box), LEAST_DIAGONAL) for one in drawn] or [UNKNOWN_SIDE]
    coarse = scale_for(labeled, recipe.coarse_side, 1.0, recipe.coarse_pixels)
    sides = [float(np.median(_sides(labeled, parented, axis) or [UNKNOWN_SIDE])) for axis in (0, 1)]
    poses = tuple(_pose(one, index) for one in drawn[:: -(-len(drawn) // MAX_POSES) or 1])
    return PoseConfig(
        labels=labels,
        partners=partners(labels),
        parented=parented,
        backbone=recipe.backbone,
        frozen=recipe.frozen,
        width=recipe.width,
        crop=recipe.crop,
        margin=recipe.margin if parented else recipe.points_margin,
        diagonals=(min(wide), float(np.median(wide)), max(wide)),
        coarse_factor=coarse.factor,
        coarse_pixels=coarse.pixels,
        size=(max(sides[0] * coarse.factor, 4.0), max(sides[1] * coarse.factor, 4.0)),
        counts=tuple(
            min(sum(bool(one.label) == parented for one in frame.instances), MOST_OBJECTS) for frame in labeled
        ),
        turn=rotation_range([arrays_of(one.keypoints, index) for one in drawn]),
        views=recipe.views,
        thresholds=(recipe.score_threshold,) * len(labels),
        poses=poses,
        skeleton=recipe.skeleton,
        area=coarse.area,
        loose=tuple(float(v) for v in place_deviations(np.array(poses, float).reshape(-1, len(labels), 3))),
    )


def _sides(labeled: Sequence[LabeledFrame], parented: bool, axis: int) -> list[float]:
    """Widths (axis 0) or heights of the labelled objects, pixels of a frame of the usual size."""
    area = usual_area(labeled)
    return [
        (one.box[2 + axis] - one.box[axis]) * to_usual(area, frame.frame.width, frame.frame.height)
        for frame in labeled
        for one in frame.instances
        if bool(one.label) == parented
    ]


def _pose(instance: Instance, index: dict[str, int]) -> Pose:
    points, present = arrays_of(instance.keypoints, index)
    places = (points - _corner(instance.box)) / max(diagonal(instance.box), LEAST_DIAGONAL)
    return tuple((float(x), float(y), float(there)) for (x, y), there in zip(places, present, strict=True))


def _corner(box: Box) -> tuple[float, float]:
    return box[0], box[1]
