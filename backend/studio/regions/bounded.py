"""Converters to which an annotation that holds too much is one that cannot be used, and no error."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from backend.errors import LabelError
from backend.studio.regions.limits import told
from backend.studio.regions.region import ReadResult, Regions, Size, TrackRegions, TracksRead
from backend.tracks import Track, VideoSize
from backend.types import Control, Instance


@dataclass(frozen=True, slots=True)
class Bounded:
    """A converter to which an annotation that holds too much is one that cannot be used, and no error."""

    converter: Regions

    def read(self, result: Sequence[Mapping[str, Any]], control: Control, size: Size | None = None) -> ReadResult:
        """See `Regions.read`."""
        try:
            found = self.converter.read(result, control, size)
        except LabelError as error:
            return ReadResult((), (f"{control.from_name!r} {error}",), usable=False)
        return replace(found, problems=told(found.problems))

    def write(self, instances: Sequence[Instance], control: Control, size: Size) -> list[dict[str, Any]]:
        """See `Regions.write`."""
        return self.converter.write(instances, control, size)


@dataclass(frozen=True, slots=True)
class BoundedTracks:
    """The same for the converter of a video's control."""

    converter: TrackRegions

    def read(self, result: Sequence[Mapping[str, Any]], control: Control, size: VideoSize) -> TracksRead:
        """See `TrackRegions.read`."""
        try:
            found = self.converter.read(result, control, size)
        except LabelError as error:
            return TracksRead((), (f"{control.from_name!r} {error}",), usable=False)
        return replace(found, problems=told(found.problems))

    def write(self, tracks: Sequence[Track], control: Control, size: VideoSize) -> list[dict[str, Any]]:
        """See `TrackRegions.write`."""
        return self.converter.write(tracks, control, size)
