"""The most probable places of points, for graphs, as `pose.head.peaks` finds them."""

import torch
from torch import Tensor
from torch.nn import functional

from backend.learning.network.pyramid import PYRAMID_STRIDE
from backend.learning.pose.head import PEAKS_PER_KEYPOINT, REFINEMENT_RADIUS_CELLS

WINDOW_CELLS = 2 * REFINEMENT_RADIUS_CELLS + 1


def peaks(heat: Tensor) -> tuple[Tensor, Tensor]:
    """(n, keypoints, h, w) probabilities -> (n, keypoints, m, 2) x, y in pixels of the crop, (n, keypoints, m)
    confidences of m = PEAKS_PER_KEYPOINT places, best first."""
    points, rows, columns = heat.shape[1:]
    mass = functional.avg_pool2d(heat, WINDOW_CELLS, 1, REFINEMENT_RADIUS_CELLS) * WINDOW_CELLS**2 + 1e-3 * heat
    tops = torch.where(
        functional.max_pool2d(mass, WINDOW_CELLS, 1, REFINEMENT_RADIUS_CELLS) == mass, mass, torch.zeros(())
    )
    confidence, cell = tops.flatten(2).topk(PEAKS_PER_KEYPOINT)
    cell = torch.where(confidence > 0, cell, cell[..., :1])
    y, x = cell // columns, cell % columns
    padded = functional.pad(heat, (REFINEMENT_RADIUS_CELLS,) * 4).reshape(
        -1, points, 1, (rows + 2 * REFINEMENT_RADIUS_CELLS) * (columns + 2 * REFINEMENT_RADIUS_CELLS)
    )
    steps = torch.arange(WINDOW_CELLS)
    around = (steps[:, None] * (columns + 2 * REFINEMENT_RADIUS_CELLS) + steps).flatten()
    at = (y * (columns + 2 * REFINEMENT_RADIUS_CELLS) + x)[..., None] + around
    window = torch.gather(padded.expand(-1, -1, PEAKS_PER_KEYPOINT, -1), 3, at) + 1e-12
    window = window / window.sum(3, keepdim=True)
    off_y, off_x = (
        (around // (columns + 2 * REFINEMENT_RADIUS_CELLS) - REFINEMENT_RADIUS_CELLS).float(),
        (around % (columns + 2 * REFINEMENT_RADIUS_CELLS) - REFINEMENT_RADIUS_CELLS).float(),
    )
    there = torch.stack([x + (window * off_x).sum(3), y + (window * off_y).sum(3)], 3)
    return (there + 0.5) * PYRAMID_STRIDE, confidence
