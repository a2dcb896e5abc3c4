"""Limits of one annotation: whoever can write to Label Studio decides what we read, in seconds and in memory.

A region that is too much by itself is a problem of its own; regions that are too many together make the annotation
unusable for their control, since part of them would teach that the others are not there.
"""

from collections.abc import Iterable

from backend.errors import LabelError

MOST_REGIONS = 2_000
"""Of one control in one annotation: the editor itself stands still long before, and objects are compared each with each."""
MOST_POINTS = 20_000
"""Named points: those of a hundred objects with two hundred points each."""
MOST_LABELS = 100
"""Of one region: a labeling config has seldom so many."""
MOST_VERTICES = 10_000
"""Of one polygon: once around an image of 2,000 x 2,000 pixels, with one for each pixel."""
MOST_VERTICES_IN_ALL = 200_000
MOST_ROWS_CROSSED = 5_000_000
"""Pixel rows that the edges of an annotation's polygons cross: a hundred polygons, each as high as a large image, with many
bays. Filling them takes about a second and 300 MB."""
MOST_PACKED = 5_000_000
"""Bytes of one packed mask: what a hand draws takes tens of thousands."""
MOST_PACKED_IN_ALL = 10_000_000
"""Unpacking takes about a second for each million."""
MOST_ENCODED = 20_000_000
"""Letters of one bitmask's PNG: a noisy mask of 80 megapixels takes about so many."""
MOST_ENCODED_IN_ALL = 100_000_000
MOST_MASK_PIXELS = 1_000_000_000
"""Of an annotation's masks, one byte each: 500 masks of full HD."""
MOST_KEYFRAMES = 100_000
"""Of an annotation's tracks: one in each frame of an hour."""
MOST_RANGES = 1_000
"""Of an annotation's timeline: each is gone through frame by frame."""
PROBLEMS_TOLD = 20
"""Of one annotation: more tell nothing new."""
LETTERS_TOLD = 300
"""Of one problem: names and labels in it may be of any length."""


class Budget:
    """What one annotation may take of something."""

    def __init__(self, most: int, what: str) -> None:
        self._most, self._what = most, what
        self._taken = 0

    def take(self, count: int = 1) -> None:
        """Raises LabelError where it is more than there is."""
        self._taken += count
        if self._taken > self._most:
            raise LabelError(
                f"has more than {self._most:,} {self._what}; it is not used. Split the task, or delete what is a mistake."
            )


def told(problems: Iterable[str]) -> tuple[str, ...]:
    """The first problems, none of them longer than a person reads; and how many there are besides."""
    every = list(problems)
    kept = [one if len(one) <= LETTERS_TOLD else f"{one[:LETTERS_TOLD]}..." for one in every[:PROBLEMS_TOLD]]
    return (*kept, f"and {len(every) - PROBLEMS_TOLD} more problems") if len(every) > PROBLEMS_TOLD else tuple(kept)
