"""Edges of a mask's pixels: its bounding box, the contours of its parts and holes, and a hole joined to its outline.

A pixel in column i and row j is the square from (i, j) to (i + 1, j + 1).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.types import Box, Mask

Ring = NDArray[np.float64]
"""(n, 2): the vertices of a closed polygon, x and y in pixels; the last is joined to the first."""
Chain = NDArray[np.int64]
"""(n, 2): a closed contour over nodes, x and y in half pixels: even on the sides of pixels, odd in their centres."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A connected part of a mask; its holes run the other way round."""

    outer: Chain
    holes: tuple[Chain, ...]


def bounding_box(mask: Mask) -> Box | None:
    """The smallest box around a mask; None around an empty one."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def parts(mask: Mask, *, every_node: bool) -> list[Part]:
    """The contours of a mask's parts along its pixels' edges; without `every_node` only where they turn.

    They cut corners that point inwards.
    """
    # Twice as fine, with a node for each pixel's centre, sides and corners: contours then follow the pixels' edges.
    pixels = np.zeros((2 * mask.shape[0] + 1, 2 * mask.shape[1] + 1), dtype=np.uint8)
    pixels[1::2, 1::2] = mask
    nodes = cv2.dilate(pixels, np.ones((3, 3), np.uint8)).astype(np.uint8)
    chains = cv2.CHAIN_APPROX_NONE if every_node else cv2.CHAIN_APPROX_SIMPLE
    contours, hierarchy = cv2.findContours(nodes, cv2.RETR_CCOMP, chains)
    rings = [np.asarray(contour, dtype=np.int64)[:, 0] for contour in contours]
    outside = np.asarray(hierarchy).reshape(-1, 4)[:, 3].tolist()
    holes: dict[int, list[Chain]] = {part: [] for part, around in enumerate(outside) if around < 0}
    for ring, around in zip(rings, outside, strict=True):
        if around >= 0:
            holes[around].append(ring)
    return [Part(rings[part], tuple(inside)) for part, inside in holes.items()]


def bridge_holes(ring: Ring, holes: Sequence[Ring]) -> Ring:
    """Outline and holes as one ring, from left to right, each hole hung on a vertex near it, which may be a hole's.

    The bridge has no width: it goes there and back along one line. One that crosses something on its way is not pretty, but
    changes no area.
    """
    for hole in sorted(holes, key=lambda hole: float(hole[:, 0].min())):
        i = int(((ring - hole[hole[:, 0].argmin()]) ** 2).sum(axis=1).argmin())
        j = int(((hole - ring[i]) ** 2).sum(axis=1).argmin())
        ring = np.concatenate([ring[: i + 1], hole[j:], hole[: j + 1], ring[i:]])
    return ring
