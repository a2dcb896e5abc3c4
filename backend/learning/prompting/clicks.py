"""Interactive segmentation from clicks alone: the object around them, of whatever size.

At several zooms the clicks spread over what looks like them (a random walker); of the nested outlines that thresholds
give, that one is meant along which the picture changes most, which differs most from what is around it, and which the
edge of the zoom does not cut.
"""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.learning.prompting.crop import PromptCrop, cut
from backend.learning.prompting.outlines import Cells, contrast
from backend.learning.prompting.random_walker import SEED_WEIGHT, Floats, graph, walk
from backend.types import Frame, Mask

ZOOM_SIDES = (0.25, 0.5, 1.0)
"""Sides of the parts of the frame that are looked at, in its longer side."""
BACKGROUND_PRIOR = 0.003
"""Trust in that a cell is not the object; without it all of the part would be as the clicks are in the end."""
BORDER_PRIOR = 3.0
"""Trust in that the edge of a zoom is not the object, where it is not the frame's own."""
CLICK_RADIUS_CELLS = 1.5
"""Cells around a click that are as it says."""
AREA_SHARES = np.geomspace(0.005, 0.6, 20)
"""Of a zoom's area that the nested outlines take."""
BORDER_CUT_WEIGHT = 3.0
"""Weight of the share of a part that lies on the edge of its zoom, against its contrast."""
Points = NDArray[np.int64]


def from_clicks(frame: Frame, inside: Points, outside: Points, backbone: str) -> Mask | None:
    """The object around (n, 2) pixels, x and y, of the original frame, without those `outside`."""
    best, chosen = -np.inf, None
    for crop in _zooms(frame, inside, backbone) if len(inside) else ():
        edge = _edge(crop)
        for part in _nested(crop, _spread(crop, inside, outside, edge), inside, outside):
            cut_off = np.count_nonzero(part & edge) / np.count_nonzero(part)
            if (score := contrast(crop.features, part) - BORDER_CUT_WEIGHT * cut_off) > best:
                best, chosen = score, crop.mask_of(part.astype(np.float32), 0.5)
    return chosen if chosen is not None and chosen.any() else None


def _zooms(frame: Frame, inside: Points, backbone: str) -> Iterator[PromptCrop]:
    """Parts of the frame around the clicks, those that hold all of them."""
    side = max(frame.width, frame.height)
    low, high = inside.min(0), inside.max(0)
    x, y = ((low + high) / 2).tolist()
    for zoom in ZOOM_SIDES:
        half = zoom * side / 2
        if zoom == max(ZOOM_SIDES):
            yield cut(frame, (0, 0, frame.width, frame.height), backbone)
        elif (high - low).max() < half:
            yield cut(frame, (x - half, y - half, x + half, y + half), backbone)


def _edge(crop: PromptCrop) -> Cells:
    """The outermost cells, but for those along the frame's own edge, where objects end too."""
    x0, y0, x1, y1 = crop.box
    edge = np.zeros(crop.shape, np.bool_)
    edge[:, 0] |= x0 > 0
    edge[0] |= y0 > 0
    edge[:, -1] |= x1 < crop.size[0]
    edge[-1] |= y1 < crop.size[1]
    return edge


def _spread(crop: PromptCrop, inside: Points, outside: Points, edge: Cells) -> Floats:
    """(rows, columns) how much each cell is as the clicks inside."""
    prior, trust = np.zeros(crop.shape, np.float32), np.full(crop.shape, BACKGROUND_PRIOR, np.float32)
    trust[edge] = BORDER_PRIOR
    say(crop, inside, outside, prior, trust)
    return walk(graph(crop.features, np.zeros((*crop.shape, 0), np.float32)), prior, trust)


def say(crop: PromptCrop, inside: Points, outside: Points, prior: Floats, trust: Floats) -> None:
    """Write what clicks say into a prior and the trust in it."""
    x, y = crop.centres
    cell = (crop.box[2] - crop.box[0]) / crop.shape[1]
    for points, value in ((inside, 1.0), (outside, 0.0)):
        for point in points:
            near = np.hypot(x - point[0], y - point[1]) <= CLICK_RADIUS_CELLS * cell
            prior[near], trust[near] = value, SEED_WEIGHT


def _nested(crop: PromptCrop, found: Floats, inside: Points, outside: Points) -> Iterator[Cells]:
    """Parts that hold the clicks inside and none of those outside, from small to large."""
    values = np.sort(found.ravel())
    mine, others = (_cells(crop, points) for points in (inside, outside))
    for share in AREA_SHARES:
        threshold = values[int(len(values) * (1 - share))]
        parts = cv2.connectedComponents((found > threshold).astype(np.uint8))[1]
        chosen = parts[mine[:, 1], mine[:, 0]]
        if (chosen == 0).any() or np.isin(parts[others[:, 1], others[:, 0]], chosen).any():
            continue
        part = np.isin(parts, chosen).astype(np.uint8)
        yield cv2.morphologyEx(part, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)) > 0


def _cells(crop: PromptCrop, points: Points) -> Points:
    """(n, 2) columns and rows of the cells that hold these points; of those outside of the crop none."""
    x0, y0, x1, y1 = crop.box
    scale = np.array([crop.shape[1] / (x1 - x0), crop.shape[0] / (y1 - y0)])
    cells = ((points + 0.5 - np.array([x0, y0])) * scale).astype(np.int64)
    within = (cells >= 0).all(1) & (cells < np.array([crop.shape[1], crop.shape[0]])).all(1)
    return np.asarray(cells[within])
