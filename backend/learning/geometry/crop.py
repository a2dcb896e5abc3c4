"""Affine crop: a square view of a picture, moved, turned, scaled, mirrored; points along with it, and back."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

Points = NDArray[np.float64]
"""(..., 2) x, y in pixels."""
PADDING_GREY = 0.5
"""Of what lies outside an image."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """Where a crop lies in its picture."""

    centre: Points
    """(2,) of the crop, in pixels of the picture."""
    gain: Points
    """(2, 2) crop pixels per picture pixel."""
    side: int
    """Of the crop, pixels."""

    def to_crop(self, points: Points) -> Points:
        """Pixels of the picture -> pixels of the crop."""
        return np.asarray((points - self.centre) @ self.gain.T + self.side / 2)

    def to_image(self, points: Points) -> Points:
        """Pixels of the crop -> pixels of the picture."""
        return np.asarray((points - self.side / 2) @ np.linalg.inv(self.gain).T + self.centre)

    def cut(self, planes: Tensor, outside: Tensor | float = PADDING_GREY) -> Tensor:
        """(n, h, w) uint8 -> (n, side, side) in [0, 1]; what lies outside the picture is `outside`, (n, 1, 1) or one for all.

        Only the part that is seen is converted: a crop shows a fraction of a large picture.
        """
        height, width = planes.shape[1:]
        ends = self.to_image(np.array([[0, 0], [0, self.side], [self.side, 0], [self.side, self.side]], float))
        low = np.clip(np.floor(ends.min(0)) - 1, 0, [width - 1, height - 1]).astype(int)
        high = np.clip(np.ceil(ends.max(0)) + 1, low + 1, [width, height]).astype(int)
        part = planes[:, low[1] : high[1], low[0] : high[0]]
        size = high - low
        back = np.linalg.inv(self.gain)
        # To the grid's own units: -1 and 1 are the outer edges of the crop, and of the part.
        linear = back * self.side / size[:, None]
        shift = (self.centre - low) * 2 / size - 1
        theta = torch.tensor(np.concatenate([linear, shift[:, None]], 1)[None], dtype=torch.float32)
        grid = functional.affine_grid(theta, [1, 1, self.side, self.side], align_corners=False).to(planes.device)
        shifted = (part.float() / 255 - outside)[None]
        return functional.grid_sample(shifted, grid, mode="bilinear", align_corners=False)[0] + outside


def upright(centre: Points, zoom: float, side: int) -> View:
    """A view that is only moved and scaled."""
    return View(np.asarray(centre, float), np.eye(2) * zoom, side)


def turned(zoom: float, angle: float, mirror: bool, stretch: float = 1.0) -> Points:
    """The gain of a view that is mirrored (or not), stretched in width, turned by `angle` radians and scaled."""
    cos, sin = math.cos(angle), math.sin(angle)
    shape = np.diag([zoom * math.sqrt(stretch) * (-1 if mirror else 1), zoom / math.sqrt(stretch)])
    return np.asarray(np.array([[cos, -sin], [sin, cos]]) @ shape)
