"""Boxes that are turned, for graphs: what the network says of them as sides and angle, and how much two of them overlap."""

import math

import torch
from torch import Tensor

GROWTH = 1 + 1e-5
"""By how much one of two boxes is taken for larger, so that sides that lie on each other count once."""


def decoded(said: Tensor) -> Tensor:
    """(n, CHANNELS) as `rotation.encoded` -> (n, 3) as `rotation.decoded`."""
    rough, fine = _angle(said[:, 3], said[:, 2]) / 2, _angle(said[:, 5], said[:, 4]) / 4
    level = torch.cos(2 * (rough - fine)) >= 0
    longer, shorter = torch.exp(said[:, 0]), torch.exp(said[:, 1])
    sides = torch.where(level, longer, shorter), torch.where(level, shorter, longer)
    return torch.stack([*sides, fine * (180 / math.pi)], 1)


def overlaps(hulls: Tensor, turns: Tensor) -> Tensor:
    """(n, n) intersection over union of boxes (n, 3), width, height and degrees, in the middle of their hulls (n, 4).

    The outline of what two convex shapes share is what of each one's outline lies in the other; its area follows by Green's
    theorem, an edge at a time (the clipping of lines is Cyrus and Beck's, 1978).
    """
    ones = corners(hulls, turns).double()
    middles = ones.mean(1, keepdim=True)
    others = middles + (ones - middles) * GROWTH
    pairs = ones[:, None] + 0 * others, others + 0 * ones[:, None]
    shared = _inside(*pairs) + _inside(*pairs[::-1])
    areas = (turns[:, 0] * turns[:, 1]).double()
    return shared / (areas[:, None] + areas - shared).clamp_min(1e-9)


def corners(hulls: Tensor, turns: Tensor) -> Tensor:
    """(n, 4, 2) x, y of the boxes, clockwise."""
    middle, angle = (hulls[:, :2] + hulls[:, 2:]) / 2, turns[:, 2] * (math.pi / 180)
    across = torch.stack([torch.cos(angle), torch.sin(angle)], 1) * turns[:, :1] / 2
    along = torch.stack([-torch.sin(angle), torch.cos(angle)], 1) * turns[:, 1:2] / 2
    signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    return torch.stack([middle + a * across + b * along for a, b in signs], 1)


def _inside(ones: Tensor, others: Tensor) -> Tensor:
    """(n, m) what the edges of the ones (n, m, 4, 2) within the others add to the shared area."""
    starts, ends = ones, ones.roll(-1, 2)
    way = (ends - starts)[:, :, :, None]
    side = (others.roll(-1, 2) - others)[:, :, None]
    inward = torch.stack([-side[..., 1], side[..., 0]], -1)
    # Of each edge against each side of the other: how far inside it begins, and how fast it goes further in.
    depth = (inward * (starts[:, :, :, None] - others[:, :, None])).sum(-1)
    speed = (inward * way).sum(-1)
    flat = speed.abs() < 1e-9
    at = -depth / torch.where(flat, torch.ones_like(speed), speed)
    zero, one = torch.zeros_like(at), torch.ones_like(at)
    first = torch.where(flat, torch.where(depth < 0, 2 * one, zero), torch.where(speed > 0, at, zero)).amax(-1)
    last = torch.where(flat, one, torch.where(speed < 0, at, one)).amin(-1)
    first, last = first.clamp_min(0)[..., None], last.clamp_max(1)[..., None]
    begin, end = starts + first * way[:, :, :, 0], starts + last * way[:, :, :, 0]
    cross = begin[..., 0] * end[..., 1] - begin[..., 1] * end[..., 0]
    return torch.where(last[..., 0] > first[..., 0], cross / 2, torch.zeros_like(cross)).sum(2)


def _angle(y: Tensor, x: Tensor) -> Tensor:
    """As atan2, which ONNX lacks."""
    flat = torch.where(x == 0, torch.full_like(x, 1e-12), x)
    base = torch.atan(y / flat)
    return base + torch.where(x < 0, torch.where(y < 0, -math.pi, math.pi) * torch.ones_like(x), torch.zeros_like(x))
