"""Mask propagation: the object of the nearest labelled frame, by optical flow."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.learning.geometry.scaling import as_rgb
from backend.learning.prompting.pick import Chances
from backend.learning.segmentation import flow
from backend.types import Frame, Instance, LabeledFrame, Mask

FLOW_SIDE_PIXELS = 512
"""Longest side that frames are scaled to, pixels; flow is found at half of it."""


def chances(frame: Frame, labeled: Sequence[LabeledFrame], label: str) -> Chances | None:
    """Probabilities of a label in the original frame, from the first of the labelled frames that is a moment of the same
    motion and has the label; None where there is none."""
    for one in labeled:
        mask = _drawn(one, label)
        if mask is None or (one.frame.width, one.frame.height) != (frame.width, frame.height):
            continue
        here, there = _scaled(frame), _scaled(one.frame)
        odds = flow.log_odds_of_masks(_resized(mask, here.shape)[None])
        frames = [
            flow.FlowFrame(flow.downscaled_grey(there), odds, True),
            flow.FlowFrame(flow.downscaled_grey(here), np.zeros_like(odds), False),
        ]
        flows = flow.flows_between(frames)
        if flows[0][1] is not None:
            propagated = flow.fuse(frames, flows)[1][0]
            large = cv2.resize(propagated, (frame.width, frame.height), interpolation=cv2.INTER_LINEAR)
            return np.asarray(1 / (1 + np.exp(-large)), np.float32)
    return None


def _drawn(labeled: LabeledFrame, label: str) -> Mask | None:
    """Where a label was drawn, as masks or as boxes."""
    mask = np.zeros((labeled.frame.height, labeled.frame.width), np.bool_)
    for instance in labeled.instances:
        if instance.label == label:
            mask |= _mask_of(instance, mask.shape)
    return mask if mask.any() else None


def _mask_of(instance: Instance, shape: tuple[int, ...]) -> Mask:
    if instance.mask is not None and instance.mask.shape == shape:
        return instance.mask
    filled = np.zeros(shape, np.bool_)
    x0, y0, x1, y1 = (max(round(edge), 0) for edge in instance.box)
    filled[y0:y1, x0:x1] = True
    return filled


def _scaled(frame: Frame) -> NDArray[np.uint8]:
    scale = min(FLOW_SIDE_PIXELS / max(frame.width, frame.height), 1.0)
    size = (max(round(frame.width * scale), 1), max(round(frame.height * scale), 1))
    return np.asarray(cv2.resize(as_rgb(frame.image), size, interpolation=cv2.INTER_AREA), np.uint8)


def _resized(mask: Mask, shape: tuple[int, ...]) -> Mask:
    return np.asarray(cv2.resize(mask.astype(np.uint8), (shape[1], shape[0]), interpolation=cv2.INTER_AREA) > 0)
