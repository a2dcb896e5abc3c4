"""Outlines of masks: polygons of few vertices that fill to the same mask.

A polygon cannot have holes. A hole is joined to the outline by a slit without width, there and back along one line:
the outline runs around the object, along the slit, around the hole the other way, and back. The filled area is right
and the object stays one region. Parts that do not touch are polygons of their own.
"""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.studio.regions.mask import Ring, fill, hull
from backend.types import Mask

TOLERANCES = (1.0, 0.5, 0.25, 0.0)
"""How far, in pixels, the outline may be from the mask's edge; the first that is good enough."""
GOOD = 0.985
"""IoU of a polygon and its mask that is good enough; small objects take a finer outline to get there."""
NUDGE = (0.003, 0.00185)
"""Pixels: edges may not run so close to the centres of pixels that rounding decides which side these are on.

In the golden ratio, since few edges between pixels run along it.
"""
SPECKS = 0.003
"""About the share of the area that may be lost with the smallest parts, and with the smallest holes."""
MOST = 100
"""Parts of one instance, and holes of one part: with more a mask is noise, which nobody could edit as polygons."""


def outlines(mask: Mask) -> list[Ring]:
    """Polygons in pixels around the parts of a mask (height, width), the largest first."""
    box = hull(mask)
    if box is None:
        return []
    x0, y0, x1, y1 = (int(edge) for edge in box)
    offset = np.array([x0, y0])
    return [_simple(outer, holes) + offset for outer, holes in exact(mask[y0:y1, x0:x1])]


def exact(mask: Mask) -> list[tuple[Ring, list[Ring]]]:
    """Outline and holes of every part that counts, to the pixel, the largest first; holes run the other way round."""
    # Twice as fine, with a node for each pixel's centre, sides and corners: contours then follow the pixels' edges.
    pixels = np.zeros((2 * mask.shape[0] + 1, 2 * mask.shape[1] + 1), dtype=np.uint8)
    pixels[1::2, 1::2] = mask
    nodes = cv2.dilate(pixels, np.ones((3, 3), np.uint8))
    contours, hierarchy = cv2.findContours(nodes, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    parents = np.asarray(hierarchy).reshape(-1, 4)[:, 3].tolist()
    areas = [cv2.contourArea(contour) for contour in contours]
    holes: dict[int, list[int]] = {i: [] for i, parent in enumerate(parents) if parent < 0}
    for i, parent in enumerate(parents):
        if parent >= 0:
            holes[parent].append(i)
    net = {part: areas[part] - sum(areas[i] for i in inside) for part, inside in holes.items()}
    rings = [np.asarray(contour, dtype=np.int64)[:, 0] for contour in contours]
    return [
        (
            _ring(rings[part]),
            [_ring(rings[i]) for i in _without_specks({i: areas[i] for i in holes[part]}, areas[part])],
        )
        for part in _without_specks(net, sum(net.values()))
    ]


def _ring(chain: NDArray[np.int64]) -> Ring:
    """A contour over nodes as the corners of the pixels' edges, with single steps of a slope smoothed away."""
    # The contour cuts corners that point inwards: put the node back, the one of the two that is a pixel's corner.
    step = np.roll(chain, -1, axis=0) - chain
    aside, below = chain + step * (1, 0), chain + step * (0, 1)
    cut = np.where((aside % 2 == 0).all(axis=1, keepdims=True), aside, below)
    path = np.stack([chain, cut], axis=1)[np.stack([np.full(len(chain), True), step.all(axis=1)], axis=1)]
    points = path[(path % 2 == 0).all(axis=1)] // 2
    before, after = points - np.roll(points, 1, axis=0), np.roll(points, -1, axis=0) - points
    corner = (before != after).any(axis=1)
    points, turn = points[corner], (before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0])[corner]
    # One pixel sideways between two runs in the same direction is the staircase of a slope: its middle is on the edge.
    # A corner beside it goes, unless the run on its other side is an end of the object, which turns back.
    onward = np.roll(points, -1, axis=0) - points
    slope = turn != np.roll(turn, -1)
    stair = slope & (np.abs(onward).sum(axis=1) == 1)
    kept = ~((stair & np.roll(slope, 1)) | (np.roll(stair, 1) & slope))
    slots = np.stack([points.astype(np.float64), points + onward / 2], axis=1)
    ring: Ring = slots[np.stack([kept, stair], axis=1)]
    return ring


def _simple(outer: Ring, holes: Sequence[Ring]) -> Ring:
    """One polygon of a part: few vertices, its larger holes slit in."""
    corner = np.floor(outer.min(axis=0))
    width, height = np.ceil(outer.max(axis=0) - corner).astype(int)
    size = (int(width), int(height))
    truth = fill(_slit(outer, holes) - corner, size)
    nudge = np.array(NUDGE)
    ring = outer
    for tolerance in TOLERANCES:
        ring = _slit(_few(outer, tolerance), [_few(hole, tolerance) for hole in holes])
        if all(_iou(fill(ring - corner + moved, size), truth) >= GOOD for moved in (nudge, -nudge)):
            break
    return ring


def _iou(one: Mask, other: Mask) -> float:
    return float((one & other).sum() / max(1, (one | other).sum()))


def _few(ring: Ring, tolerance: float) -> Ring:
    """The ring with fewer vertices, none of those left out further than `tolerance` pixels away."""
    if tolerance <= 0:
        return ring
    fewer = np.asarray(cv2.approxPolyDP(ring.astype(np.float32), tolerance, True), dtype=np.float64)[:, 0]
    return fewer if len(fewer) > 2 else ring


def _slit(ring: Ring, holes: Sequence[Ring]) -> Ring:
    """Outline and holes as one ring, from left to right, each hole hung on a vertex near it, which may be a hole's.

    A slit that crosses something on its way is not pretty, but changes no area: it is there and back.
    """
    for hole in sorted(holes, key=lambda hole: float(hole[:, 0].min())):
        i = int(((ring - hole[hole[:, 0].argmin()]) ** 2).sum(axis=1).argmin())
        j = int(((hole - ring[i]) ** 2).sum(axis=1).argmin())
        ring = np.concatenate([ring[: i + 1], hole[j:], hole[: j + 1], ring[i:]])
    return ring


def _without_specks(areas: Mapping[int, float], whole: float) -> list[int]:
    """The keys of the largest areas, in that order, without the smallest that add up to `SPECKS` of the whole."""
    order = sorted(areas, key=lambda i: -areas[i])
    lost = 0.0
    while order and lost + areas[order[-1]] <= SPECKS * whole:
        lost += areas[order.pop()]
    return order[:MOST]
