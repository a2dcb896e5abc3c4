"""Pose: for each keypoint one distribution over the cells of a crop and the answer "not visible"."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from backend.learning.network.pyramid import PYRAMID_STRIDE

HEATMAP_SIGMA_CELLS = 1.0
"""Deviation of a keypoint's bump in the target, cells."""
REFINEMENT_RADIUS_CELLS = 2
"""Cells around the most probable one that its exact place is the mean of, and whose probability is its confidence."""
PEAKS_PER_KEYPOINT = 4
"""Places looked at for each keypoint."""


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """What a batch of crops holds."""

    points: Tensor
    """(batch, keypoints, 2) x, y in pixels of the crop."""
    present: Tensor
    """(batch, keypoints) bool; absent ones are learned as not visible."""
    weight: Tensor
    """(batch, keypoints) in [0, 1]; 0 learns nothing."""


class PoseHead(nn.Module):
    """Output channels: one logit a cell and keypoint; that of "not visible" is always 0."""

    def __init__(self, keypoints: int, width: int) -> None:
        super().__init__()
        self.shared = nn.Conv2d(width, width, 3, padding=1)
        self.heat = nn.Conv2d(width, keypoints, 1)
        nn.init.kaiming_normal_(self.shared.weight, nonlinearity="relu")
        nn.init.normal_(self.heat.weight, std=0.01)
        nn.init.zeros_(self.heat.bias)  # type: ignore[arg-type]

    def forward(self, features: Tensor) -> Tensor:
        """(batch, width, h, w) -> (batch, keypoints, h, w)."""
        heat: Tensor = self.heat(functional.relu(self.shared(features)))
        return heat

    def loss(self, logits: Tensor, targets: Targets) -> Tensor:
        """Mean cross entropy between the distributions and bumps around the true places."""
        log = log_probabilities(logits)
        wanted = bumps(targets, (logits.shape[2], logits.shape[3]))
        each = -(log * wanted).sum(2)
        return (each * targets.weight).sum() / targets.weight.sum().clamp_min(1.0)


def log_probabilities(logits: Tensor) -> Tensor:
    """(batch, keypoints, h, w) -> (batch, keypoints, h * w + 1); the last one is "not visible"."""
    return functional.log_softmax(functional.pad(logits.float().flatten(2), (0, 1)), 2)


def probabilities(logits: Tensor) -> Tensor:
    """(batch, keypoints, h, w) -> the same, each cell's probability; what lacks to 1 is "not visible"."""
    return log_probabilities(logits).exp()[..., :-1].view(logits.shape)


def peaks(heat: Tensor) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(keypoints, h, w) probabilities -> (keypoints, PEAKS, 2) x, y in pixels of the crop, (keypoints, PEAKS) confidences.

    Best first. The first place is the most probable one, the others are further maxima, or the first again.
    """
    size = 2 * REFINEMENT_RADIUS_CELLS + 1
    heat = heat.float().cpu()
    mass = functional.avg_pool2d(heat[:, None], size, 1, REFINEMENT_RADIUS_CELLS, divisor_override=1)[:, 0]
    columns = heat.shape[2]
    mass = mass + 1e-3 * heat  # so that around a single cell there is one maximum only
    tops = torch.where(functional.max_pool2d(mass[:, None], size, 1, REFINEMENT_RADIUS_CELLS)[:, 0] == mass, mass, 0.0)
    confidence, cell = tops.flatten(1).topk(PEAKS_PER_KEYPOINT)
    cell = torch.where(confidence > 0, cell, cell[:, :1])
    y, x = cell // columns, cell % columns
    padded = functional.pad(heat, (REFINEMENT_RADIUS_CELLS,) * 4).unfold(1, size, 1).unfold(2, size, 1)
    window = padded[torch.arange(len(heat))[:, None], y, x].double() + 1e-12
    window = window / window.sum((2, 3), keepdim=True)
    around = torch.arange(-REFINEMENT_RADIUS_CELLS, REFINEMENT_RADIUS_CELLS + 1)
    there = torch.stack([x + (window.sum(2) * around).sum(2), y + (window.sum(3) * around).sum(2)], 2)
    return ((there + 0.5) * PYRAMID_STRIDE).numpy(), confidence.double().numpy()


def bumps(targets: Targets, shape: tuple[int, int]) -> Tensor:
    """(batch, keypoints, h * w + 1), each a distribution."""
    rows, columns = shape
    device = targets.points.device
    x = (torch.arange(columns, device=device) + 0.5) * PYRAMID_STRIDE
    y = (torch.arange(rows, device=device) + 0.5) * PYRAMID_STRIDE
    across = torch.exp(-(((x - targets.points[..., :1]) / PYRAMID_STRIDE / HEATMAP_SIGMA_CELLS) ** 2) / 2)
    down = torch.exp(-(((y - targets.points[..., 1:]) / PYRAMID_STRIDE / HEATMAP_SIGMA_CELLS) ** 2) / 2)
    bump = (down[..., :, None] * across[..., None, :]).flatten(2)
    bump = bump / bump.sum(2, keepdim=True).clamp_min(1e-6) * targets.present[..., None]
    return torch.cat([bump, (~targets.present)[..., None].float()], 2)
