"""Segmentation from a picture to masks, as one torch module: what a micro-model says of a single frame."""

import torch
from torch import Tensor, nn

from backend.learning.exporting.parts import part_of
from backend.learning.exporting.resizing import resized, scaled, size_of
from backend.learning.exporting.whole import in_float32
from backend.learning.segmentation.config import SegmentationConfig
from backend.learning.segmentation.masks import LEAST_AREA, LEAST_PART, LEAST_PEAK, MASK_MIN_PROBABILITY
from backend.types import Weights


class PictureToMasks(nn.Module):
    """(height, width, 3) uint8 RGB -> masks (n, height, width) bool, one of each label that is shown, the boxes (n, 4) around
    them in pixels, scores (n,) and numbers of labels (n,)."""

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        self.config = SegmentationConfig.from_metadata(weights.metadata)
        self.network = in_float32(self.config, weights)
        self.part_of = torch.jit.script(part_of)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """As the class says."""
        frame, size = scaled(image, self.config.scale), size_of(image)
        odds = resized(self.network(frame.pixels)[0], frame.size, size, smooth=False)
        chances = torch.sigmoid(odds.clamp(-30, 30))
        masks = self._shown(chances, size.prod().float())
        labels = torch.nonzero(masks.any(2).any(1))[:, 0]
        masks, chances = masks[labels], chances[labels]
        inside = (chances * masks).sum((1, 2))
        scores = inside / (masks.float().sum((1, 2)) + chances.sum((1, 2)) - inside)
        columns, rows = _ends(masks.any(1)), _ends(masks.any(2))
        boxes = torch.stack([columns[0], rows[0], columns[1], rows[1]], 1)
        return masks, boxes, scores.clamp_max(1), labels

    def _shown(self, chances: Tensor, pixels: Tensor) -> Tensor:
        """(labels, h, w) bool, as `segmentation.masks.shown`."""
        masks = chances >= MASK_MIN_PROBABILITY
        parts = self.part_of(masks)
        inside, sure = masks.flatten().float(), (chances.flatten() >= LEAST_PEAK).float()
        at, empty = parts[:-1], torch.zeros_like(parts, dtype=torch.float32)
        areas, peaks = empty.scatter_add(0, at, inside), empty.scatter_add(0, at, sure)
        sizes = self.config.sizes
        part = torch.tensor([one.part for one in sizes])[:, None, None] * (LEAST_PART * pixels)
        whole = torch.tensor([one.mask for one in sizes])[:, None, None] * (LEAST_AREA * pixels)
        kept = masks & (areas[at].view_as(masks) >= part) & (peaks[at].view_as(masks) > 0)
        return kept & (kept.float().sum((1, 2), keepdim=True) >= whole)


def _ends(there: Tensor) -> tuple[Tensor, Tensor]:
    """First of (n, side) bool that is True, and what follows the last, float32."""
    place = torch.cumsum(torch.ones_like(there, dtype=torch.float32), 1)
    first = torch.where(there, place - 1, torch.full_like(place, torch.inf)).amin(1)
    return first, torch.where(there, place, torch.zeros_like(place)).amax(1)
