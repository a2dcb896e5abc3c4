"""Resizing as two matrix products: exports to every runtime, with sizes that are known only when a picture comes."""

import torch
from torch import Tensor

from backend.learning.geometry.levels import FULL_RANGE
from backend.learning.geometry.scaling import SIDE_MULTIPLE_PIXELS, Scale


def scaled(image: Tensor, scale: Scale, background: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """(height, width, 3) uint8 RGB -> (1, 3, H, W) in [0, 1] as `to_tensor` and `to_batch` make it, and the scaled pixels per
    original pixel, (1,). With a background (3, h, w) three more planes, as of `with_difference`."""
    size = torch._shape_as_tensor(image)[:2].float()
    pixels = size.prod()
    usual = torch.sqrt(scale.area / pixels) if scale.area else torch.ones(())
    factor = torch.minimum(scale.factor * usual, torch.sqrt(scale.pixels / pixels))
    target = torch.round(size * factor).clamp_min(1)
    padded = torch.ceil(target / SIDE_MULTIPLE_PIXELS) * SIDE_MULTIPLE_PIXELS
    resized = torch.round(_resized(image.permute(2, 0, 1).float(), size, target, padded)).clamp(0, 255)
    if scale.levels != FULL_RANGE:
        black, white = scale.levels
        resized = torch.round((resized - black) * (255 / (white - black))).clamp(0, 255)
    inside = (_up_to(padded[0]) < target[0]).float()[:, None] * (_up_to(padded[1]) < target[1])
    planes = resized / 255 * inside + 0.5 * (1 - inside)
    if background is not None:
        planes = torch.cat([planes, _difference(resized, target, padded, background) / 255 * inside])
    return planes[None], factor[None]


def _difference(pixels: Tensor, size: Tensor, padded: Tensor, background: Tensor) -> Tensor:
    """As of `with_difference`; `pixels` (3, H, W) of which `size` is the frame and the rest padding."""
    height, width = (float(side) for side in background.shape[1:])
    small = torch.tensor([height, width])
    change = torch.round(_resized(pixels, size, small, small)) - background
    flat = change.flatten(1)
    middle = torch.sort(flat, 1).values[:, (flat.shape[1] - 1) // 2]
    whole = _resized((change - middle[:, None, None]).abs(), small, size, padded)
    return torch.floor(whole.clamp(0, 255))


def _resized(planes: Tensor, size: Tensor, target: Tensor, padded: Tensor) -> Tensor:
    """(n, height, width), of which `size` counts, to `target` in `padded` rows and columns; what is beyond means nothing."""
    given = torch._shape_as_tensor(planes)[1:]
    rows = _filter(size[0], target[0], given[0], padded[0])
    return rows @ (planes @ _filter(size[1], target[1], given[1], padded[1]).T)


def _filter(size: Tensor, target: Tensor, given: Tensor, padded: Tensor) -> Tensor:
    """(padded, given) of the triangle filter that bilinear resizing with antialiasing is."""
    ratio = size / target
    centres = (_up_to(padded) + 0.5) * ratio
    apart = torch.abs(_up_to(given) + 0.5 - centres[:, None]) / ratio.clamp_min(1)
    weights = (1 - apart).clamp_min(0) * (_up_to(given) < size)
    # The exporter takes known sizes for doubles, which runtimes cannot pool.
    return (weights / weights.sum(1, keepdim=True).clamp_min(1e-6)).float()


def _up_to(count: Tensor) -> Tensor:
    """0, 1, ... below a number that is known only when a picture comes."""
    return torch.arange(count)  # type: ignore[call-overload,no-any-return]
