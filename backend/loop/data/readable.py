"""Frames of which some cannot be read: a damaged one costs itself alone."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, zip_longest

import structlog

from backend.errors import MediaError
from backend.types import Frame

log = structlog.get_logger(__name__)


def readable(reads: Iterable[Callable[[], Frame]]) -> Iterator[Frame]:
    """The frames that can be read, in order."""
    for read in reads:
        try:
            yield read()
        except MediaError as why:
            log.warning("a frame is left out", why=str(why))


def nearest(read: Callable[[int], Frame], index: int, count: int) -> Frame:
    """The frame of `count` at an index, else the nearest one that can be read; MediaError where none can."""
    around = zip_longest(range(index, count), range(index - 1, -1, -1))
    first: MediaError | None = None
    for place in chain.from_iterable(around):
        try:
            if place is not None:
                return read(place)
        except MediaError as why:
            first = first or why
    raise first or IndexError(index)
