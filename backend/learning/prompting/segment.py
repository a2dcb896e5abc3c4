"""Interactive segmentation without a model: what the frozen features and the colours tell apart in a box, and around clicks.

The ground around a box is known, and like ground inside of the box is ground too; the middle of the box is probably the
object. Among the nested outlines that thresholds give, that one is meant which has the contrast of an object, and whose
own box fits the drawn one: people draw boxes tightly (Lempitsky and others, Image segmentation with a bounding box prior,
2009). Around a click nothing says how large the object is: see `clicks`.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.learning.geometry.boxes import mask_bounds
from backend.learning.prompting import clicks, pick
from backend.learning.prompting.crop import PromptCrop, cut
from backend.learning.prompting.outlines import contrast
from backend.learning.prompting.random_walker import SEED_WEIGHT, Floats, graph, walk
from backend.types import Box, Frame, Mask, Prompt

SURROUNDING_HALF_SIDES = 1.0
"""Breadth of the ground that is looked at around a box, in half sides."""
BACKGROUND_HALF_SIDES, ROUGH_BACKGROUND_HALF_SIDES = 1.12, 1.9
"""Half sides from the middle of a box beyond which everything is ground: boxes around what gets a mask are drawn a tenth too
small or large; those that are to be snapped may have half an object in them."""
POSITION_WEIGHT = 0.5
"""Weight of a cell's place for what it is like, per half side of the box; its features and its colour have variances of one
each."""
SHAPE_PRIOR_SLOPE = 4.0
"""Log odds per half side by which the object becomes less probable towards the sides of the box; on the ellipse that the
box holds they are even."""
SHAPE_PRIOR_WEIGHT = 0.02
"""Trust in that guess; an edge of the graph has up to 1."""
THRESHOLD_SHARES = np.linspace(0.1, 0.95, 30)
"""Of the highest probability."""
BOX_FIT_WEIGHT = 4.0
"""Weight of how well the outline's own box fits the drawn one, where its contrast has 1; logarithms of both. Boxes drawn with
an IoU of 0.5, snapped, on half of our thirteen groups of boxes: 0.574 with 4, 0.575 with 8, 0.582 by the fit alone; on
the other half 0.613, 0.600, 0.607."""
LEAST_FIT, LEAST_CONTRAST = 0.05, -10.0
"""Worse ones are all as bad."""


def segment(frame: Frame, prompt: Prompt, backbone: str, *, snap: bool = False) -> Mask | None:
    """The object that is meant, in pixels of the original frame; None where nothing stands out. `snap`: a box is but roughly
    where the object is."""
    if prompt.box is not None:
        return from_box(
            frame, prompt.box, backbone, rough=ROUGH_BACKGROUND_HALF_SIDES if snap else BACKGROUND_HALF_SIDES
        )
    if prompt.outline is not None:
        return from_box(frame, mask_bounds(prompt.outline), backbone, prompt.outline)
    inside, outside = pick.seeds(prompt, (frame.height, frame.width))
    first = clicks.from_clicks(frame, inside[:1], outside[:0], backbone)
    return first if first is None or len(inside) + len(outside) < 2 else mended(frame, first, inside, outside, backbone)


def mended(frame: Frame, mask: Mask, inside: clicks.Points, outside: clicks.Points, backbone: str) -> Mask | None:
    """A mask as further clicks mend it: what is like them near them changes, the rest stays."""
    x0, y0, x1, y1 = mask_bounds(mask)
    spots = np.concatenate([inside, outside, [[x0, y0], [x1, y1]]])
    low, high = spots.min(0), spots.max(0)
    margin = SURROUNDING_HALF_SIDES * float((high - low).sum()) / 4
    crop = cut(frame, (*(low - margin).tolist(), *(high + margin).tolist()), backbone)
    x, y = crop.centres
    middle, half = (low + high) / 2, np.maximum((high - low) / 2, 1.0)
    place = np.stack([(x - middle[0]) / half[0], (y - middle[1]) / half[1]], axis=-1)
    prior, trust = crop.cells_of(mask), np.full(crop.shape, SHAPE_PRIOR_WEIGHT, np.float32)
    clicks.say(crop, inside, outside, prior, trust)
    found = crop.mask_of(walk(graph(crop.features, (POSITION_WEIGHT * place).astype(np.float32)), prior, trust), 0.5)
    parts = cv2.connectedComponents(found.astype(np.uint8))[1]
    chosen = parts[inside[:, 1], inside[:, 0]]
    return np.isin(parts, chosen[chosen > 0]) if chosen.any() else None


def from_box(
    frame: Frame, box: Box, backbone: str, outline: Mask | None = None, rough: float = BACKGROUND_HALF_SIDES
) -> Mask | None:
    """The object in a box; `outline` is a better guess of where it is than the ellipse in the box. Beyond `rough` half
    sides from the middle of the box everything is ground."""
    x0, y0, x1, y1 = box
    width, height = max(x1 - x0, 1.0), max(y1 - y0, 1.0)
    margin = (rough - 1 + SURROUNDING_HALF_SIDES) * (width + height) / 4
    crop = cut(frame, (x0 - margin, y0 - margin, x1 + margin, y1 + margin), backbone)
    x, y = crop.centres
    place = np.stack([(x - (x0 + x1) / 2) / (width / 2), (y - (y0 + y1) / 2) / (height / 2)], axis=-1)
    ground = np.abs(place).max(-1) > rough
    ellipse = 1 / (1 + np.exp(-SHAPE_PRIOR_SLOPE * (1 - np.hypot(place[..., 0], place[..., 1]))))
    guess = ellipse if outline is None else crop.cells_of(outline)
    prior = np.where(ground, 0.0, guess).astype(np.float32)
    trust = np.where(ground, SEED_WEIGHT, SHAPE_PRIOR_WEIGHT).astype(np.float32)
    found = walk(graph(crop.features, (POSITION_WEIGHT * place).astype(np.float32)), prior, trust)
    threshold = _threshold(found, crop, box)
    return None if threshold is None else largest(crop.mask_of(found, threshold))


def largest(mask: NDArray[np.bool_]) -> Mask | None:
    """The largest connected part of a mask; None of an empty one."""
    count, parts, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    return np.asarray(parts == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())) if count > 1 else None


def _threshold(found: Floats, crop: PromptCrop, box: Box) -> float | None:
    """The threshold whose largest part is an object by its contrast, and fits the drawn box."""
    left, top, right, bottom = crop.box
    across, down = crop.shape[1] / (right - left), crop.shape[0] / (bottom - top)
    drawn = ((box[0] - left) * across, (box[1] - top) * down, (box[2] - left) * across, (box[3] - top) * down)
    best, chosen = -np.inf, None
    for threshold in float(found.max()) * THRESHOLD_SHARES:
        part = largest(found > threshold)
        if part is None:
            break
        fit = max(pick.overlap(mask_bounds(part), drawn), LEAST_FIT)
        score = max(contrast(crop.features, part), LEAST_CONTRAST) + BOX_FIT_WEIGHT * float(np.log(fit))
        if score > best:
            best, chosen = score, float(threshold)
    return chosen
