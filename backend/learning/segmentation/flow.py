"""Neighbouring frames agree: probabilities carried along the optical flow, from the labelled frames above all.

Two passes, forward and backward in time. Each frame believes the network and what flows in from its neighbour; where
flow there and back do not meet (something came into sight) or leads to what looks different (something small moved faster
than flow can follow) nothing flows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.float32]

CERTAIN = 5.0
"""Log odds at which what a person drew, and all that flows, is capped."""
SLOPE = 1.0
"""Log odds per pixel of distance from a drawn outline: flow is no more exact than that."""
CARRY = 0.85
"""Share of a neighbour's log odds that flows on to the next frame: four frames on, half is left."""
TRUST = 0.07
"""Share of the network's log odds that count where others flow in: it saw five frames and is too sure of others,
and what a dozen neighbours say together is worth more than what one frame says. Measured on the same networks, mean J with
0.05 and 0.1: three networks of one heart 0.782, 0.789; a dancer 0.887, 0.890; a car 0.960, 0.959. But with 0.1 one of four
left masks in a quarter of the heart's empty slices."""
MEETING = 1.0
"""Distance in flow pixels between a place and its way there and back at which trust has fallen to 1/e."""
ALIKE = 8.0
"""Difference of grey values at which trust has fallen to 1/e, in usual differences of the two frames. Mean J without this
doubt, with 5, 8 and 16: a heart 0.805, 0.814, 0.813, 0.810; a dancer 0.896, 0.901, 0.903, 0.902; made-up cells 0.867, 0.972 and
thin worms 0.791, 0.941 with each."""
NOISE = 3.0
"""Grey levels that are added to those usual differences."""
FOLLOWS = 0.75
"""Mean trust in the way there and back below which two frames are no moments of one motion (slices of tissue, a cut): nothing
flows at all."""
SHRUNK = 2
"""Pixels of the scaled frame per pixel of the flow: half the size is four times as fast, and as good."""


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One frame in order of time."""

    grey: NDArray[np.uint8]
    """(height / 2, width / 2)."""
    odds: Floats
    """(labels, height, width) log odds of the network, or of a drawn mask."""
    certain: bool
    """Whether a person drew it."""


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """Where each pixel of a frame was in its neighbour."""

    at: Floats
    """(height, width, 2) x, y in the neighbour."""
    trust: Floats
    """(height, width) in [0, 1]."""


def drawn_odds(masks: NDArray[np.bool_]) -> Floats:
    """(labels, height, width) masks as log odds that rise with the distance from the outline."""
    inside = [_inside(mask) for mask in masks]
    return np.clip(np.array(inside, np.float32) * SLOPE, -CERTAIN, CERTAIN).reshape(masks.shape)


def _inside(mask: NDArray[np.bool_]) -> Floats:
    """Distance from the outline, pixels; negative outside. Without an outline everything is far from it."""
    if mask.all() or not mask.any():
        return np.full(mask.shape, np.inf if mask.any() else -np.inf, np.float32)
    distance = ndimage.distance_transform_edt(mask) - ndimage.distance_transform_edt(~mask)
    return np.asarray(distance, np.float32)


def shrunk(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(height, width, 3) RGB -> grey of half the size."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    size = (max(grey.shape[1] // SHRUNK, 16), max(grey.shape[0] // SHRUNK, 16))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)


Between = tuple[Way | None, Way | None]
"""From a step to the next one, and back; None where the two are no moments of one motion."""


def ways_between(steps: Sequence[Step]) -> list[Between]:
    """Of each two steps that follow one another; steps lie in order of time."""
    finder = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    finder.setFinestScale(0)
    return [_ways(finder, a, b) for a, b in pairwise(steps)]


def fuse(steps: Sequence[Step], ways: Sequence[Between]) -> list[Floats]:
    """The log odds of every step, its own and its neighbours' together; `ways` lie between the steps."""
    if not steps:
        return []
    from_before, from_after = [None, *(way[1] for way in ways)], [*(way[0] for way in ways), None]
    ahead = _carried(steps, from_before)
    back = _carried(steps[::-1], from_after[::-1])[::-1]
    return [
        step.odds if step.certain else np.asarray(_own(before, after) * step.odds + a + b, np.float32)
        for step, a, b, before, after in zip(steps, ahead, back, from_before, from_after, strict=True)
    ]


def _own(*ways: Way | None) -> Floats | float:
    """Share of a frame's own log odds that counts: all of it where nothing flows in from either side."""
    alone: Floats | float = 1.0
    for way in ways:
        alone = alone * (1 - way.trust) if way else alone
    return TRUST + (1 - TRUST) * alone


def _carried(steps: Sequence[Step], ways: Sequence[Way | None]) -> list[Floats]:
    """What flows into each step from the one before it; `ways[i]` leads from step i to that, None where none does."""
    carried = list[Floats]()
    for i, (step, way) in enumerate(zip(steps, ways, strict=True)):
        if way is None:
            carried.append(np.zeros_like(step.odds))
            continue
        before = steps[i - 1]
        state = before.odds if before.certain else TRUST * before.odds + carried[-1]
        state = np.clip(state, -CERTAIN, CERTAIN)
        moved = [_taken(one, way.at) for one in state]
        carried.append(np.asarray(CARRY * np.array(moved) * way.trust, np.float32))
    return carried


def _ways(finder: Any, a: Step, b: Step) -> Between:
    """From a to b and from b to a; None between frames of different sizes, or that do not follow one another."""
    if a.grey.shape != b.grey.shape or a.odds.shape != b.odds.shape:
        return None, None
    there, back = finder.calc(a.grey, b.grey, None), finder.calc(b.grey, a.grey, None)
    to_b, to_a = (_grid(flow.shape[:2]) + flow for flow in (there, back))
    met = _met(there, _taken(back, to_b)), _met(back, _taken(there, to_a))
    if min(float(one.mean()) for one in met) < FOLLOWS:
        return None, None
    shape = (a.odds.shape[1], a.odds.shape[2])
    return _way(there, met[0] * _alike(a, b, to_b), shape), _way(back, met[1] * _alike(b, a, to_a), shape)


def _met(flow: Floats, returned: Floats) -> Floats:
    """(rows, columns) in [0, 1]: how near the way there and back ends to where it began."""
    return np.asarray(np.exp(-np.square(flow + returned).sum(2) / MEETING**2), np.float32)


def _alike(a: Step, b: Step, at: Floats) -> Floats:
    """(rows, columns) in [0, 1]: how alike each place of a looks to the place of b that flow leads to."""
    apart = cv2.blur(np.abs(a.grey - _taken(b.grey.astype(np.float32), at)), (3, 3))
    return np.asarray(np.exp(-np.square(apart / (ALIKE * np.median(apart) + NOISE))), np.float32)


def _way(flow: Floats, trust: Floats, shape: tuple[int, int]) -> Way:
    size, (rows, columns) = (shape[1], shape[0]), flow.shape[:2]
    scale = np.array([shape[1] / columns, shape[0] / rows], np.float32)
    at = _grid(shape) + cv2.resize(flow, size, interpolation=cv2.INTER_LINEAR) * scale
    return Way(
        np.asarray(at, np.float32), np.asarray(cv2.resize(trust, size, interpolation=cv2.INTER_LINEAR), np.float32)
    )


def _grid(shape: tuple[int, ...]) -> Floats:
    """(rows, columns, 2): x and y of each place."""
    y, x = np.indices(shape, np.float32)
    return np.stack([x, y], -1)


def _taken(values: Floats, at: Floats) -> Floats:
    """The values at the places `at`, x and y."""
    x, y = np.ascontiguousarray(at[..., 0]), np.ascontiguousarray(at[..., 1])
    return np.asarray(cv2.remap(values, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)
