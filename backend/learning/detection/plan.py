"""Config of a detection micro-model, chosen by the labels: its scale, its crops and the rules of its answers."""

from collections.abc import Sequence

import numpy as np

from backend.learning.detection.config import DetectionConfig, candidates_for
from backend.learning.detection.recipe import DetectionRecipe
from backend.learning.geometry.rotation import has_turned, upright
from backend.learning.geometry.scaling import Scale, largest_side, scale_for, typical_side, usual_area
from backend.learning.network.config import MOST_OBJECTS
from backend.types import Head, LabeledFrame

LARGE_SIDES = 2.0
"""Sides of a typical object, as the recipe scales it, from which one is large: half the scale then suits it."""


def plan(labeled: Sequence[LabeledFrame], labels: tuple[str, ...], recipe: DetectionRecipe) -> DetectionConfig:
    """Of the labelled frames."""
    turned, labeled = has_turned(labeled), [upright(one) for one in labeled]
    scale = scale_for(labeled, recipe.object_side, recipe.largest_scale, _pixels(labeled, recipe))
    large = LARGE_SIDES * recipe.object_side
    counts = [[min(sum(i.label == label for i in f.instances), MOST_OBJECTS) for f in labeled] for label in labels]
    return DetectionConfig(
        head=Head.DETECTION,
        labels=labels,
        backbone=recipe.backbone,
        frozen=recipe.frozen,
        width=recipe.width,
        size=(_typical(labeled, 0, scale, recipe), _typical(labeled, 1, scale, recipe)),
        factor=scale.factor,
        pixels=scale.pixels,
        area=scale.area,
        counts=tuple(tuple(c) for c in counts),
        score_floor=recipe.score_floor,
        score_threshold=recipe.score_threshold,
        overlap=recipe.overlap,
        turned=turned,
        large=0.0 if turned or largest_side(labeled, scale) < large else large,
        linking=recipe.linking,
        smoothing=recipe.smoothing,
        count_prior=recipe.count_prior,
        calibration=recipe.calibration,
        refinement=recipe.refinement,
        most_candidates=min(max(recipe.most_candidates, sum(candidates_for(c) for c in counts)), MOST_OBJECTS),
    )


def _pixels(labeled: Sequence[LabeledFrame], recipe: DetectionRecipe) -> int:
    """Frames come to at most `frame_pixels`, larger ones to more where their objects would get too small."""
    needed = usual_area(labeled) * (recipe.least_side / typical_side(labeled)) ** 2
    return round(min(max(needed, recipe.frame_pixels), recipe.most_pixels))


def _typical(labeled: Sequence[LabeledFrame], axis: int, scale: Scale, recipe: DetectionRecipe) -> float:
    """Width (axis 0) or height of an object, pixels of the scaled frame."""
    sides = [
        (i.box[2 + axis] - i.box[axis]) * scale.of(f.frame.width, f.frame.height) for f in labeled for i in f.instances
    ]
    return max(float(np.median(sides)), 2.0) if sides else recipe.object_side
