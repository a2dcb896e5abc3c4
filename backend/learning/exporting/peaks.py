"""The most probable places of points, for graphs, as `pose.head.peaks` finds them."""

import torch
from torch import Tensor
from torch.nn import functional

from backend.learning.network.pyramid import STRIDE
from backend.learning.pose.head import NEAR, PEAKS

SIZE = 2 * NEAR + 1


def peaks(heat: Tensor) -> tuple[Tensor, Tensor]:
    """(n, keypoints, h, w) probabilities -> (n, keypoints, PEAKS, 2) x, y in pixels of the crop, (n, keypoints, PEAKS)
    confidences, best first."""
    points, rows, columns = heat.shape[1:]
    mass = functional.avg_pool2d(heat, SIZE, 1, NEAR) * SIZE**2 + 1e-3 * heat
    tops = torch.where(functional.max_pool2d(mass, SIZE, 1, NEAR) == mass, mass, torch.zeros(()))
    confidence, cell = tops.flatten(2).topk(PEAKS)
    cell = torch.where(confidence > 0, cell, cell[..., :1])
    y, x = cell // columns, cell % columns
    padded = functional.pad(heat, (NEAR,) * 4).reshape(-1, points, 1, (rows + 2 * NEAR) * (columns + 2 * NEAR))
    steps = torch.arange(SIZE)
    around = (steps[:, None] * (columns + 2 * NEAR) + steps).flatten()
    at = (y * (columns + 2 * NEAR) + x)[..., None] + around
    window = torch.gather(padded.expand(-1, -1, PEAKS, -1), 3, at) + 1e-12
    window = window / window.sum(3, keepdim=True)
    off_y, off_x = (around // (columns + 2 * NEAR) - NEAR).float(), (around % (columns + 2 * NEAR) - NEAR).float()
    there = torch.stack([x + (window * off_x).sum(3), y + (window * off_y).sum(3)], 3)
    return (there + 0.5) * STRIDE, confidence
