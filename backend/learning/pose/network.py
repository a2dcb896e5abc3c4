"""The network of a pose micro-model: finds the object in the whole frame, and the keypoints in a crop around it."""

import torch
from torch import Tensor

from backend.learning.detection.head import DetectionHead
from backend.learning.network.backbone import Backbone
from backend.learning.network.network import Network
from backend.learning.network.pyramid import Pyramid
from backend.learning.pose.head import PoseHead

CENTRE_SIGMA_SIDES = 0.2
"""Deviation of the bump that marks the middle of a crop, in sides of it."""


class PoseNetwork(Network[DetectionHead]):
    """Backbone and pyramid are shared; to the features a bump is added that says which object is meant: the middle one."""

    def __init__(self, backbone: Backbone, width: int, locator: DetectionHead, points: PoseHead) -> None:
        super().__init__(backbone, Pyramid([c + 1 for c in backbone.channels], width), locator)
        self.points = points
        self.to(memory_format=torch.channels_last)

    def forward(self, images: Tensor) -> Tensor:
        """Whole frames (batch, 3, h, w) -> raw output of the locator."""
        out: Tensor = self.head(self.pyramid(self.features(images, 0.0)))
        return out

    def see(self, images: Tensor) -> Tensor:
        """Crops (batch, 3, side, side) -> (batch, keypoints, side / 4, side / 4) logits."""
        out: Tensor = self.points(self.pyramid(self.features(images)))
        return out

    def features(self, images: Tensor, middle: float = 1.0) -> list[Tensor]:
        """One tensor a stride, its last channel a bump of height `middle` around the middle."""
        return [_marked(feature, middle) for feature in super().features(images)]


def _marked(feature: Tensor, height: float) -> Tensor:
    empty = torch.zeros_like(feature[:, :1])
    if not height:
        return torch.cat([feature, empty], 1)
    rows, columns = feature.shape[2:]
    y = torch.linspace(-0.5, 0.5, rows, device=feature.device)[:, None] / CENTRE_SIGMA_SIDES
    x = torch.linspace(-0.5, 0.5, columns, device=feature.device) / CENTRE_SIGMA_SIDES
    bump = torch.exp(-(x**2 + y**2) / 2) * height
    return torch.cat([feature, empty + bump.to(feature.dtype)], 1)
