"""Resizing as two matrix products: exports to every runtime, with sizes that are known only when a picture comes."""

import torch
from torch import Tensor

from backend.learning.geometry.scaling import MULTIPLE, Scale


def scaled(image: Tensor, scale: Scale) -> tuple[Tensor, Tensor]:
    """(height, width, 3) uint8 RGB -> (1, 3, H, W) in [0, 1] as `to_tensor` and `to_batch` make it, and the scaled pixels per
    original pixel, (1,)."""
    size = torch._shape_as_tensor(image)[:2].float()
    pixels = size.prod()
    usual = torch.sqrt(scale.area / pixels) if scale.area else torch.ones(())
    factor = torch.minimum(scale.factor * usual, torch.sqrt(scale.pixels / pixels))
    target = torch.round(size * factor).clamp_min(1)
    rows, inside_rows = _weights(size[0], target[0])
    columns, inside_columns = _weights(size[1], target[1])
    channels = image.permute(2, 0, 1).float()
    resized = torch.round(rows @ (channels @ columns.T)).clamp(0, 255) / 255
    inside = inside_rows[:, None] * inside_columns
    return (resized * inside + 0.5 * (1 - inside))[None], factor[None]


def _weights(size: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """(padded, size) of the triangle filter that bilinear resizing with antialiasing is, and (padded,) 1 within the target."""
    padded = torch.ceil(target / MULTIPLE) * MULTIPLE
    ratio = size / target
    centres = (_up_to(padded) + 0.5) * ratio
    apart = torch.abs(_up_to(size) + 0.5 - centres[:, None]) / ratio.clamp_min(1)
    weights = (1 - apart).clamp_min(0)
    inside = (_up_to(padded) < target).float()
    return weights / weights.sum(1, keepdim=True).clamp_min(1e-6), inside


def _up_to(count: Tensor) -> Tensor:
    """0, 1, ... below a number that is known only when a picture comes."""
    return torch.arange(count)  # type: ignore[call-overload,no-any-return]
