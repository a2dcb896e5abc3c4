"""Detections of one label in one frame: what the tracker links, and what becomes of it."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from backend.learning.geometry.boxes import ious

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

NO_TRACK = -1
"""Identity of a box of which nobody said what object it shows."""
NO_CANDIDATE = -1
"""In place of a candidate's index: the box was drawn, or fills a gap."""


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """Boxes of one label in one frame: a detector's candidates, a person's labels, or what the tracker shows."""

    order: float
    """Place in time."""
    boxes: Floats
    """(n, 4) corners in pixels."""
    scores: Floats
    """(n,) in [0, 1]."""
    complete: bool = False
    """A person labelled this frame: there are these objects and no others."""
    drawn: Flags = field(default_factory=lambda: np.zeros(0, bool))
    """(n,) boxes whose outline a person drew; left out: none."""
    tracks: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    """(n,) identity of each box, `NO_TRACK` where it is unknown; left out: all are unknown."""
    candidates: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    """(n,) index of each box among the detector's candidates of the frame, or `NO_CANDIDATE`; left out: 0..n-1."""

    def __post_init__(self) -> None:
        count = len(self.scores)
        defaults = {"drawn": np.zeros(count, bool), "tracks": np.full(count, NO_TRACK), "candidates": np.arange(count)}
        for name, default in defaults.items():
            if not len(getattr(self, name)):
                object.__setattr__(self, name, default)
        lengths = {"boxes": len(self.boxes)} | {name: len(getattr(self, name)) for name in defaults}
        if set(lengths.values()) != {count}:
            raise ValueError(f"Found {count} scores and {lengths}; expected as many of each.")

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def anchored(self) -> Flags:
        """(n,) boxes that a person vouches for."""
        return self.drawn | self.complete


def with_keyframes(found: Detections, keyframes: Detections, iou: float) -> Detections:
    """The detections of a frame in which some objects have a keyframe: its box takes the place of what overlaps it."""
    overlap = ious(keyframes.boxes, found.boxes)
    others = overlap.max(0, initial=0) < iou
    best = overlap.argmax(1) if len(found) else np.zeros(len(keyframes), np.int64)
    shown = overlap.max(1, initial=0) >= iou
    candidates = np.where(shown, found.candidates[best] if len(found) else NO_CANDIDATE, NO_CANDIDATE)
    return replace(
        found,
        boxes=np.concatenate([found.boxes[others], keyframes.boxes]),
        scores=np.concatenate([found.scores[others], keyframes.scores]),
        drawn=np.concatenate([found.drawn[others], np.ones(len(keyframes), bool)]),
        tracks=np.concatenate([found.tracks[others], keyframes.tracks]),
        candidates=np.concatenate([found.candidates[others], candidates]),
    )
