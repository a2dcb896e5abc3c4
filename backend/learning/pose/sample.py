"""One object with its keypoints, cut out of its frame, to draw training crops from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.learning.geometry.crop import Points, View, turned, upright
from backend.learning.pose.config import PoseConfig
from backend.learning.pose.head import Targets
from backend.types import Box, Keypoint

LEAST_ZOOM, MOST_ZOOM = 0.8, 1.25
"""Limits of the random scaling."""
SHIFT_LIMIT_SIDES = 0.1
"""Largest random move of the middle, in sides of the crop: boxes are predicted, and not exact."""
ASPECT_DEVIATION = 0.06
"""Deviation of the random ratio of width to height, as a logarithm."""
CUT_OUT_SIDES = 1.5
"""Side of what is cut out of the frame, in sides of a crop: all that a turned and moved crop shows."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """An object to learn from."""

    image: Tensor
    """(3, h, w) uint8 RGB, the object's surroundings."""
    points: Points
    """(keypoints, 2) in its pixels; of absent ones anything."""
    present: NDArray[np.bool_]
    """(keypoints,)"""
    centre: Points
    """(2,) of the object's box."""
    zoom: float
    """Crop pixels per pixel of the image."""
    weight: float = 1.0


def point_bounds(points: Points) -> Box:
    """The smallest box around (n, 2) points, n > 0, at least a pixel wide and high."""
    low, high = points.min(0), np.maximum(points.max(0), points.min(0) + 1)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def diagonal(box: Box) -> float:
    """Of a box, pixels; it changes less than the sides do when an animal turns."""
    return float(np.hypot(box[2] - box[0], box[3] - box[1]))


def arrays_of(points: Sequence[Keypoint], labels: Mapping[str, int]) -> tuple[Points, NDArray[np.bool_]]:
    """(keypoints, 2) places and (keypoints,) whether they are present; of two of one label the first counts."""
    places, present = np.zeros((len(labels), 2)), np.zeros(len(labels), bool)
    for point in points:
        index = labels.get(point.label)
        if index is not None and not present[index] and np.isfinite([point.x, point.y]).all():
            places[index], present[index] = (point.x, point.y), True
    return places, present


def crop_view(box: Box, config: PoseConfig, factor: float) -> View:
    """The crop around a box of the original frame, in a frame scaled by `factor`."""
    least, _, greatest = config.diagonals
    wide = float(np.clip(diagonal(box), least * 0.85, greatest * 1.15))
    centre = np.array([box[0] + box[2], box[1] + box[3]]) / 2 * factor
    return upright(centre, config.crop / (config.margin * wide * factor), config.crop)


def sample_of(
    image: Tensor, factor: float, box: Box, points: Points, present: NDArray[np.bool_], config: PoseConfig
) -> Sample:
    """Of one object; box and points in original pixels, the image scaled by `factor`."""
    view = crop_view(box, config, factor)
    zoom = float(view.gain[0, 0])
    reach = CUT_OUT_SIDES / 2 * config.crop / zoom
    size = np.array([image.shape[2], image.shape[1]])
    low = np.clip(np.floor(view.centre - reach), 0, size - 1).astype(int)
    high = np.clip(np.ceil(view.centre + reach), low + 1, size).astype(int)
    part = image[:, low[1] : high[1], low[0] : high[0]].clone()
    return Sample(part, points * factor - low, present, view.centre - low, zoom)


def random_view(sample: Sample, config: PoseConfig, rng: np.random.Generator) -> tuple[View, bool]:
    """A view of a sample, and whether it is mirrored."""
    mirror = bool(config.mirrors and rng.random() < 0.5)
    zoom = sample.zoom * float(np.exp(rng.uniform(np.log(LEAST_ZOOM), np.log(MOST_ZOOM))))
    angle = float(rng.uniform(-1, 1)) * config.turn
    gain = turned(zoom, angle, mirror, float(np.exp(rng.normal(0, ASPECT_DEVIATION))))
    shift = rng.uniform(-SHIFT_LIMIT_SIDES, SHIFT_LIMIT_SIDES, 2) * config.crop / zoom
    return View(sample.centre + shift, gain, config.crop), mirror


def targets_of(
    samples: Sequence[Sample], views: Sequence[tuple[View, bool]], config: PoseConfig, device: torch.device
) -> Targets:
    """What the views of these samples hold; keypoints outside a view teach nothing."""
    points, present, weight = [], [], []
    for sample, (view, mirror) in zip(samples, views, strict=True):
        order = list(config.partners) if mirror else slice(None)
        there = view.to_crop(sample.points)[order]
        inside = ((there >= 0) & (there < view.side)).all(1)
        shown = sample.present[order]
        points.append(there)
        present.append(shown)
        weight.append(inside | ~shown)
    return Targets(
        torch.tensor(np.array(points), dtype=torch.float32, device=device),
        torch.tensor(np.array(present), device=device),
        torch.tensor(np.array(weight), dtype=torch.float32, device=device),
    )
