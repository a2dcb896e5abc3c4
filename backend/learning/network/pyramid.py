"""A small feature pyramid: the backbone's strides 4, 8 and 16 brought together at stride 4."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

PYRAMID_STRIDE = 4
"""Of the output, pixels of the scaled frame a cell."""


class Pyramid(nn.Module):
    """Top-down: each level is projected to `width` channels and added to the upsampled one above."""

    def __init__(self, channels: Sequence[int], width: int) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(nn.Conv2d(channel, width, 1) for channel in channels)
        self.smooths = nn.ModuleList(_separable(width) for _ in channels)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Features from fine to coarse -> (batch, width, height / 4, width / 4)."""
        above: Tensor | None = None
        for feature, lateral, smooth in zip(
            reversed(features), reversed(list(self.laterals)), reversed(list(self.smooths)), strict=True
        ):
            x = lateral(feature)
            if above is not None:
                x = x + functional.interpolate(above, scale_factor=2.0, mode="nearest")
            above = functional.relu(x + smooth(x))
        if above is None:
            raise ValueError("A pyramid needs at least one feature level.")
        return above

    @torch.no_grad()
    def standardize(self, features: Sequence[Tensor]) -> None:
        """Fit the fresh projections to features of real frames: each gives zero mean and unit variance to start with.

        Takes the place of normalization layers, which cost time in every step and statistics that five frames lack.
        """
        for feature, lateral in zip(features, self.laterals, strict=True):
            out = lateral(feature)
            deviation, mean = torch.std_mean(out, dim=(0, 2, 3))
            deviation = deviation.clamp_min(1e-6)
            lateral.weight.div_(deviation.view(-1, 1, 1, 1))  # type: ignore[operator]
            lateral.bias.sub_(mean).div_(deviation)  # type: ignore[operator]


def _separable(width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(width, width, 5, padding=2, groups=width), nn.ReLU(inplace=True), nn.Conv2d(width, width, 1)
    )
