"""What is known of an object, as further clicks mend it: what is like them near them changes, the rest stays. A click tells how
far off the outline is: about as far as it is from the click."""

import cv2
import numpy as np

from backend.learning.prompting.click_memory import ClickMemory, Points
from backend.learning.prompting.clicks import say
from backend.learning.prompting.crop import cut
from backend.learning.prompting.random_walker import graph, walk
from backend.types import Frame, Mask

POSITION_WEIGHT = 0.5
"""Weight of a cell's place for what it is like, per half side of the object; its features and its colour have variances of
one each."""
SHAPE_PRIOR_WEIGHT = 0.02
"""Trust in what is guessed without a label; an edge of the graph has up to 1."""
KNOWN_WEIGHT = 0.1
"""Trust in what a micro-model or a neighbouring label says of a cell."""
WINDOW_DISTANCES = 6.0
"""Half side of the window that a click changes, in its distances from the outline."""
MIN_WINDOW_PIXELS = 8.0
"""The least of it, pixels of the original frame."""


def mended(frame: Frame, mask: Mask, inside: Points, outside: Points, backbone: str, trust: float) -> Mask | None:
    """The object that holds the clicks `inside`, (n, 2) pixels, and none of those `outside`; None where nothing is left.

    `mask` is what was known of it before them, not empty, in pixels of the original frame, and `trust` how surely: one of
    the weights above. Clicks that agree with it change nothing. Each other one tells where the outline is wrong, and how far:
    about as far as it is from the click. So it changes a window of that size, and the more surely the nearer.
    """
    for points, is_object in ((inside, True), (outside, False)):
        for x, y in points.tolist():
            if mask[y, x] != is_object:
                mask = _mended_around((x, y), frame, mask, inside, outside, backbone, trust)
    parts = cv2.connectedComponents(mask.astype(np.uint8))[1]
    chosen = parts[inside[:, 1], inside[:, 0]]
    return np.isin(parts, chosen[chosen > 0]) if chosen.any() else None


def mended_further(
    memory: ClickMemory | None, frame: Frame, mask: Mask, inside: Points, outside: Points, backbone: str, trust: float
) -> Mask | None:
    """The same, going on from what the memory holds of the clicks before."""

    def mend(known: Mask) -> Mask | None:
        return mended(frame, known, inside, outside, backbone, trust)

    return mend(mask) if memory is None else memory.mended(frame, mask, inside, outside, mend)


def _mended_around(
    click: tuple[int, int], frame: Frame, mask: Mask, inside: Points, outside: Points, backbone: str, trust: float
) -> Mask:
    """The mask after one click that contradicts it; all others in the window hold too."""
    x, y = click
    distance = max(_outline_distance(mask, x, y), MIN_WINDOW_PIXELS / WINDOW_DISTANCES)
    reach = WINDOW_DISTANCES * distance
    crop = cut(frame, (x - reach, y - reach, x + reach + 1, y + reach + 1), backbone)
    before, away = crop.cells_of(mask), np.hypot(crop.centres[0] - x, crop.centres[1] - y)
    prior, weights = before.copy(), (trust * np.maximum(away / distance, 1)).astype(np.float32)
    say(crop, inside, outside, prior, weights)
    place = crop.place((x - reach, y - reach, x + reach, y + reach))
    after = walk(graph(crop.features, POSITION_WEIGHT * place), prior, weights)
    return np.asarray(mask + crop.full_size(after - before) >= 0.5)


def _outline_distance(mask: Mask, x: int, y: int) -> float:
    """How far a pixel is from the outline of a mask; of one without outline the longest side of the frame."""
    same = mask if mask[y, x] else ~mask
    if same.all():
        return float(max(mask.shape))
    return float(cv2.distanceTransform(same.astype(np.uint8), cv2.DIST_L2, 5)[y, x])
