"""Second-hand labels: what a half-trained network and time agree on in unlabelled frames teaches it the rest.

An object of the group looks different on frames that nobody labelled (turned, blurred, nearer); linked in time it is
found there all the same, and from then on it can be learned. Where network and time disagree nothing is learned.
"""

import numpy as np
from torch import Tensor

from backend.learning.detection.augmentation import Picture
from backend.learning.detection.decision import FrameDetections
from backend.learning.detection.rotation import as_turns

SURE = 0.5
"""Score, smoothed in time, from which a box is taken for true."""
DOUBTFUL = 0.3
"""Score from which a candidate that is not shown is neither learned as an object nor as background."""
MISTAKEN = 0.08
"""Score from which a candidate that time speaks against is worth learning as background."""


def picture_of(decided: FrameDetections, pixels: Tensor, factor: float, weight: float, inexact: float) -> Picture:
    """A frame to learn from, in pixels of the scaled frame; `inexact` is the weight of its boxes' sides."""
    boxes, classes, ignored, hard, turns = [], [], [], [], []
    for index, shown in enumerate(decided.by_label):
        sure = (shown.scores >= SURE) & (shown.candidates >= 0)
        boxes.append(shown.boxes[sure])
        classes.append(np.full(int(sure.sum()), index, np.int64))
        ignored.append(shown.boxes[~sure])
        found = decided.frame.candidates
        own = np.flatnonzero(found.classes == index)
        if found.turned is not None:
            turns.append(as_turns(found.turned[own[shown.candidates[sure]]], factor))
        rest = np.delete(own, shown.candidates[shown.candidates >= 0])
        ignored.append(found.boxes[rest[found.scores[rest] >= DOUBTFUL]].astype(np.float64))
        wrong = found.boxes[rest[(found.scores[rest] < DOUBTFUL) & (found.scores[rest] >= MISTAKEN)]]
        hard.append((wrong[:, :2] + wrong[:, 2:]) / 2)
    return Picture(
        image=pixels,
        boxes=(np.concatenate(boxes) * factor).astype(np.float32).reshape(-1, 4),
        classes=np.concatenate(classes),
        outlines=np.full(sum(map(len, boxes)), inexact, np.float32),
        ignored=(np.concatenate(ignored) * factor).astype(np.float32).reshape(-1, 4),
        hard=(np.concatenate(hard) * factor).astype(np.float32),
        weight=weight,
        labelled=False,
        turns=np.concatenate(turns) if turns else None,
    )
