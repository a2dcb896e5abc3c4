"""Segmentation: a logit per label and pixel, from the pyramid and from the image's own detail at stride 2."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from backend.learning.network.network import Network

DETAIL_STRIDE = 2
"""At which detail is computed; four pixels of the scaled frame share a cell, and each has its own logit."""
LABEL_PRIOR = 0.1
"""Share of pixels that are taken for a label before training: keeps the first steps calm."""
OUTLINE_WEIGHT = 2.0
"""Weight of pixels near an outline, on top of the 1 that all have: there the errors are."""
OUTLINE_WIDTH = 5
"""Breadth of that neighbourhood, pixels of the scaled frame."""
OVERLAP_WEIGHT = 1.0
"""Of the soft intersection over union; cross entropy has 1. It is the figure that masks are judged by."""


class SegmentationHead(nn.Module):
    """Pyramid features and the image -> logits as large as the image."""

    def __init__(self, labels: int, width: int, detail: int) -> None:
        super().__init__()
        self.detail = nn.Sequential(
            nn.Conv2d(3 * DETAIL_STRIDE**2, detail, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(detail, detail, 3, padding=1),
            nn.ReLU(inplace=True),
        )
        self.reduce = nn.Conv2d(width, detail, 1)
        self.fuse = nn.Sequential(
            nn.Conv2d(2 * detail, detail, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(detail, detail, 3, padding=1),
            nn.ReLU(inplace=True),
        )
        self.out = nn.Conv2d(detail, labels * DETAIL_STRIDE**2, 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]
        nn.init.normal_(self.out.weight, std=0.01)
        nn.init.constant_(self.out.bias, -math.log((1 - LABEL_PRIOR) / LABEL_PRIOR))  # type: ignore[arg-type]

    def forward(self, features: Tensor, images: Tensor) -> Tensor:
        """(batch, width, h / 4, w / 4) and (batch, 3, h, w) in [0, 1] -> (batch, labels, h, w)."""
        out: Tensor = functional.pixel_shuffle(self.out(self.fused(features, images)), DETAIL_STRIDE)
        return out

    def fused(self, features: Tensor, images: Tensor) -> Tensor:
        """The same -> (batch, detail, h / 2, w / 2): what the logits are linear in."""
        close = self.detail(functional.pixel_unshuffle((images - 0.5).to(features.dtype) * 4, DETAIL_STRIDE))
        far = functional.interpolate(self.reduce(features), size=close.shape[2:], mode="bilinear")
        fused: Tensor = self.fuse(torch.cat([close, far], 1))
        return fused

    def loss(self, logits: Tensor, masks: Tensor, sure: Tensor) -> Tensor:
        """Cross entropy, outlines above all, plus soft intersection over union of each label in the whole batch."""
        weight = sure * (1 + OUTLINE_WEIGHT * _outline(masks))
        logits = logits.float()
        entropy = functional.binary_cross_entropy_with_logits(logits, masks, weight, reduction="sum")
        p, t = torch.sigmoid(logits) * sure, masks * sure
        shared = (p * t).sum((0, 2, 3))
        union = (p + t).sum((0, 2, 3)) - shared
        # A label that the batch lacks has no overlap to speak of; cross entropy teaches its absence.
        present = t.sum((0, 2, 3)) > OUTLINE_WIDTH**2
        overlap = (1 - shared / union.clamp_min(1))[present].sum() / max(len(present), 1)
        total: Tensor = entropy / weight.sum().clamp_min(1) + OVERLAP_WEIGHT * overlap
        return total


def _outline(masks: Tensor) -> Tensor:
    return _greatest_nearby(masks) + _greatest_nearby(-masks)


def _greatest_nearby(masks: Tensor) -> Tensor:
    half = OUTLINE_WIDTH // 2
    columns = functional.max_pool2d(masks, (OUTLINE_WIDTH, 1), 1, (half, 0))
    return functional.max_pool2d(columns, (1, OUTLINE_WIDTH), 1, (0, half))


class SegmentationNetwork(Network[SegmentationHead]):
    """Scaled frames in, logits of the same size out."""

    def forward(self, images: Tensor) -> Tensor:
        """(batch, 3, h, w) RGB in [0, 1], sides multiples of 16 -> (batch, labels, h, w) logits."""
        out: Tensor = self.head(self.pyramid(self.features(images)), images)
        return out
