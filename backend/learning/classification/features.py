"""What the frozen backbone sees in a frame: as maps, and as a few vectors that views of the frame can be compared by."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from backend.learning.geometry.scaling import as_rgb
from backend.learning.network.backbone import Backbone
from backend.types import Frame

Floats = NDArray[np.float32]

BLOCKS = ("whole", "places", "unusual", "posture")
"""The kinds of vectors: of the whole frame; of its parts; of what differs from the group's usual frame; of how that
lies, looked at closely: which of its features are on its left, right, upper and lower side. With posture, accuracy over eight
random choices of labels: a mouse's heading 0.889 -> 0.928, slices of a heart 0.848 -> 0.865, letters 0.994 -> 0.996."""
PARTS = 4
"""Rows and columns of the parts that places are compared by."""
SHARPNESS = 2.0
"""Exponent of how far a place is from usual: its weight."""
MULTIPLE = 32
"""Sides of scaled frames, pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Maps:
    """What the backbone sees in some frames; float16."""

    fine: NDArray[np.float16]
    """(frames, channels, height / 8, width / 8)."""
    coarse: NDArray[np.float16]
    """(frames, channels, height / 16, width / 16)."""

    def __len__(self) -> int:
        return len(self.coarse)


@dataclass(frozen=True, slots=True, eq=False)
class Typical:
    """One of the maps as it typically is in the group."""

    mean: Floats
    """(channels, height, width) place by place."""
    spread: Floats
    """(channels,) deviation of a place of a frame from the mean there."""

    def difference(self, maps: Floats) -> Floats:
        """How far (frames, channels, height, width) maps are from typical, in deviations."""
        return (maps - self.mean) / self.spread[:, None, None]


@dataclass(frozen=True, slots=True, eq=False)
class Usual:
    """What is usual in the group."""

    fine: Typical
    coarse: Typical


def size_for(frames: Sequence[Frame], side: int) -> tuple[int, int]:
    """Height and width that all frames of the group are scaled to: their typical shape, about side x side pixels."""
    shape = float(np.median([frame.height / max(frame.width, 1) for frame in frames]))
    height, width = side * shape**0.5, side / shape**0.5
    return max(round(height / MULTIPLE), 1) * MULTIPLE, max(round(width / MULTIPLE), 1) * MULTIPLE


def scaled(frame: Frame, size: tuple[int, int]) -> Tensor:
    """(3, height, width) RGB in [0, 1]."""
    pixels = torch.from_numpy(np.ascontiguousarray(as_rgb(frame.image))).permute(2, 0, 1).float()[None] / 255
    smaller = size[0] < pixels.shape[2] or size[1] < pixels.shape[3]
    return functional.interpolate(pixels, size, mode="bilinear", antialias=smaller)[0]


@torch.inference_mode()
def look(backbone: Backbone, image: Tensor, device: torch.device) -> Maps:
    """The maps of one scaled frame."""
    _, fine, coarse = backbone(image[None].to(device).contiguous(memory_format=torch.channels_last))
    return Maps(fine.float().cpu().numpy().astype(np.float16), coarse.float().cpu().numpy().astype(np.float16))


def join(maps: Sequence[Maps]) -> Maps:
    """Maps of all frames, in order."""
    return Maps(np.concatenate([m.fine for m in maps]), np.concatenate([m.coarse for m in maps]))


def usual(maps: Maps) -> Usual:
    """Over all frames of the group."""
    return Usual(_typical(maps.fine), _typical(maps.coarse))


def _typical(maps: NDArray[np.float16]) -> Typical:
    seen = maps.astype(np.float32)
    mean = np.median(seen, axis=0)
    return Typical(mean, np.sqrt(np.square(seen - mean).mean((0, 2, 3))) + 1e-3)


def vectors(maps: Maps, group: Usual) -> dict[str, Floats]:
    """For each block, (frames, n)."""
    fine, coarse = maps.fine.astype(np.float32), maps.coarse.astype(np.float32)
    pooled = functional.adaptive_avg_pool2d(torch.from_numpy(coarse), PARTS).flatten(1).numpy()
    whole = [coarse.mean((2, 3)), coarse.max((2, 3)), fine.mean((2, 3)), fine.max((2, 3))]
    difference, close = group.coarse.difference(coarse), group.fine.difference(fine)
    far, near = _weight(difference), _weight(close)
    return {
        "whole": np.concatenate(whole, 1),
        "places": pooled,
        "unusual": np.concatenate([_mean(difference, far), _mean(coarse, far)], 1),
        "posture": np.concatenate([_lean(fine, near), _mean(close, near)], 1),
    }


def _weight(difference: Floats) -> Floats:
    """(frames, height, width) share of each place in what is unusual in its frame."""
    weight = np.square(difference).mean(1) ** (SHARPNESS / 2)
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
