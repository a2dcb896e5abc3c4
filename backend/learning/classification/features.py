"""Frame descriptors: the frozen backbone's feature maps, and one vector of them that is compared with those of other frames."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from backend.learning.geometry.scaling import as_rgb
from backend.learning.network.backbone import Backbone
from backend.learning.network.device import fastest
from backend.types import Frame

Floats = NDArray[np.float32]
Maps = tuple[Floats, ...]
"""(frames, channels, height / stride, width / stride) of each of `MAP_STRIDES`."""

MAP_STRIDES = (8, 16, 32)
"""Of the maps, pixels: the finest tells how things lie, the others what they are."""
SALIENCY_EXPONENT = 2.0
"""Exponent of how far a place is from usual: its weight."""
SIDE_MULTIPLE_PIXELS = 32
"""Sides of scaled frames, pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class GroupStatistics:
    """A map as it usually is in the group."""

    mean: Floats
    """(channels, height, width) median, place by place."""
    spread: Floats
    """(channels,) deviation of a place of a frame from the mean there."""

    def difference(self, maps: Floats) -> Floats:
        """How far (frames, channels, height, width) maps are from usual, in deviations."""
        return (maps - self.mean) / self.spread[:, None, None]


def frozen(name: str, device: torch.device) -> Backbone:
    """The backbone as it is, in the fastest number format."""
    backbone = Backbone(name, MAP_STRIDES).to(device)
    backbone.freeze(("",))
    backbone.freeze_for_inference(fastest(device))
    return backbone


def size_for(frames: Sequence[Frame], side: int) -> tuple[int, int]:
    """Height and width that all frames of the group are scaled to: their typical shape, about side x side pixels."""
    shape = float(np.median([frame.height / max(frame.width, 1) for frame in frames]))
    height, width = side * shape**0.5, side / shape**0.5
    return _multiple(height), _multiple(width)


def _multiple(side: float) -> int:
    return max(round(side / SIDE_MULTIPLE_PIXELS), 1) * SIDE_MULTIPLE_PIXELS


def scaled(frame: Frame, size: tuple[int, int]) -> Tensor:
    """(3, height, width) RGB in [0, 1]."""
    pixels = torch.from_numpy(np.ascontiguousarray(as_rgb(frame.image))).permute(2, 0, 1).float()[None] / 255
    smaller = size[0] < pixels.shape[2] or size[1] < pixels.shape[3]
    return functional.interpolate(pixels, size, mode="bilinear", antialias=smaller)[0]


@torch.inference_mode()
def feature_maps(backbone: Backbone, image: Tensor, device: torch.device) -> Maps:
    """The maps of one scaled frame."""
    seen = backbone(image[None].to(device).contiguous(memory_format=torch.channels_last))
    return tuple(one.float().cpu().numpy() for one in seen)


def join(maps: Sequence[Maps]) -> Maps:
    """Maps of all frames, in order."""
    return tuple(np.concatenate(of_stride) for of_stride in zip(*maps, strict=True))


def group_statistics(maps: Maps) -> tuple[GroupStatistics, ...]:
    """Over all frames, for each stride."""
    return tuple(_statistics(one) for one in maps)


def vectors(maps: Maps, group: Sequence[GroupStatistics]) -> Floats:
    """(frames, n) posture in the finest map, and what is unusual in each of the others."""
    (fine, *others), (fine_statistics, *other_statistics) = maps, group
    saliency = [_saliency(one, statistics) for one, statistics in zip(others, other_statistics, strict=True)]
    return np.concatenate([_posture(fine, fine_statistics), *saliency], 1)


def widths(group: Sequence[GroupStatistics]) -> tuple[int, ...]:
    """How many of a vector's numbers are of each stride."""
    fine, *others = (len(one.spread) for one in group)
    return 3 * fine, *(2 * channels for channels in others)


def _statistics(maps: Floats) -> GroupStatistics:
    mean = np.median(maps, axis=0)
    return GroupStatistics(mean, np.sqrt(np.square(maps - mean).mean((0, 2, 3))) + 1e-3)


def _saliency(maps: Floats, group: GroupStatistics) -> Floats:
    """(frames, 2 channels) what is seen where the frame is not as usual: how far from usual, and as it is."""
    difference = group.difference(maps)
    weight = _weight(difference)
    return np.concatenate([_mean(difference, weight), _mean(maps, weight)], 1)


def _posture(maps: Floats, group: GroupStatistics) -> Floats:
    """(frames, 3 channels) how what is unusual lies: to which side of it each channel is, and how far from usual."""
    difference = group.difference(maps)
    weight = _weight(difference)
    return np.concatenate([_lean(maps, weight), _mean(difference, weight)], 1)


def _weight(difference: Floats) -> Floats:
    """(frames, height, width) share of each place in what is unusual in its frame."""
    weight = np.square(difference).mean(1) ** (SALIENCY_EXPONENT / 2)
    return np.asarray(weight / (weight.sum((1, 2), keepdims=True) + 1e-6), np.float32)


def _mean(maps: Floats, weight: Floats) -> Floats:
    """(frames, channels) weighted over places."""
    return np.asarray(np.einsum("nchw,nhw->nc", maps, weight), np.float32)


def _lean(maps: Floats, weight: Floats) -> Floats:
    """(frames, 2 channels) to which side of the weighted centre each channel lies: its covariance with x, then y.

    Places count in deviations of the weight around its centre, so that size does not matter.
    """
    y, x = np.meshgrid(*(np.arange(n, dtype=np.float32) for n in maps.shape[2:]), indexing="ij")
    away = [place - (weight * place).sum((1, 2), keepdims=True) for place in (x, y)]
    size = np.sqrt(sum((weight * np.square(one)).sum((1, 2), keepdims=True) for one in away) / 2) + 0.5
    centred = maps - _mean(maps, weight)[:, :, None, None]
    return np.concatenate([_mean(centred, weight * one / size) for one in away], 1)
