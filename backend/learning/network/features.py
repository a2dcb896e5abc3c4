"""Image embedding: one vector of a frame by the frozen backbone, to tell which frames look alike, not to train on."""

from collections.abc import Iterable
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from backend.learning.geometry.scaling import as_rgb
from backend.learning.network.backbone import Backbone
from backend.types import Frame

FRAME_SIDE_PIXELS = 192
"""Frames are scaled to this many pixels square: likeness needs no detail, and the shape is the group's anyway."""
FRAMES_PER_BATCH = 16
"""Frames looked at together: about 30 MB."""


@torch.inference_mode()
def vectors(frames: Iterable[Frame], backbone: str, device: torch.device | str = "cpu") -> NDArray[np.float16]:
    """(frames, 2 * channels) float16: the mean and the maximum over the frame of the coarsest features."""
    network, remaining, found = Backbone(backbone).to(device), iter(frames), list[NDArray[np.float16]]()
    while batch := list(islice(remaining, FRAMES_PER_BATCH)):
        images = torch.stack([_scaled(frame) for frame in batch]).to(device)
        coarse = network(images.contiguous(memory_format=torch.channels_last))[-1].float()
        pooled = torch.cat([coarse.mean((2, 3)), coarse.amax((2, 3))], dim=1)
        found.append(pooled.cpu().numpy().astype(np.float16))
    return np.concatenate(found) if found else np.zeros((0, 2 * network.channels[-1]), np.float16)


def _scaled(frame: Frame) -> torch.Tensor:
    pixels = torch.from_numpy(np.ascontiguousarray(as_rgb(frame.image))).permute(2, 0, 1).float()[None] / 255
    return functional.interpolate(pixels, (FRAME_SIDE_PIXELS, FRAME_SIDE_PIXELS), mode="bilinear", antialias=True)[0]
