"""Prompts as somebody would draw them on objects whose truth is known."""

from collections.abc import Iterator

import cv2
import numpy as np

from backend.learning.geometry.boxes import mask_bounds
from backend.learning.prompting.pick import overlap
from backend.types import Box, Instance, Mask, Prompt

SMALLEST = 0.001
"""Share of the frame from which a part of a mask is an object that somebody points at."""
JITTER = 0.1
"""Of a box around a mask, in shares of its sides."""
ROUGH = 0.5
"""IoU with the truth of a rough box around a box."""


def objects(truth: tuple[Instance, ...]) -> Iterator[Instance]:
    """What somebody may point at: boxes, posed objects, and each connected part of a mask that is not tiny."""
    for one in truth:
        if one.mask is None:
            yield one
            continue
        count, parts, stats, _ = cv2.connectedComponentsWithStats(one.mask.astype(np.uint8))
        for part in range(1, count):
            if stats[part, cv2.CC_STAT_AREA] >= SMALLEST * one.mask.size:
                mask = parts == part
                yield Instance(one.label, mask_bounds(mask), mask=mask)


def rough(box: Box, size: tuple[int, int], jitter: float, rng: np.random.Generator) -> Box:
    """The box with each side moved by up to `jitter` of its sides, within a frame of `size`."""
    sides = np.array([box[2] - box[0], box[3] - box[1]] * 2)
    moved = np.clip(np.array(box) + rng.uniform(-jitter, jitter, 4) * sides, 0, [*size, *size])
    return float(moved[0]), float(moved[1]), float(moved[2]), float(moved[3])


def rough_half(box: Box, size: tuple[int, int], rng: np.random.Generator) -> Box:
    """A box whose IoU with this one is within 0.05 of a half."""
    while True:
        tried = rough(box, size, rng.uniform(0.1, 0.5), rng)
        if abs(overlap(tried, box) - ROUGH) < 0.05:
            return tried


def middle(mask: Mask) -> tuple[float, float]:
    """The point that is farthest from the edge."""
    distance = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    row, column = np.unravel_index(int(distance.argmax()), distance.shape)
    return float(column) + 0.5, float(row) + 0.5


def next_click(prompt: Prompt, truth: Mask, found: Mask) -> Prompt:
    """One more click, in the largest error."""
    missed, extra = truth & ~found, found & ~truth
    largest = [max(cv2.connectedComponentsWithStats(e.astype(np.uint8))[2][1:, 4], default=0) for e in (missed, extra)]
    if largest[0] >= largest[1]:
        return Prompt(inside=(*prompt.inside, middle(missed)), outside=prompt.outside)
    return Prompt(inside=prompt.inside, outside=(*prompt.outside, middle(extra)))
