"""Resizing as two matrix products: exports as plain ONNX operators, with sizes that are known only when a picture comes.

The same numbers as of torch's `interpolate`, which resizes uint8 in integers: columns first, then rows, with weights of 15
bits, each rounded to uint8. One level of grey more or less may move a box where a peak of the heatmap is flat.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from backend.learning.geometry.background import UNKNOWN_VALUE
from backend.learning.geometry.levels import FULL_RANGE
from backend.learning.geometry.scaling import SIDE_MULTIPLE_PIXELS, Scale

INTEGER_WEIGHT_LIMIT = 2.0**15
"""Of torch's integer weights; the largest one comes as near to it as powers of two let it."""
MAX_FRACTION_BITS = 22
"""Of their fractions."""


@dataclass(frozen=True, slots=True, eq=False)
class Scaled:
    """A frame as networks see it."""

    pixels: Tensor
    """(1, 3, H, W) in [0, 1], sides multiples of 16; before a background three more planes, as of `with_difference`."""
    factor: Tensor
    """(1,) scaled pixels per original pixel."""
    size: Tensor
    """(2,) height and width of it that are the frame, the rest is padding."""


def scaled(image: Tensor, scale: Scale, background: Tensor | None = None) -> Scaled:
    """(height, width, 3) uint8 RGB as `to_tensor` and `to_batch` make it."""
    size = size_of(image)
    pixels = size.prod()
    usual = torch.sqrt(scale.area / pixels) if scale.area else torch.ones((), dtype=torch.float64)
    factor = torch.minimum(scale.factor * usual, torch.sqrt(scale.pixels / pixels))
    target = torch.round(size * factor).clamp_min(1)
    padded = torch.ceil(target / SIDE_MULTIPLE_PIXELS) * SIDE_MULTIPLE_PIXELS
    resized = resized_uint8(image.permute(2, 0, 1).float(), size, target, padded)
    if scale.levels != FULL_RANGE:
        black, white = scale.levels
        resized = torch.round((resized - black) * (255 / (white - black))).clamp(0, 255)
    inside = ((_up_to(padded[0]) < target[0])[:, None] & (_up_to(padded[1]) < target[1])).float()
    planes = resized / 255 * inside + 0.5 * (1 - inside)
    if background is not None:
        planes = torch.cat([planes, _difference(resized, target, padded, background) / 255 * inside])
    return Scaled(planes[None], factor[None].float(), target)


def size_of(image: Tensor) -> Tensor:
    """(2,) float64 height and width of (height, width, ...), known only when a picture comes."""
    return torch._shape_as_tensor(image)[:2].double()


def resized(planes: Tensor, size: Tensor, target: Tensor, *, smooth: bool = True) -> Tensor:
    """(n, height, width), of which `size` counts, to (n, *target): bilinear, where it is made smaller with antialiasing unless
    `smooth` is False."""
    given = size_of(planes[0])
    rows, columns = (_filter(size[i], target[i], given[i], target[i], smooth).float() for i in (0, 1))
    return rows @ (planes @ columns.T)


def resized_uint8(planes: Tensor, size: Tensor, target: Tensor, padded: Tensor) -> Tensor:
    """(n, height, width) whole numbers in [0, 255], of which `size` counts, to `target` in `padded` rows and columns; what is
    beyond means nothing."""
    given = size_of(planes[0])
    rows, columns = (_in_bits(_filter(size[i], target[i], given[i], padded[i], True), target[i]) for i in (0, 1))
    across = torch.floor(planes @ columns.T + 0.5).clamp(0, 255)
    return torch.floor(rows @ across + 0.5).clamp(0, 255)


def _difference(pixels: Tensor, size: Tensor, padded: Tensor, background: Tensor) -> Tensor:
    """As of `with_difference`; `pixels` (3, H, W) of which `size` is the frame and the rest padding."""
    small = size_of(background[0])
    change = resized_uint8(pixels, size, small, small) - background
    flat = change.flatten(1)
    middle = torch.sort(flat, 1).values[:, (flat.shape[1] - 1) // 2]
    change = torch.where(background == UNKNOWN_VALUE, torch.zeros(()), (change - middle[:, None, None]).abs())
    rows, columns = (_filter(small[i], size[i], small[i], padded[i], False).float() for i in (0, 1))
    return torch.floor((rows @ (change @ columns.T)).clamp(0, 255))


def _filter(size: Tensor, target: Tensor, given: Tensor, padded: Tensor, smooth: bool) -> Tensor:
    """(padded, given) float64 of the triangle filter that bilinear resizing is, as wide as antialiasing makes it."""
    ratio = size / target
    centres = (_up_to(padded) + 0.5) * ratio
    width = ratio.clamp_min(1) if smooth else torch.ones((), dtype=torch.float64)
    inner = centres.clamp(min=0.5).minimum(size - 0.5) if not smooth else centres
    weights = (1 - torch.abs(_up_to(given) + 0.5 - inner[:, None]) / width).clamp_min(0) * (_up_to(given) < size)
    return weights / weights.sum(1, keepdim=True).clamp_min(1e-6)


def _in_bits(weights: Tensor, target: Tensor) -> Tensor:
    """Weights of an axis as torch's integers hold them; those of padding, beyond `target`, do not decide how many bits."""
    counted = weights * (_up_to(size_of(weights)[0]) < target)[:, None]
    bits = (torch.ceil(torch.log2((INTEGER_WEIGHT_LIMIT - 0.5) / counted.max())) - 1).clamp(0, MAX_FRACTION_BITS)
    unit = torch.pow(torch.full((), 2.0, dtype=torch.float64), bits)
    return (torch.floor(weights * unit + 0.5) / unit).float()


def _up_to(count: Tensor) -> Tensor:
    """0, 1, ... below a number that is known only when a picture comes, float64."""
    return torch.arange(count, dtype=torch.float64)  # type: ignore[call-overload,no-any-return]
