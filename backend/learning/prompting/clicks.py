"""Interactive segmentation from clicks alone: the object around them, of whatever size.

At several zooms the clicks spread over what looks like them (a random walker); thresholds give nested outlines. That one is
probably meant along which the picture changes most, also where it changes least, which differs most from what is around it,
has no deep bays, and is not cut by the edge of the zoom. Of all of them that one is taken which has most in common with
the probable ones (minimum Bayes risk).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from backend.learning.prompting.click_memory import Points
from backend.learning.prompting.crop import PromptCrop, cut
from backend.learning.prompting.outlines import Cells, contrasts, most_in_common, solidity
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
SOLIDITY_WEIGHT, AREA_WEIGHT, WHOLE_FRAME_WEIGHT = 2.0, 0.1, -0.3
"""Weights of the share of its hull that a part fills, of its share of the zoom (logarithms of both), and of that the zoom is
the whole frame. Chosen with the next constant and `outlines.WEAKEST_EDGE_WEIGHT` on some frames of our groups of masks: one
click on others gives 0.500 instead of 0.393 on one half of the groups, and 0.418 instead of 0.339 on the other."""
SCORE_LOG_ODDS = 3.0
"""How much more probable a part is by 1 more of this score, as a logarithm."""
GRID_CELLS = 192
"""Cells along the longer side of the frame in which parts are compared: as fine as the closest zoom."""


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """What may be meant."""

    crop: PromptCrop
    cells: Cells
    score: float

    def on_grid(self) -> Floats:
        """(n,) which cells of a coarse frame it covers."""
        scale = GRID_CELLS / max(self.crop.size)
        x0, y0, x1, y1 = (scale * edge for edge in self.crop.box)
        size = round(scale * self.crop.size[0]) + 1, round(scale * self.crop.size[1]) + 1
        coarse = replace(self.crop, box=(x0, y0, max(x1, x0 + 1), max(y1, y0 + 1)), size=size)
        return coarse.mask_of(self.cells.astype(np.float32), 0.5).astype(np.float32).ravel()


def from_clicks(frame: Frame, inside: Points, outside: Points, backbone: str) -> Mask | None:
    """The object around (n, 2) pixels, x and y, of the original frame, without those `outside`."""
    parts = list[_Part]()
    for crop in _zooms(frame, inside, backbone) if len(inside) else ():
        edge = _edge(crop)
        nested = list(_nested(crop, _spread(crop, inside, outside, edge), inside, outside))
        scored = (_Part(crop, part, score) for part, score in zip(nested, _scores(crop, nested, edge), strict=True))
        parts += [part for part in scored if part.score > -np.inf]
    if not parts:
        return None
    cells, scores = np.stack([part.on_grid() for part in parts]), np.array([part.score for part in parts], np.float32)
    chosen = parts[most_in_common(cells, scores, SCORE_LOG_ODDS)]
    mask = chosen.crop.mask_of(chosen.cells.astype(np.float32), 0.5)
    return mask if mask.any() else None


def _scores(crop: PromptCrop, parts: Sequence[Cells], edge: Cells) -> Iterator[float]:
    """How probably each part is what is meant; -inf of one too small or large to tell."""
    whole = crop.box == (0, 0, *crop.size)
    for part, found in zip(parts, contrasts(crop.features, parts), strict=True):
        cut_off = np.count_nonzero(part & edge) / np.count_nonzero(part)
        score = found - BORDER_CUT_WEIGHT * cut_off + WHOLE_FRAME_WEIGHT * whole
        yield score + SOLIDITY_WEIGHT * float(np.log(solidity(part))) + AREA_WEIGHT * float(np.log(part.mean()))


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
