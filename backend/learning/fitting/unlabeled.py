"""Frames of the group that nobody labelled: which to look at, and how much what is seen there counts."""

from collections.abc import Sequence

import numpy as np

from backend.types import Frame, LabeledFrame


class Selection(Sequence[Frame]):
    """Some of many frames, each decoded when indexed."""

    def __init__(self, frames: Sequence[Frame], at: Sequence[int]) -> None:
        self._frames, self._at = frames, at

    def __len__(self) -> int:
        return len(self._at)

    def __getitem__(self, index: int) -> Frame:  # type: ignore[override]
        return self._frames[self._at[index]]


def choose(unlabeled: Sequence[Frame], labeled: Sequence[LabeledFrame], most: int) -> range | list[int]:
    """Which unlabelled frames to look at: all, or where these are too many, runs of neighbours evenly spread."""
    count = len(unlabeled)
    if not most:
        return []
    if count <= most:
        return range(count)
    runs = max(len(labeled), 1)
    length = max(most // runs, 1)
    starts = np.linspace(0, count - length, runs).round().astype(int)
    return sorted({int(start) + i for start in starts for i in range(length)})


def weight_of(share: float, labeled: float, count: int) -> float:
    """Of each of `count` second-hand pictures, so that together they are `share` of all weight; `labeled` is the rest."""
    return share / (1 - share) * labeled / max(count, 1)
