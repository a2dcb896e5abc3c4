"""What the frozen backbone sees in a frame, as one vector: to tell which frames look alike, not to train on."""

from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from backend.learning.backbone import Backbone
from backend.learning.scaling import as_rgb
from backend.types import Frame

SIDE = 192
"""Frames are scaled to this many pixels square: likeness needs no detail, and the shape is the group's anyway."""
BATCH = 16
"""Frames looked at together: about 30 MB."""


def vectors(
    frames: Iterable[Frame], backbone: str, device: torch.device | str = "cpu"
) -> Iterator[NDArray[np.float16]]:
    """(n, 2 * channels) float16 for the next n <= BATCH frames: the mean and the maximum over each frame of the coarsest
    features. Lazy, so that whoever keeps them may stop between two batches."""
    network, remaining = Backbone(backbone).to(device), iter(frames)
    while batch := list(islice(remaining, BATCH)):
        yield _pooled(network, torch.stack([_scaled(frame) for frame in batch]).to(device))


@torch.inference_mode()
def _pooled(network: Backbone, images: torch.Tensor) -> NDArray[np.float16]:
    coarse = network(images.contiguous(memory_format=torch.channels_last))[-1].float()
    pooled = torch.cat([coarse.mean((2, 3)), coarse.amax((2, 3))], dim=1)
    return pooled.cpu().numpy().astype(np.float16)


def _scaled(frame: Frame) -> torch.Tensor:
    pixels = torch.from_numpy(np.ascontiguousarray(as_rgb(frame.image))).permute(2, 0, 1).float()[None] / 255
    return functional.interpolate(pixels, (SIDE, SIDE), mode="bilinear", antialias=True)[0]
