"""Look-alikes beside the object: parts of masks that nothing a person drew leads to through time.

A second car drives into sight long after the last labelled frame, and the network, which has never seen it, takes it for the
first. Where a part of a mask hangs together through time with what was drawn, and people never drew more parts than that in
a frame, parts that hang together with nothing drawn are doubted.
"""

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from backend.learning.segmentation.flow import Floats, Step

DOUBT = -1.0
"""Log odds left of a part that is doubted: it is not shown, nothing is learnt of it, and the frame counts as doubtful."""

Parts = NDArray[np.int32]
"""(height, width) number of each pixel's connected part, from 1; 0 outside."""


def doubted(steps: Sequence[Step]) -> list[Floats]:
    """The log odds of every step without look-alikes; steps lie in order of time."""
    odds = [step.odds.copy() for step in steps]
    if len({one.shape for one in odds}) == 1 and any(step.certain for step in steps):
        drawn = [i for i, step in enumerate(steps) if step.certain]
        for label in range(len(odds[0])):
            for one, strange in zip(odds, _strange([one[label] for one in odds], drawn), strict=True):
                one[label][strange] = DOUBT
    return odds


def _strange(odds: Sequence[Floats], drawn: Sequence[int]) -> list[NDArray[np.bool_]]:
    """Of one label's frames the pixels that belong to look-alikes; `drawn` are the frames that a person drew in."""
    parts = [_parts(one) for one in odds]
    known = _known(parts, drawn)
    most = max(int(parts[i].max()) for i in drawn)
    return [_surplus(one, familiar, most) for one, familiar in zip(parts, known, strict=True)]


def _parts(odds: Floats) -> Parts:
    return np.asarray(cv2.connectedComponents((odds > 0).astype(np.uint8), connectivity=8)[1], np.int32)


def _known(parts: Sequence[Parts], drawn: Sequence[int]) -> list[NDArray[np.bool_]]:
    """For each frame, of each part whether it hangs together through time with what was drawn; number 0 is outside."""
    counts = [int(one.max()) + 1 for one in parts]
    first = np.cumsum([0, *counts])
    edges = [_overlaps(a, b) + first[[i, i + 1]] for i, (a, b) in enumerate(pairwise(parts))]
    rows, columns = np.concatenate([np.zeros((0, 2), np.int64), *edges]).T
    graph = coo_array((np.ones(len(rows), bool), (rows, columns)), shape=(first[-1], first[-1]))
    together = connected_components(graph, directed=False)[1]
    familiar = np.concatenate([together[first[i] + 1 : first[i + 1]] for i in drawn])
    known = np.isin(together, familiar)
    return [known[first[i] : first[i + 1]] for i in range(len(parts))]


def _overlaps(one: Parts, other: Parts) -> NDArray[np.int64]:
    """(n, 2) numbers of the parts of two frames that share a pixel."""
    columns = int(other.max()) + 1
    counts = np.bincount((one.astype(np.int64) * columns + other).ravel(), minlength=columns)
    pairs = np.stack(np.divmod(np.flatnonzero(counts), columns), 1)
    return pairs[(pairs > 0).all(1)]


def _surplus(parts: Parts, known: NDArray[np.bool_], most: int) -> NDArray[np.bool_]:
    """The pixels of unknown parts beyond `most` parts; none where no part is known."""
    strange = ~known
    strange[0] = False
    if known[1:].any() and strange.any():
        areas = np.bincount(parts.ravel(), minlength=len(known)) * strange
        room = max(most - int(known[1:].sum()), 0)
        strange[np.argsort(-areas, kind="stable")[:room]] = False
        return np.asarray(strange[parts])
    return np.zeros(parts.shape, bool)
