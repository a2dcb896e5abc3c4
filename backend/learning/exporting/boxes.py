"""Detection from a picture to boxes as one torch module: what a micro-model says of a single frame."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from backend.learning.detection.config import DetectionConfig
from backend.learning.detection.count_prior import odds_of_counts
from backend.learning.detection.ensemble import TwoMemberEnsemble, member_state, without_member
from backend.learning.detection.refinement import without_refinement
from backend.learning.exporting.candidates import Seen, candidates, united
from backend.learning.exporting.resizing import scaled, size_of
from backend.learning.exporting.whole import in_float32
from backend.learning.exporting.without import without_nearby
from backend.learning.geometry.scaling import Scale
from backend.learning.score import BOXES, IDENTITY, PROBABILITY_EPS, PlattScaling
from backend.learning.tracking.rules import TrackerRules
from backend.types import Weights

TRACKER_RULES = TrackerRules()


class PictureToBoxes(nn.Module):
    """(height, width, 3) uint8 RGB -> boxes (n, 4) in its pixels, scores (n,) and numbers of labels (n,); of boxes that are
    turned also their angles (n,), degrees clockwise about their middle."""

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        self.config = DetectionConfig.from_metadata(weights.metadata)
        self.network = in_float32(self.config, without_refinement(without_member(weights)))
        if other := member_state(weights):
            self.network = TwoMemberEnsemble(self.network, in_float32(self.config, replace(weights, arrays=other)))

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """As the class says."""
        size = size_of(image).float().flip(0).repeat(2)
        seen = [self._seen_at(scale, image, size, least) for scale, least in self.config.looks]
        found = seen[0] if len(seen) == 1 else united(seen, self.config.overlap, self.config.most_candidates)
        shown = [self._shown(found, label, size) for label in range(len(self.config.labels))]
        boxes, scores, labels, turns = (
            None if column[0] is None else torch.cat(column) for column in zip(*shown, strict=True)
        )
        assert boxes is not None
        assert scores is not None
        assert labels is not None
        if turns is None:
            return boxes, scores, labels
        middle, half = (boxes[:, :2] + boxes[:, 2:]) / 2, turns[:, :2] / 2
        return torch.cat([middle - half, middle + half], 1), scores, labels, turns[:, 2]

    def _seen_at(self, scale: Scale, image: Tensor, size: Tensor, least: float) -> Seen:
        """The candidates at one scale, in pixels of the picture, that are as large as `least` there."""
        frame = scaled(image, scale, self.network.background)
        found = candidates(self.network.head, self.network(frame.pixels))
        if found.turns is None:
            found = found._replace(boxes=torch.minimum((found.boxes / frame.factor).clamp_min(0), size))
            areas = (found.boxes[:, 2:] - found.boxes[:, :2]).prod(1)
            return found.at(torch.nonzero(areas >= (least / frame.factor) ** 2)[:, 0]) if least else found
        whole = torch.cat([frame.factor, frame.factor, torch.ones(1)])
        return found._replace(boxes=found.boxes / frame.factor, turns=found.turns / whole)

    def _shown(self, found: Seen, label: int, size: Tensor) -> Seen:
        """What of one label's candidates is shown, as `Tracker` and `detection.decision` decide of a frame by itself."""
        config = self.config
        own = found.at(torch.nonzero(found.labels == label)[: config.candidates(label), 0])
        own = own.at(torch.argsort(own.scores, descending=True))
        neutral = float(np.log(_odds_at(config.score_threshold)))
        gains = (_odds(own.scores, 1e-4) - neutral).clamp(-TRACKER_RULES.max_gain, TRACKER_RULES.max_gain)
        kept = without_nearby(_duplicates(own.boxes))
        odds = torch.tensor(odds_of_counts(config.counts[label] if config.count_prior else ()), dtype=torch.float32)
        rank = (torch.cumsum(kept.long(), 0) - 1).clamp(0, len(odds) - 1)
        earns = gains + TRACKER_RULES.prior_weight * odds[rank] > 0
        ended = torch.cumsum((kept & ~earns).long(), 0) > 0
        boxes = own.boxes
        whole = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        shown = own.at(torch.nonzero(kept & ~ended & whole)[:, 0])
        calibration = (BOXES if config.calibration else IDENTITY).shown
        return shown._replace(scores=_calibrated(shown.scores.clamp(1e-3, 1 - 1e-3), calibration))


def _odds_at(threshold: float) -> float:
    """Odds of the score that earns nothing."""
    return threshold / (1 - threshold)


def _odds(p: Tensor, least: float) -> Tensor:
    p = p.clamp(least, 1 - least)
    return torch.log(p / (1 - p))


def _calibrated(scores: Tensor, line: PlattScaling) -> Tensor:
    if (line.gain, line.shift) == (1.0, 0.0):
        return scores
    return torch.sigmoid(line.gain * _odds(scores, PROBABILITY_EPS) + line.shift)


def _duplicates(boxes: Tensor) -> Tensor:
    """(n, n) whether the centres of two boxes are so near that they show one object."""
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    areas = (boxes[:, 2:] - boxes[:, :2]).clamp_min(1e-3).prod(1)
    sides = torch.sqrt((areas[:, None] + areas) / 2).clamp_min(1e-6)
    apart = torch.sqrt(((centres[:, None] - centres) ** 2).sum(-1)) / sides
    return apart < TRACKER_RULES.duplicate_distance
