"""Detection from a picture to boxes as one torch module: what a micro-model says of a single frame."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops import nms

from backend.errors import TrainingError
from backend.learning.detection.config import DetectionConfig
from backend.learning.detection.count_prior import odds_of_counts
from backend.learning.detection.ensemble import TwoMemberEnsemble, member_state, without_member
from backend.learning.detection.hard_negatives import MIN_LOGIT_MARGIN, SAME_PLACE, HardNegative
from backend.learning.detection.head import DetectionNetwork, voted
from backend.learning.detection.refinement import without_refinement
from backend.learning.exporting.resizing import scaled
from backend.learning.score import BOXES, IDENTITY, PROBABILITY_EPS, PlattScaling
from backend.learning.tracking.rules import TrackerRules
from backend.types import Weights

TRACKER_RULES = TrackerRules()
MAX_DUPLICATE_CHAIN = 8
"""Most duplicates that hang on each other in a row; more are not told apart in one picture."""


class PictureToBoxes(nn.Module):
    """(height, width, 3) uint8 RGB -> boxes (n, 4) in its pixels, scores (n,) and numbers of labels (n,).

    The second look at boxes (`detection/refinement.py`) is left out: theirs are those of the first.
    """

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        self.config = DetectionConfig.from_metadata(weights.metadata)
        if self.config.turned:
            raise TrainingError(
                "Found boxes that are turned. Expected upright ones: turned ones cannot be exported yet."
            )
        self.network = _network(self.config, without_refinement(without_member(weights)))
        if other := member_state(weights):
            self.network = TwoMemberEnsemble(self.network, _network(self.config, replace(weights, arrays=other)))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """As the class says."""
        config = self.config
        pixels, factor = scaled(image, config.scale, self.network.background)
        corners, scores, classes = self._candidates(self.network(pixels))
        height, width = torch._shape_as_tensor(image)[:2].float().unbind(0)
        size = torch.stack([width, height, width, height])
        corners = torch.minimum((corners / factor).clamp_min(0), size)
        shown = [self._shown(corners, scores, classes, label, size) for label in range(len(config.labels))]
        return tuple(torch.cat(column) for column in zip(*shown, strict=True))  # type: ignore[return-value]

    def _candidates(self, output: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """As `DetectionHead.decode`: (n, 4) in scaled pixels, (n,), (n,), strongest first."""
        head = self.network.head
        heat = torch.sigmoid(output[0, : head.labels])
        peaks = heat * (functional.max_pool2d(heat[None], 3, 1, 1)[0] == heat)
        most = 4 * head.most
        values, cells = torch.cat([peaks.flatten(), torch.zeros(most)]).topk(most)
        cells = torch.minimum(cells, torch._shape_as_tensor(peaks).prod() - 1)
        area = torch._shape_as_tensor(peaks)[1:].prod()
        classes, cells = cells // area, cells % area
        corners, _ = voted(cells, head.boxes(output)[0], heat.amax(0) ** 2, None)
        apart = (corners.abs().max() + 1) * 2 * classes[:, None]
        kept = nms(corners + apart, values, head.overlap)
        kept = kept[values[kept] >= head.floor][: head.most]
        return corners[kept], values[kept], classes[kept]

    def _shown(
        self, corners: Tensor, scores: Tensor, classes: Tensor, label: int, size: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """What of one label's candidates is shown, as `Tracker` and `detection.decision` decide of a frame by itself."""
        config = self.config
        own = torch.nonzero(classes == label)[: config.candidates(label), 0]
        boxes, values = corners[own], scores[own]
        places = [one for one in config.hard_negatives if one.label == label]
        if places:
            values = _suppress_hard_negatives(boxes, values, size, places, config.score_threshold)
        order = torch.argsort(values, descending=True)
        boxes, values = boxes[order], values[order]
        neutral = float(np.log(odds_at(config.score_threshold)))
        gains = (_odds(values, 1e-4) - neutral).clamp(-TRACKER_RULES.max_gain, TRACKER_RULES.max_gain)
        kept = _without_duplicates(boxes)
        odds = torch.tensor(odds_of_counts(config.counts[label] if config.count_prior else ()), dtype=torch.float32)
        rank = (torch.cumsum(kept.long(), 0) - 1).clamp(0, len(odds) - 1)
        earns = gains + TRACKER_RULES.prior_weight * odds[rank] > 0
        ended = torch.cumsum((kept & ~earns).long(), 0) > 0
        whole = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        at = torch.nonzero(kept & ~ended & whole)[:, 0]
        calibration = (BOXES if config.calibration else IDENTITY).shown
        return boxes[at], _calibrated(values[at].clamp(1e-3, 1 - 1e-3), calibration), torch.full_like(at, label)


def odds_at(threshold: float) -> float:
    """Odds of the score that earns nothing."""
    return threshold / (1 - threshold)


def _network(config: DetectionConfig, weights: Weights) -> DetectionNetwork:
    """In float32, the format that every runtime has."""
    network = config.build()
    network.take_state(weights.arrays)
    network.backbone.freeze_for_inference(torch.float32, whole=True)
    return network.float().eval().requires_grad_(False)


def _odds(p: Tensor, least: float) -> Tensor:
    p = p.clamp(least, 1 - least)
    return torch.log(p / (1 - p))


def _calibrated(scores: Tensor, line: PlattScaling) -> Tensor:
    if (line.gain, line.shift) == (1.0, 0.0):
        return scores
    return torch.sigmoid(line.gain * _odds(scores, PROBABILITY_EPS) + line.shift)


def _without_duplicates(boxes: Tensor) -> Tensor:
    """(n,) bool: boxes, the best first, without those whose centre is near that of a better one that stays."""
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    areas = (boxes[:, 2:] - boxes[:, :2]).clamp_min(1e-3).prod(1)
    sides = torch.sqrt((areas[:, None] + areas) / 2).clamp_min(1e-6)
    apart = torch.sqrt(((centres[:, None] - centres) ** 2).sum(-1)) / sides
    place = torch.cumsum(torch.ones_like(areas), 0)
    near = ((apart < TRACKER_RULES.duplicate_distance) & (place[:, None] < place)).float()
    kept = torch.ones_like(areas)
    for _ in range(MAX_DUPLICATE_CHAIN):
        kept = ((near * kept[:, None]).sum(0) == 0).float()
    return kept > 0


def _suppress_hard_negatives(
    boxes: Tensor, scores: Tensor, size: Tensor, places: list[HardNegative], neutral: float
) -> Tensor:
    """As `hard_negatives.suppress_hard_negatives`."""
    wrong = torch.tensor([one.box for one in places], dtype=torch.float32) * size
    known = torch.tensor([one.score for one in places], dtype=torch.float32)
    excess = (_odds(known, 1e-4) + MIN_LOGIT_MARGIN - float(np.log(odds_at(neutral)))).clamp_min(0)
    sides = (
        torch.minimum(boxes[:, None, 2:], wrong[:, 2:]) - torch.maximum(boxes[:, None, :2], wrong[:, :2])
    ).clamp_min(0)
    shared = sides.prod(-1)
    areas = [(one[:, 2:] - one[:, :2]).clamp_min(0).prod(1) for one in (boxes, wrong)]
    overlap = shared / (areas[0][:, None] + areas[1] - shared).clamp_min(1e-9)
    loss = torch.where(overlap >= SAME_PLACE, excess, torch.zeros(())).amax(1)
    return torch.where(loss > 0, torch.sigmoid(_odds(scores, 1e-4) - loss), scores)
