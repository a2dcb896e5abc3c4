"""Deep ensemble of two: the new network and the previous version's.

Each training begins anew, so the two err in different places, and the mean of what they say errs less than either
(Lakshminarayanan et al., Simple and scalable predictive uncertainty estimation using deep ensembles, 2017). It also
changes less from round to round. Measured on the frames not labelled yet, after each of five rounds of two groups: F1 0.937
alone, 0.949 of the ensemble, and in none of them less; at IoU 0.7 0.854 and 0.876.
"""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from backend.learning.detection.config import DetectionConfig
from backend.learning.detection.head import BACKGROUND_TENSOR, DetectionNetwork
from backend.learning.detection.initialization import shape
from backend.learning.detection.refinement import without_refinement
from backend.learning.fitting.initialization import earlier, similar_scale
from backend.types import State, Weights

MEMBER_PREFIX = "other."
"""Of the names of the second member's tensors in an artifact."""
SIDES_BIAS, ANGLE_BIAS = "head.sides.bias", "head.turn.bias"
"""Tensors that the size of a typical object is folded into; the second of boxes with an angle only."""


class TwoMemberEnsemble(DetectionNetwork):
    """Two networks of one shape, whose outputs are averaged."""

    def __init__(self, one: DetectionNetwork, other: DetectionNetwork) -> None:
        super().__init__(one.backbone, one.pyramid, one.head)
        self.background = one.background
        self.other = other

    def forward(self, images: Tensor) -> Tensor:
        """As each of them: the mean of their logits and log distances."""
        out: Tensor = torch.lerp(super().forward(images).float(), self.other(images).float(), 0.5)
        return out


def with_member(weights: Weights, before: Weights) -> Weights:
    """The artifact of a micro-model, with the network of the previous version as second member; unchanged where the
    two scale frames differently, or differ in shape or labels."""
    one, other = DetectionConfig.from_metadata(weights.metadata), earlier(DetectionConfig.from_metadata, before)
    if (
        other is None
        or one.labels != other.labels
        or shape(one) != shape(other)
        or not similar_scale(one.factor, other.factor)
    ):
        return weights
    arrays = {
        name: array
        for name, array in without_refinement(without_member(before)).arrays.items()
        if name != BACKGROUND_TENSOR
    }
    grown = np.log(np.array(other.size) / np.array(one.size))
    arrays[SIDES_BIAS] = (arrays[SIDES_BIAS] + np.concatenate([grown, grown])).astype(arrays[SIDES_BIAS].dtype)
    if ANGLE_BIAS in arrays:
        both = np.concatenate([np.full(2, grown.mean()), np.zeros(len(arrays[ANGLE_BIAS]) - 2)])
        arrays[ANGLE_BIAS] = (arrays[ANGLE_BIAS] + both).astype(arrays[ANGLE_BIAS].dtype)
    return replace(
        weights, arrays={**weights.arrays, **{MEMBER_PREFIX + name: array for name, array in arrays.items()}}
    )


def without_member(weights: Weights) -> Weights:
    """The artifact without its second member."""
    return replace(
        weights, arrays={name: a for name, a in weights.arrays.items() if not name.startswith(MEMBER_PREFIX)}
    )


def member_state(weights: Weights) -> State:
    """Tensors of the second member, and the background that it shares; none where there is no second member."""
    arrays = weights.arrays.items()
    own = {name.removeprefix(MEMBER_PREFIX): array for name, array in arrays if name.startswith(MEMBER_PREFIX)}
    return {**own, **{name: array for name, array in arrays if name == BACKGROUND_TENSOR and own}}
