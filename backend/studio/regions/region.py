"""What every converter of regions shares."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from backend.tracks import Track, VideoSize
from backend.types import Control, Instance

MOST_PIXELS = 80_000_000
"""An annotation may claim any size; masks of a larger image would not fit into memory (as in `images`)."""

Size = tuple[int, int]
"""Width and height of the original image, pixels."""


class Nothing(str):
    """What is wrong with a region that covers nothing, such as a mask that was erased. Who leaves no other one says that the
    frame is empty."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class ReadResult:
    """The usable regions of one annotation, and what is wrong with the others."""

    instances: tuple[Instance, ...]
    problems: tuple[str, ...] = ()
    usable: bool = True
    """False: there is more than can be read, so nothing is known of what the annotation says."""

    @property
    def is_lost(self) -> bool:
        """Whether something is drawn and none of it can be used: the frame is not known to be empty then."""
        return not self.usable or (not self.instances and any(not isinstance(one, Nothing) for one in self.problems))


class Regions(Protocol):
    """The converter of one control tag."""

    def read(self, result: Sequence[Mapping[str, Any]], control: Control, size: Size | None = None) -> ReadResult:
        """Instances of the regions that belong to `control`; a region that cannot be used is a problem, never an error.

        `size` is that of the image as it is; without it the regions' own `original_width` and `original_height` count.
        """
        ...

    def write(self, instances: Sequence[Instance], control: Control, size: Size) -> list[dict[str, Any]]:
        """Result items for a prediction of an image of `size`."""
        ...


@dataclass(frozen=True, slots=True)
class TracksRead:
    """The usable regions of one annotation of a video, and what is wrong with the others."""

    tracks: tuple[Track, ...]
    problems: tuple[str, ...] = ()
    usable: bool = True
    """See `ReadResult`."""


class TrackRegions(Protocol):
    """The converter of one control tag of a video."""

    def read(self, result: Sequence[Mapping[str, Any]], control: Control, size: VideoSize) -> TracksRead:
        """Tracks of the regions that belong to `control`; a region that cannot be used is a problem, never an error."""
        ...

    def write(self, tracks: Sequence[Track], control: Control, size: VideoSize) -> list[dict[str, Any]]:
        """Result items for a prediction of a video of `size`."""
        ...


def number(value: object) -> float | None:
    """A finite number, None for anything else: annotations made through the API may hold anything."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    return None


def size_of(region: Mapping[str, Any], size: Size | None) -> Size | None:
    """The image size that a region's percentages refer to."""
    if size is not None:
        return size
    width, height = number(region.get("original_width")), number(region.get("original_height"))
    sensible = width and height and width >= 1 and height >= 1 and width * height <= MOST_PIXELS
    return (int(width), int(height)) if sensible and width and height else None
