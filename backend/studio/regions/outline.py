"""Outlines of masks: polygons of few vertices that fill to the same mask.

A polygon cannot have holes. A hole is joined to the outline by a slit without width, there and back along one line:
the outline runs around the object, along the slit, around the hole the other way, and back. The filled area is right
and the object stays one region. Parts that do not touch are polygons of their own.
"""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from backend.pixel_edges import Chain, Part, Ring, bounding_box, bridge_holes, parts
from backend.studio.regions.mask import fill
from backend.types import Mask

TOLERANCES = (1.0, 0.5, 0.25, 0.0)
"""How far, in pixels, the outline may be from the mask's edge; the first that is good enough."""
MIN_IOU = 0.985
"""IoU of a polygon and its mask that is good enough; small objects take a finer outline to get there."""
NUDGE = (0.003, 0.00185)
"""Pixels: edges may not run so close to the centres of pixels that rounding decides which side these are on.

In the golden ratio, since few edges between pixels run along it.
"""
LOST_AREA_SHARE = 0.003
"""About the share of the area that may be lost with the smallest parts, and with the smallest holes."""
MAX_PARTS = 100
"""Parts of one instance, and holes of one part: with more a mask is noise, which nobody could edit as polygons."""


def outlines(mask: Mask) -> list[Ring]:
    """Polygons in pixels around the parts of a mask (height, width), the largest first."""
    box = bounding_box(mask)
    if box is None:
        return []
    x0, y0, x1, y1 = (int(edge) for edge in box)
    offset = np.array([x0, y0])
    return [_simple(outer, holes) + offset for outer, holes in exact(mask[y0:y1, x0:x1])]


def exact(mask: Mask) -> list[tuple[Ring, list[Ring]]]:
    """Outline and holes of every part that counts, to the pixel, the largest first; holes run the other way round."""
    found = parts(mask, every_node=True)
    areas = [_area(part.outer) - sum(map(_area, part.holes)) for part in found]
    largest = [found[i] for i in _without_specks(dict(enumerate(areas)), sum(areas))]
    return [(_ring(part.outer), [_ring(hole) for hole in _holes(part)]) for part in largest]


def _area(chain: Chain) -> float:
    """In quarters of a pixel."""
    return cv2.contourArea(chain.astype(np.int32)[:, None])


def _holes(part: Part) -> list[Chain]:
    """Those of its holes that count, the largest first."""
    areas = {i: _area(hole) for i, hole in enumerate(part.holes)}
    return [part.holes[i] for i in _without_specks(areas, _area(part.outer))]


def _ring(chain: Chain) -> Ring:
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
    truth = fill(bridge_holes(outer, holes) - corner, size)
    nudge = np.array(NUDGE)
    ring = outer
    for tolerance in TOLERANCES:
        ring = bridge_holes(_few(outer, tolerance), [_few(hole, tolerance) for hole in holes])
        if all(_iou(fill(ring - corner + moved, size), truth) >= MIN_IOU for moved in (nudge, -nudge)):
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


def _without_specks(areas: Mapping[int, float], whole: float) -> list[int]:
    """The keys of the largest areas, in that order, without the smallest that add up to `LOST_AREA_SHARE` of the whole."""
    order = sorted(areas, key=lambda i: -areas[i])
    lost = 0.0
    while order and lost + areas[order[-1]] <= LOST_AREA_SHARE * whole:
        lost += areas[order.pop()]
    return order[:MAX_PARTS]
