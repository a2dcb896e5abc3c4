"""Training crops of whole frames, scaled down, for the object locator."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from backend.learning.detection.candidates import DRAWN_BOX_WEIGHT, TrainingCrop
from backend.learning.geometry.colour import recolour
from backend.learning.geometry.crop import Points, View, turned
from backend.learning.geometry.scaling import to_tensor
from backend.learning.pose.config import PoseConfig
from backend.learning.pose.sample import point_bounds
from backend.types import Frame

LEAST_ZOOM, MOST_ZOOM = 0.75, 1.33
"""Limits of the random scaling."""
OBJECT_CROP_SHARE = 0.5
"""Share of crops that are centred on an object."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A frame with the points of its objects."""

    image: Tensor
    """(3, h, w) uint8 RGB."""
    objects: tuple[Points, ...]
    """(n, 2) present points of each, n > 0, in pixels of the image."""
    weight: float = 1.0


def scene_of(frame: Frame, objects: Sequence[Points], config: PoseConfig, device: torch.device) -> Scene:
    """The frame scaled, with the points (n, 2) of its objects given in original pixels."""
    image, factor = to_tensor(frame, config.coarse)
    return Scene(image.to(device), tuple(points * factor for points in objects))


def crop_of(scene: Scene, config: PoseConfig, side: int, rng: np.random.Generator) -> TrainingCrop:
    """A random crop, with the boxes around its objects' points."""
    size = np.array([scene.image.shape[2], scene.image.shape[1]], float)
    margin = np.minimum(size / 2, side * 0.4)
    centre = rng.uniform(margin, size - margin)
    if scene.objects and rng.random() < OBJECT_CROP_SHARE:
        centre = scene.objects[rng.integers(len(scene.objects))].mean(0) + rng.uniform(-0.4, 0.4, 2) * side
    mirror = bool(config.mirrors and rng.random() < 0.5)
    zoom = float(np.exp(rng.uniform(np.log(LEAST_ZOOM), np.log(MOST_ZOOM))))
    view = View(centre, turned(zoom, float(rng.uniform(-1, 1)) * config.turn, mirror), side)
    boxes = np.array([point_bounds(view.to_crop(points)) for points in scene.objects], np.float32).reshape(-1, 4)
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    inside = ((middle >= 0) & (middle < side)).all(1)
    outlines = np.full(int(inside.sum()), DRAWN_BOX_WEIGHT, np.float32)
    image = recolour(view.cut(scene.image), rng)
    return TrainingCrop(image, boxes[inside], np.zeros(int(inside.sum()), np.int64), boxes[~inside], outlines)
