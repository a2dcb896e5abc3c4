"""Interactive segmentation without a model: what the frozen features and the colours tell apart in a box, and around clicks.

The ground around a box is known, and like ground inside of the box is ground too; the middle of the box is probably the
object. Among the nested outlines that thresholds give, that one is probably meant which has the contrast of an object, and whose
own box fits the drawn one: people draw boxes tightly (Lempitsky and others, Image segmentation with a bounding box prior,
2009). Around a click nothing says how large the object is: see `clicks`.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.learning.geometry.boxes import mask_bounds
from backend.learning.prompting import clicks, mend, pick
from backend.learning.prompting.click_memory import ClickMemory
from backend.learning.prompting.crop import PromptCrop, cut
from backend.learning.prompting.mend import POSITION_WEIGHT, SHAPE_PRIOR_WEIGHT
from backend.learning.prompting.outlines import Cells, contrasts, most_in_common
from backend.learning.prompting.random_walker import SEED_WEIGHT, Floats, graph, walk
from backend.types import Box, Frame, Mask, Prompt

BACKGROUND_HALF_SIDES, ROUGH_BACKGROUND_HALF_SIDES = 1.12, 1.9
"""Half sides from the middle of a box beyond which everything is ground: boxes around what gets a mask are drawn a tenth too
small or large; those that are to be snapped may have half an object in them."""
SURROUNDING_HALF_SIDES = 1.0
"""Breadth of the ground that is looked at around an object, in half sides."""
SHAPE_PRIOR_SLOPE = 4.0
"""Log odds per half side by which the object becomes less probable towards the sides of the box; on the ellipse that the
box holds they are even."""
THRESHOLD_SHARES = np.linspace(0.1, 0.95, 30)
"""Of the highest probability."""
BOX_FIT_WEIGHT, ROUGH_BOX_FIT_WEIGHT = 3.0, 4.0
"""Weight of how well the outline's own box fits the drawn one, where its contrast has 1; logarithms of both. The second where
the answer is the mean of boxes: those drawn with an IoU of 0.5 snap to 0.605 and 0.626 in two samples, with 3.0 to 0.591
and 0.615."""
SCORE_LOG_ODDS = 1.5
"""How much more probable an outline is by 1 more of this score, as a logarithm. Chosen with `BOX_FIT_WEIGHT` on one half of
our groups with a look at the other: boxes drawn with an IoU of 0.5 snap to 0.670 instead of 0.601, on the other half to
0.634 instead of 0.611; masks of boxes that are a tenth off have 0.583 instead of 0.573, and 0.611 instead of 0.594."""
LEAST_FIT, LEAST_CONTRAST = 0.05, -10.0
"""Worse ones are all as bad."""


def segment(frame: Frame, prompt: Prompt, backbone: str, memory: ClickMemory | None = None) -> Mask | None:
    """The object that is meant, in pixels of the original frame; None where nothing stands out. `memory` holds what the
    clicks before gave."""
    if prompt.box is not None:
        return from_box(frame, prompt.box, backbone)
    if prompt.outline is not None:
        return from_box(frame, mask_bounds(prompt.outline), backbone, prompt.outline)
    inside, outside = pick.seeds(prompt, (frame.height, frame.width))
    if not len(inside):
        return None
    memory = memory or ClickMemory()
    first = memory.around(
        frame,
        (int(inside[0, 0]), int(inside[0, 1])),
        lambda: clicks.from_clicks(frame, inside[:1], outside[:0], backbone),
    )
    if first is None or len(inside) + len(outside) < 2:
        return first
    return mend.mended_further(memory, frame, first, inside, outside, backbone, SHAPE_PRIOR_WEIGHT)


def from_box(frame: Frame, box: Box, backbone: str, outline: Mask | None = None) -> Mask | None:
    """The object in a box; `outline` is a better guess of where it is than the ellipse in the box."""
    crop, found = _spread(frame, box, backbone, outline, BACKGROUND_HALF_SIDES)
    thresholds = float(found.max()) * THRESHOLD_SHARES
    parts = _nested(found, thresholds)
    if not parts:
        return None
    scores = _scores(crop, parts, box, BOX_FIT_WEIGHT)
    flat = np.stack([part.astype(np.float32).ravel() for part in parts])
    return largest(crop.mask_of(found, float(thresholds[most_in_common(flat, scores, SCORE_LOG_ODDS)])))


def snapped(frame: Frame, box: Box, backbone: str) -> Box | None:
    """The box of the object that a box is but roughly around: the mean of the probable outlines' boxes, so that what leaks
    from one of them counts little."""
    crop, found = _spread(frame, box, backbone, None, ROUGH_BACKGROUND_HALF_SIDES)
    return _mean_box(crop, found, box)


def _mean_box(crop: PromptCrop, found: Floats, box: Box) -> Box | None:
    """The mean of the boxes of nested parts, by their probabilities; pixels of the original frame."""
    parts = _nested(found, float(found.max()) * THRESHOLD_SHARES)
    if not parts:
        return None
    scores = _scores(crop, parts, box, ROUGH_BOX_FIT_WEIGHT)
    odds = np.exp(SCORE_LOG_ODDS * (scores - scores.max()))
    x0, y0, x1, y1 = (odds / odds.sum() @ np.array([mask_bounds(part) for part in parts])).tolist()
    (left, top, right, bottom), (rows, columns) = crop.box, crop.shape
    across, down = (right - left) / columns, (bottom - top) / rows
    return left + x0 * across, top + y0 * down, left + x1 * across, top + y1 * down


def _spread(
    frame: Frame, box: Box, backbone: str, outline: Mask | None, half_sides: float
) -> tuple[PromptCrop, Floats]:
    """A part of the frame, and how probably each of its cells is the object; beyond so many half sides from the middle of the
    box everything is ground."""
    x0, y0, x1, y1 = box
    width, height = max(x1 - x0, 1.0), max(y1 - y0, 1.0)
    margin = (half_sides - 1 + SURROUNDING_HALF_SIDES) * (width + height) / 4
    crop = cut(frame, (x0 - margin, y0 - margin, x1 + margin, y1 + margin), backbone)
    place = crop.place(box)
    ground = np.abs(place).max(-1) > half_sides
    ellipse = 1 / (1 + np.exp(-SHAPE_PRIOR_SLOPE * (1 - np.hypot(place[..., 0], place[..., 1]))))
    guess = ellipse if outline is None else crop.cells_of(outline)
    prior = np.where(ground, 0.0, guess).astype(np.float32)
    trust = np.where(ground, SEED_WEIGHT, SHAPE_PRIOR_WEIGHT).astype(np.float32)
    return crop, walk(graph(crop.features, POSITION_WEIGHT * place), prior, trust)


def largest(mask: NDArray[np.bool_]) -> Mask | None:
    """The largest connected part of a mask; None of an empty one."""
    count, parts, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    return np.asarray(parts == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())) if count > 1 else None


def _scores(crop: PromptCrop, parts: Sequence[Cells], box: Box, fit_weight: float) -> Floats:
    """How probably each part is the object in the box: by its contrast, and by how well it fits the box."""
    left, top, right, bottom = crop.box
    across, down = crop.shape[1] / (right - left), crop.shape[0] / (bottom - top)
    drawn = ((box[0] - left) * across, (box[1] - top) * down, (box[2] - left) * across, (box[3] - top) * down)
    fits = [max(pick.overlap(mask_bounds(part), drawn), LEAST_FIT) for part in parts]
    seen = np.maximum(contrasts(crop.features, parts), LEAST_CONTRAST)
    return np.asarray(seen + fit_weight * np.log(fits), np.float32)


def _nested(found: Floats, thresholds: Floats) -> list[Cells]:
    """The largest part above each of rising thresholds, as far as there is one."""
    parts = list[Cells]()
    for threshold in thresholds:
        part = largest(found > threshold)
        if part is None:
            break
        parts.append(part)
    return parts
