"""Detection candidates, training crops, and the interface between a detection head and the training loop."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.ops import batched_nms

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

DRAWN_BOX_WEIGHT = 1.0
"""Weight of a box's outline that a person drew."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """What a head sees in one frame, best first, before counts and time decide what is shown."""

    boxes: Floats
    """(n, 4) x0, y0, x1, y1 in pixels; of the original frame once it left the head."""
    scores: Floats
    """(n,) in [0, 1]."""
    classes: Ints
    """(n,) index into the labels."""
    turned: Floats | None = None
    """(n, 3) width, height and degrees of the boxes of which `boxes` are the bounding boxes; None where all are upright."""

    def __len__(self) -> int:
        return len(self.scores)


@dataclass(frozen=True, slots=True, eq=False)
class TrainingCrop:
    """One training sample."""

    image: Tensor
    """(3, side, side) float RGB in [0, 1]."""
    boxes: Floats
    """(n, 4) in pixels of the crop; their centres lie in it."""
    classes: Ints
    """(n,) index into the labels."""
    ignored: Floats
    """(m, 4) areas in which neither an object nor its absence is learned."""
    outlines: Floats
    """(n,) weight of each box's sides, in [0, 1]; that there is an object counts in full."""
    turns: Floats | None = None
    """(n, 3) longer side, shorter side and radians of the boxes that `boxes` are around; None: all are upright."""


class HeadModule(Protocol):
    """The part of a network that knows what is asked for."""

    def __call__(self, features: Tensor) -> Tensor:
        """(batch, width, h, w) pyramid features -> (batch, channels, h, w) raw output."""
        ...

    def loss(self, output: Tensor, crops: Sequence[TrainingCrop]) -> Tensor:
        """How far the raw output is from what the crops hold."""
        ...

    def decode(self, output: Tensor) -> list[Candidates]:
        """Raw output -> what is seen in each image of the batch, in pixels of the scaled frame."""
        ...


def united(seen: Sequence[Candidates], overlap: float, most: int) -> Candidates:
    """What is seen in one frame at several scales, upright, best first: at most so many, without those that overlap a better one
    of their label by more than `overlap`, an intersection over union."""
    boxes, scores, classes = (
        np.concatenate([getattr(one, name) for one in seen]) for name in ("boxes", "scores", "classes")
    )
    tensors = (torch.from_numpy(column) for column in (boxes, scores, classes))
    kept = batched_nms(*tensors, overlap)[:most].numpy()
    return Candidates(boxes[kept], scores[kept], classes[kept])


def without_small(seen: Candidates, least: float) -> Candidates:
    """Those whose side, the root of the area, is at least so many pixels; all are upright."""
    kept = (seen.boxes[:, 2:] - seen.boxes[:, :2]).prod(1) >= least**2
    return Candidates(seen.boxes[kept], seen.scores[kept], seen.classes[kept])


def no_candidates() -> Candidates:
    """An empty frame."""
    return Candidates(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64))
