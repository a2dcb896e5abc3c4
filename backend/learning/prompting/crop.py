"""Crop around a prompt: the frozen backbone's features and the colours of a part of a frame, on a grid of cells."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from backend.learning.geometry.scaling import as_rgb
from backend.learning.network.backbone import Backbone
from backend.types import Box, Frame, Mask

CROP_SIDE_PIXELS = 192
"""Longest side that the part is scaled to, pixels: 2,304 cells at most. With 256 pixels a box takes 0.31 s of
one core, with 192 0.10 s."""
CELL_PIXELS = 4
"""Pixels of the scaled part per cell: the finest stride of the backbone."""
SIDE_MULTIPLE_PIXELS = 16
"""Sides of what the backbone sees are multiples of its coarsest stride."""
COLOUR_NOISE = 2.0
"""Levels of Lab that are added to its deviation: a part of one colour has no contrast to speak of."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class PromptCrop:
    """A part of a frame."""

    features: Floats
    """(rows, columns, d): each level of the backbone, and the colour, with the same weight."""
    box: Box
    """Where it lies, in pixels of the original frame."""
    size: tuple[int, int]
    """Width and height of the original frame, pixels."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of cells."""
        return self.features.shape[0], self.features.shape[1]

    @property
    def centres(self) -> tuple[Floats, Floats]:
        """x and y of the cells' centres (rows, columns), in pixels of the original frame."""
        rows, columns = self.shape
        x0, y0, x1, y1 = self.box
        x = x0 + (np.arange(columns, dtype=np.float32) + 0.5) * (x1 - x0) / columns
        y = y0 + (np.arange(rows, dtype=np.float32) + 0.5) * (y1 - y0) / rows
        return np.broadcast_to(x, (rows, columns)), np.broadcast_to(y[:, None], (rows, columns))

    def place(self, box: Box) -> Floats:
        """(rows, columns, 2): x and y of the cells' centres from the middle of a box, in its half sides."""
        (x, y), (x0, y0, x1, y1) = self.centres, box
        across, down = max(x1 - x0, 1.0) / 2, max(y1 - y0, 1.0) / 2
        return np.asarray(np.stack([(x - (x0 + x1) / 2) / across, (y - (y0 + y1) / 2) / down], axis=-1), np.float32)

    def cells_of(self, known: Mask | Floats) -> Floats:
        """(rows, columns): the mean in each cell of what is known of each pixel of the original frame; of a mask its share."""
        x0, y0, x1, y1 = (round(edge) for edge in self.box)
        part = known[y0:y1, x0:x1].astype(np.float32)
        return np.asarray(cv2.resize(part, self.shape[::-1], interpolation=cv2.INTER_AREA), np.float32)

    def mask_of(self, cells: Floats, threshold: float) -> Mask:
        """(height, width) of the original frame: where values of the cells are above the threshold, between them too."""
        return np.asarray(self.full_size(cells, -np.inf) > threshold)

    def full_size(self, cells: Floats, beyond: float = 0.0) -> Floats:
        """(height, width) of the original frame: values of the cells, and between them; another one `beyond` the part."""
        x0, y0, x1, y1 = (round(edge) for edge in self.box)
        found = np.full((self.size[1], self.size[0]), beyond, np.float32)
        found[y0:y1, x0:x1] = cv2.resize(cells, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR)
        return found


def cut(frame: Frame, box: Box, backbone: str) -> PromptCrop:
    """The part of a frame in a box of original pixels; widened to whole pixels, and to two of them at least."""
    x0, y0 = max(int(box[0]), 0), max(int(box[1]), 0)
    x1 = min(max(int(np.ceil(box[2])), x0 + 2), frame.width)
    y1 = min(max(int(np.ceil(box[3])), y0 + 2), frame.height)
    x0, y0 = max(min(x0, x1 - 2), 0), max(min(y0, y1 - 2), 0)
    across, down = frame.image.shape[1] / frame.width, frame.image.shape[0] / frame.height
    rows, columns = (
        slice(int(y0 * down), max(round(y1 * down), int(y0 * down) + 1)),
        slice(int(x0 * across), max(round(x1 * across), int(x0 * across) + 1)),
    )
    pixels = _scaled(as_rgb(frame.image)[rows, columns])
    return PromptCrop(
        _features(pixels, backbone), (float(x0), float(y0), float(x1), float(y1)), (frame.width, frame.height)
    )


def _scaled(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    scale = CROP_SIDE_PIXELS / max(pixels.shape[:2])
    height, width = (
        max(round(side * scale / SIDE_MULTIPLE_PIXELS), 1) * SIDE_MULTIPLE_PIXELS for side in pixels.shape[:2]
    )
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=method), np.uint8)


@torch.inference_mode()
def _features(pixels: NDArray[np.uint8], backbone: str) -> Floats:
    image = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
    grid = (pixels.shape[0] // CELL_PIXELS, pixels.shape[1] // CELL_PIXELS)
    levels = [functional.interpolate(level.float(), grid, mode="bilinear")[0] for level in _network(backbone)(image)]
    lab = cv2.cvtColor(cv2.resize(pixels, grid[::-1], interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2LAB)
    colour = torch.from_numpy(lab).permute(2, 0, 1).float()
    parts = [_standardized(level, 1e-3 * float(level.std())) for level in levels] + [
        _standardized(colour, COLOUR_NOISE)
    ]
    return np.ascontiguousarray(torch.cat(parts).permute(1, 2, 0).numpy())


def _standardized(planes: Tensor, noise: float) -> Tensor:
    """(channels, rows, columns) without mean, of a variance of one in all."""
    deviation = planes.std((1, 2), keepdim=True) + noise + torch.finfo(planes.dtype).tiny
    scaled: Tensor = (planes - planes.mean((1, 2), keepdim=True)) / deviation / len(planes) ** 0.5
    return scaled


@lru_cache(maxsize=1)
def _network(backbone: str) -> Backbone:
    """The frozen network for prediction; it shares its layers with the micro-models."""
    network = Backbone(backbone)
    network.freeze_for_inference(torch.float32, whole=True)
    return network
