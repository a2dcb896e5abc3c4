"""The pose prior for graphs: of several places of each point those that fit together, as `pose.skeleton` chooses them.

The same steps in real numbers, for all objects and hypotheses at once; what is told of a point is marked by a flag in the
place of nan.
"""

from itertools import combinations
from typing import NamedTuple

import torch
from torch import Tensor, nn

from backend.learning.pose.config import PoseConfig
from backend.learning.pose.skeleton import (
    HYPOTHESES_KEPT,
    IMPLAUSIBLE_SCORE_FACTOR,
    MAX_DEVIATIONS,
    MAX_SEED_KEYPOINTS,
    MAX_SIZE_RATIO,
    MIN_SUPPORT,
    SEED_MIN_DISTANCE_DIAGONALS,
    SEED_MIN_SCORE,
)


class Told(NamedTuple):
    """Where hypotheses tell points to be."""

    places: Tensor
    """(n, hypotheses, k, 2)"""
    known: Tensor
    """(n, hypotheses, k) bool: whether anything is told of the point."""
    good: Tensor
    """(n, hypotheses) bool: whether the hypothesis is one."""


class Skeleton(nn.Module):
    """(n, k, m, 2) places, best first, in pixels of the crop, and (n, k, m) scores -> (n, k, 2) and (n, k) of the chosen."""

    def __init__(self, config: PoseConfig) -> None:
        super().__init__()
        poses = torch.tensor(config.poses, dtype=torch.float32).reshape(-1, len(config.labels), 3)
        self.shape, self.present = poses[..., :2], poses[..., 2] > 0
        self.loose = torch.tensor(config.loose, dtype=torch.float32).clamp_max(1e6)
        self.size = config.crop / config.margin

    def forward(self, places: Tensor, scores: Tensor) -> tuple[Tensor, Tensor]:
        """As the class says."""
        if len(self.shape) < MIN_SUPPORT or len(self.loose) < 2:
            return places[:, :, 0], scores[:, :, 0]
        spots = places / self.size
        told = self._laid(spots, scores)
        any_good = told.good.any(1)
        for _ in range(2):
            cost = self._costs(spots, told)
            worth = (torch.log(scores + 1e-6)[:, None] - cost).amax(3).sum(2)
            best = torch.where(told.good, worth, -1e9 * torch.ones_like(worth)).topk(HYPOTHESES_KEPT, 1).indices
            told = _refined(spots, scores, _rows(cost, best), Told(*(_rows(one, best) for one in told)))
        cost = self._costs(spots, told)
        penalty = torch.where(told.good[..., None, None], cost, torch.full_like(cost, torch.inf)).amin(1)
        penalty = torch.where(any_good[:, None, None], penalty, torch.zeros_like(penalty))
        chosen = (torch.log(scores + 1e-6) - penalty).argmax(2, keepdim=True)
        chosen = torch.where(any_good[:, None, None], chosen, torch.zeros_like(chosen))
        impossible = penalty.gather(2, chosen)[..., 0] >= MAX_DEVIATIONS**2 / 2
        sure = scores.gather(2, chosen)[..., 0]
        return _chosen(places, chosen), torch.where(impossible, sure * IMPLAUSIBLE_SCORE_FACTOR, sure)

    def _laid(self, spots: Tensor, scores: Tensor) -> Told:
        """Labelled objects, laid upon pairs of sure points: as many hypotheses as pairs times objects."""
        first = scores[:, :, 0].topk(min(MAX_SEED_KEYPOINTS, len(self.loose)), 1).indices
        point = torch.cat([first, first], 1)
        place = torch.cat([_rows(spots[:, :, m], first) for m in (0, 1)], 1)
        sure = torch.cat([_rows(scores[:, :, m], first) for m in (0, 1)], 1) >= SEED_MIN_SCORE
        ones, others = (list(column) for column in zip(*combinations(range(point.shape[1]), 2), strict=True))
        own, other = self.shape[:, point].permute(1, 2, 0, 3), self.present[:, point].permute(1, 2, 0)
        base = own[:, others] - own[:, ones]
        length = (base**2).sum(3, keepdim=True)
        mirrored = base * torch.tensor([1.0, -1.0]) / length.clamp_min(1e-12)
        gain = _times((place[:, others] - place[:, ones])[:, :, None], mirrored)
        size, both = torch.sqrt((gain**2).sum(3)), other[:, others] & other[:, ones]
        good = (
            both
            & (length[..., 0] >= SEED_MIN_DISTANCE_DIAGONALS**2)
            & (size > 1 / MAX_SIZE_RATIO)
            & (size < MAX_SIZE_RATIO)
        )
        good = good & (sure[:, others] & sure[:, ones])[:, :, None]
        away = self.shape - own[:, ones][:, :, :, None]
        laid = place[:, ones][:, :, None, None] + _times(gain[:, :, :, None], away)
        known = self.present & torch.ones_like(laid[..., 0], dtype=torch.bool)
        return Told(laid.flatten(1, 2), known.flatten(1, 2), good.flatten(1, 2))

    def _costs(self, spots: Tensor, told: Told) -> Tensor:
        """(n, hypotheses, k, m) how impossible each candidate is."""
        apart = torch.sqrt(((spots[:, None] - told.places[:, :, :, None]) ** 2).sum(4)) / self.loose[:, None]
        far = apart.clamp_max(MAX_DEVIATIONS) ** 2 / 2
        return torch.where(told.known[..., None], far, torch.full_like(far, MAX_DEVIATIONS**2 / 4))


def _refined(spots: Tensor, scores: Tensor, cost: Tensor, told: Told) -> Told:
    """The same, laid upon all points that agree with them, by least squares."""
    chosen = (torch.log(scores + 1e-6)[:, None] - cost).argmax(3, keepdim=True)
    there = _chosen((spots[:, None] + 0 * cost[..., None]), chosen)
    sure = (scores[:, None] + 0 * cost).gather(3, chosen)[..., 0]
    agrees = (cost.gather(3, chosen)[..., 0] < MAX_DEVIATIONS**2 / 2) & told.known
    weight = torch.where(agrees, sure, torch.zeros_like(sure))
    share = (weight / weight.sum(2, keepdim=True).clamp_min(1e-12))[..., None]
    near = torch.where(told.known[..., None], told.places, torch.zeros_like(told.places))
    middle, other = (share * near).sum(2, keepdim=True), (share * there).sum(2, keepdim=True)
    spread = (share * (near - middle) ** 2).sum((2, 3))[..., None, None]
    turned = _times((near - middle) * torch.tensor([1.0, -1.0]), there - other)
    gain = (share * turned).sum(2, keepdim=True) / spread.clamp_min(1e-12)
    gain = torch.where(spread > 0, gain, torch.tensor([1.0, 0.0]))
    better = _times(gain, near - middle) + other
    enough = ((weight > 0).sum(2) >= 2)[..., None, None]
    return told._replace(places=torch.where(enough, better, told.places))


def _times(a: Tensor, b: Tensor) -> Tensor:
    """The product of complex numbers (..., 2)."""
    (ax, ay), (bx, by) = a.unbind(-1), b.unbind(-1)
    return torch.stack([ax * bx - ay * by, ax * by + ay * bx], -1)


def _rows(values: Tensor, at: Tensor) -> Tensor:
    """Of (n, hypotheses, ...) those of (n, m)."""
    at = at.reshape(*at.shape, *(1 for _ in values.shape[2:]))
    return values.gather(1, at + torch.zeros_like(values[:, :1], dtype=torch.int64))


def _chosen(places: Tensor, at: Tensor) -> Tensor:
    """Of (..., m, 2) places the ones of number (..., 1)."""
    return places.gather(-2, torch.stack([at, at], -1))[..., 0, :]
