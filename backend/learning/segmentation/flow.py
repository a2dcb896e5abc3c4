"""Optical flow (DIS, Kroeger and others, 2016): log odds of masks propagated along it, from the labelled frames above all.

Two passes, forward and backward in time. Each frame believes the network and what is propagated from its neighbour. Nothing
is where the flow is not consistent: forward and backward flow do not cancel out (something came into sight), or it leads to
what looks different (photometric consistency: something small moved faster than flow can follow).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.float32]

MAX_LOG_ODDS = 5.0
"""Log odds at which what a person drew, and all that is propagated, is capped."""
LOG_ODDS_PER_PIXEL = 1.0
"""Log odds per pixel of distance from a drawn outline: flow is no more exact than that."""
PROPAGATED_SHARE = 0.85
"""Share of a neighbour's log odds that flows on to the next frame: four frames on, half is left."""
NETWORK_WEIGHT = 0.07
"""Share of the network's log odds that count where others flow in: it saw five frames and is too sure of others,
and what a dozen neighbours say together is worth more than what one frame says. Measured on the same networks, mean J with
0.05 and 0.1: three networks of one heart 0.782, 0.789; a dancer 0.887, 0.890; a car 0.960, 0.959. But with 0.1 one of four
left masks in a quarter of the heart's empty slices."""
CYCLE_ERROR_PIXELS = 1.0
"""Forward-backward error, in flow pixels, at which the confidence of the flow has fallen to 1/e."""
PHOTOMETRIC_DEVIATIONS = 8.0
"""Difference of grey values at which the confidence has fallen to 1/e, in median differences of the two frames. Mean J without
it, with 5, 8 and 16: a heart 0.805, 0.814, 0.813, 0.810; a dancer 0.896, 0.901, 0.903, 0.902; made-up cells 0.867, 0.972 and
thin worms 0.791, 0.941 with each."""
GREY_NOISE_LEVELS = 3.0
"""Grey levels that are added to those median differences."""
MIN_MEAN_CONSISTENCY = 0.75
"""Mean forward-backward consistency below which two frames are no moments of one motion (slices of tissue, a cut): nothing
is propagated at all."""
FLOW_DOWNSCALE = 2
"""Pixels of the scaled frame per pixel of the flow: half the size is four times as fast, and as good."""
FLOW_PIXELS = 70_000
"""Most pixels of the flow: frames that are scaled to more for what is thin move no finer."""


@dataclass(frozen=True, slots=True, eq=False)
class FlowFrame:
    """One frame between its neighbours in time."""

    grey: NDArray[np.uint8]
    """(rows, columns) of the flow."""
    odds: Floats
    """(labels, height, width) log odds of the network, or of a drawn mask."""
    drawn: bool
    """Whether a person drew it."""


@dataclass(frozen=True, slots=True, eq=False)
class FlowField:
    """Optical flow from a frame to its neighbour: where each of its pixels is there."""

    source: Floats
    """(height, width, 2) x, y in the neighbour."""
    confidence: Floats
    """(height, width) in [0, 1]."""


def log_odds_of_masks(masks: NDArray[np.bool_]) -> Floats:
    """(labels, height, width) masks as log odds that rise with the distance from the outline."""
    inside = [_signed_distance(mask) for mask in masks]
    return np.clip(np.array(inside, np.float32) * LOG_ODDS_PER_PIXEL, -MAX_LOG_ODDS, MAX_LOG_ODDS).reshape(masks.shape)


def _signed_distance(mask: NDArray[np.bool_]) -> Floats:
    """Distance from the outline, pixels; negative outside. Without an outline everything is far from it."""
    if mask.all() or not mask.any():
        return np.full(mask.shape, np.inf if mask.any() else -np.inf, np.float32)
    distance = ndimage.distance_transform_edt(mask) - ndimage.distance_transform_edt(~mask)
    return np.asarray(distance, np.float32)


def downscaled_grey(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(height, width, 3) RGB -> grey of half the size or less."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    downscale = max(FLOW_DOWNSCALE, math.sqrt(grey.size / FLOW_PIXELS))
    size = (max(int(grey.shape[1] / downscale), 16), max(int(grey.shape[0] / downscale), 16))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)


FlowPair = tuple[FlowField | None, FlowField | None]
"""From a frame to the next one, and back; None where the two are no moments of one motion."""


def flows_between(frames: Sequence[FlowFrame]) -> list[FlowPair]:
    """The optical flow between each two frames that follow one another in time."""
    finder = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    finder.setFinestScale(0)
    return [_flow_pair(finder, a, b) for a, b in pairwise(frames)]


def fuse(frames: Sequence[FlowFrame], flows: Sequence[FlowPair]) -> list[Floats]:
    """The log odds of every frame, its own and its neighbours' together; `flows` lie between the frames."""
    if not frames:
        return []
    to_before, to_after = [None, *(back for _, back in flows)], [*(forth for forth, _ in flows), None]
    forward = _propagated(frames, to_before)
    backward = _propagated(frames[::-1], to_after[::-1])[::-1]
    return [
        frame.odds if frame.drawn else np.asarray(_network_weight(before, after) * frame.odds + a + b, np.float32)
        for frame, a, b, before, after in zip(frames, forward, backward, to_before, to_after, strict=True)
    ]


def _network_weight(*flows: FlowField | None) -> Floats | float:
    """Share of a frame's own log odds that counts: all of it where nothing flows in from either side."""
    alone: Floats | float = 1.0
    for field in flows:
        alone = alone * (1 - field.confidence) if field else alone
    return NETWORK_WEIGHT + (1 - NETWORK_WEIGHT) * alone


def _propagated(frames: Sequence[FlowFrame], flows: Sequence[FlowField | None]) -> list[Floats]:
    """The log odds that each frame gets from the one before it; `flows[i]` leads from frame i to that one, None: none does."""
    propagated = list[Floats]()
    for i, (frame, field) in enumerate(zip(frames, flows, strict=True)):
        if field is None:
            propagated.append(np.zeros_like(frame.odds))
            continue
        before = frames[i - 1]
        state = before.odds if before.drawn else NETWORK_WEIGHT * before.odds + propagated[-1]
        state = np.clip(state, -MAX_LOG_ODDS, MAX_LOG_ODDS)
        warped = [sampled(one, field.source) for one in state]
        propagated.append(np.asarray(PROPAGATED_SHARE * np.array(warped) * field.confidence, np.float32))
    return propagated


def _flow_pair(finder: Any, a: FlowFrame, b: FlowFrame) -> FlowPair:
    """From a to b and from b to a; None between frames of different sizes, or that do not follow one another."""
    if a.grey.shape != b.grey.shape or a.odds.shape != b.odds.shape:
        return None, None
    forward, backward = finder.calc(a.grey, b.grey, None), finder.calc(b.grey, a.grey, None)
    to_b, to_a = (_grid(flow.shape[:2]) + flow for flow in (forward, backward))
    in_a = _cycle_consistency(forward, sampled(backward, to_b))
    in_b = _cycle_consistency(backward, sampled(forward, to_a))
    if min(float(in_a.mean()), float(in_b.mean())) < MIN_MEAN_CONSISTENCY:
        return None, None
    shape = (a.odds.shape[1], a.odds.shape[2])
    in_a, in_b = in_a * _photometric_consistency(a, b, to_b), in_b * _photometric_consistency(b, a, to_a)
    return _field(forward, in_a, shape), _field(backward, in_b, shape)


def _cycle_consistency(flow: Floats, returned: Floats) -> Floats:
    """(rows, columns) in [0, 1]: forward-backward consistency."""
    return np.asarray(np.exp(-np.square(flow + returned).sum(2) / CYCLE_ERROR_PIXELS**2), np.float32)


def _photometric_consistency(a: FlowFrame, b: FlowFrame, source: Floats) -> Floats:
    """(rows, columns) in [0, 1]: how alike each pixel of a is to the one of b that flow leads to."""
    apart = cv2.blur(np.abs(a.grey - sampled(b.grey.astype(np.float32), source)), (3, 3))
    return np.asarray(
        np.exp(-np.square(apart / (PHOTOMETRIC_DEVIATIONS * np.median(apart) + GREY_NOISE_LEVELS))), np.float32
    )


def _field(flow: Floats, confidence: Floats, shape: tuple[int, int]) -> FlowField:
    size, (rows, columns) = (shape[1], shape[0]), flow.shape[:2]
    scale = np.array([shape[1] / columns, shape[0] / rows], np.float32)
    source = _grid(shape) + cv2.resize(flow, size, interpolation=cv2.INTER_LINEAR) * scale
    return FlowField(
        np.asarray(source, np.float32),
        np.asarray(cv2.resize(confidence, size, interpolation=cv2.INTER_LINEAR), np.float32),
    )


def _grid(shape: tuple[int, ...]) -> Floats:
    """(rows, columns, 2): x and y of each place."""
    y, x = np.indices(shape, np.float32)
    return np.stack([x, y], -1)


def sampled(values: Floats, source: Floats) -> Floats:
    """The values at the places `source`, x and y."""
    x, y = np.ascontiguousarray(source[..., 0]), np.ascontiguousarray(source[..., 1])
    return np.asarray(cv2.remap(values, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)
