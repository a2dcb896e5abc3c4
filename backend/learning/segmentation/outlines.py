"""Outlines of masks among neighbours in time: above all the frame's own, where optical flow does not carry them well enough.

Neighbours tell what is there. Of thin things that move fast, or between slices far apart, they tell the outline worse than the
frame itself does. How well flow carries outlines can be seen at the labelled frames: what the network sees next to them,
carried one frame on, should be what was drawn.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from backend.learning.segmentation.flow import Floats, FlowField, FlowFrame, FlowPair, sampled
from backend.learning.segmentation.masks import parts_of
from backend.types import Mask

MIN_CARRIED_OVERLAP = 0.8
"""Mean intersection over union of drawn masks and what is carried to them, below which outlines are the frames' own. Measured
with one network each: a heart 0.89, a dancer 0.90, mitochondria 0.74, a bicycle among trees 0.58."""


def keep_own_outlines(frames: Sequence[FlowFrame], fused: Sequence[Floats], flows: Sequence[FlowPair]) -> list[Floats]:
    """The `fused` log odds of every frame; of labels that flow does not carry well with outlines that are the frame's own."""
    own = carried_overlaps(frames, flows) < MIN_CARRIED_OVERLAP
    if not own.any():
        return list(fused)
    return [
        together if frame.drawn else np.array([
            _with_outlines(seen, known) if is_own else known
            for seen, known, is_own in zip(frame.odds, together, own, strict=True)
        ], np.float32)
        for frame, together in zip(frames, fused, strict=True)
    ]  # fmt: skip


def carried_overlaps(frames: Sequence[FlowFrame], flows: Sequence[FlowPair]) -> NDArray[np.float64]:
    """(labels,) mean intersection over union of what was drawn and what the network sees in the frames next to it, carried
    there; 1 where nothing tells."""
    labels = len(frames[0].odds) if frames else 0
    found: list[list[float]] = [[] for _ in range(labels)]
    for drawn, other, field in _beside_drawn(frames, flows):
        for overlaps, mask, seen in zip(found, drawn.odds > 0, other.odds, strict=True):
            if mask.any():
                carried = sampled(seen, field.source) > 0
                overlaps.append(float((mask & carried).sum() / (mask | carried).sum()))
    return np.array([np.mean(overlaps) if overlaps else 1.0 for overlaps in found])


def _beside_drawn(
    frames: Sequence[FlowFrame], flows: Sequence[FlowPair]
) -> Iterator[tuple[FlowFrame, FlowFrame, FlowField]]:
    """Each drawn frame, a neighbour that is not, and the flow from the one to the other."""
    for before, after, (forth, back) in zip(frames[:-1], frames[1:], flows, strict=True):
        for drawn, other, field in ((before, after, forth), (after, before, back)):
            if drawn.drawn and not other.drawn and field is not None:
                yield drawn, other, field


def _with_outlines(seen: Floats, known: Floats) -> Floats:
    """The log odds that are `known`; those that are `seen` count in full where parts of both masks meet."""
    met = _meeting(seen > 0, known > 0) | _meeting(known > 0, seen > 0)
    return np.where(met, seen + known, known)


def _meeting(mask: Mask, other: Mask) -> Mask:
    """The parts of a mask that share a pixel with the other one."""
    parts = parts_of(mask)
    met = np.zeros(int(parts.max()) + 1, bool)
    met[parts[other]] = True
    met[0] = False
    return np.asarray(met[parts])
