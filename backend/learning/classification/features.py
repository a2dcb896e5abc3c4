"""What the frozen backbone sees in a frame: as maps, and as a few vectors that views of the frame can be compared by."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from backend.learning.backbone import Backbone
from backend.learning.scaling import as_rgb
from backend.types import Frame

Floats = NDArray[np.float32]

BLOCKS = ("whole", "places", "unusual")
"""The kinds of vectors: of the whole frame; of its parts; of what differs from the group's usual frame."""
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
class Usual:
    """What is usual in the group, place by place and channel by channel."""

    mean: Floats
    """(channels, height / 16, width / 16) of the coarse maps."""
    spread: Floats
    """(channels,) deviation of a place of a frame from the mean there."""


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
    coarse = maps.coarse.astype(np.float32)
    mean = np.median(coarse, axis=0)
    return Usual(mean, np.sqrt(np.square(coarse - mean).mean((0, 2, 3))) + 1e-3)


def vectors(maps: Maps, group: Usual) -> dict[str, Floats]:
    """For each block, (frames, n)."""
    fine, coarse = maps.fine.astype(np.float32), maps.coarse.astype(np.float32)
    pooled = functional.adaptive_avg_pool2d(torch.from_numpy(coarse), PARTS).flatten(1).numpy()
    whole = [coarse.mean((2, 3)), coarse.max((2, 3)), fine.mean((2, 3)), fine.max((2, 3))]
    difference = (coarse - group.mean) / group.spread[:, None, None]
    weight = np.square(difference).mean(1) ** (SHARPNESS / 2)
    weight = weight / (weight.sum((1, 2), keepdims=True) + 1e-6)
    unusual = [np.einsum("nchw,nhw->nc", difference, weight), np.einsum("nchw,nhw->nc", coarse, weight)]
    return {"whole": np.concatenate(whole, 1), "places": pooled, "unusual": np.concatenate(unusual, 1)}
