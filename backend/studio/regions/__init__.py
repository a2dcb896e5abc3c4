"""Between Label Studio's regions and instances, both directions; one file for each control tag."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from backend.errors import LabelError, LabelingConfigError
from backend.studio.regions.brush import BrushRegions
from backend.studio.regions.choices import ChoicesRegions
from backend.studio.regions.ellipse import EllipseRegions
from backend.studio.regions.keypoint import KeyPointRegions
from backend.studio.regions.limits import told
from backend.studio.regions.polygon import PolygonRegions
from backend.studio.regions.rectangle import RectangleRegions
from backend.studio.regions.region import ReadResult, Regions, Size, TrackRegions, TracksRead
from backend.studio.regions.timeline_labels import TimelineLabelsRegions
from backend.studio.regions.video_rectangle import VideoRectangleRegions
from backend.types import Control, Instance, Track, VideoSize

__all__ = ["ReadResult", "Regions", "Size", "TrackRegions", "TracksRead", "for_control", "for_video"]

T = TypeVar("T")


def for_control(control: Control) -> Regions:
    """The converter of a control's tag on an image."""
    converters: dict[str, Regions] = {
        "RectangleLabels": RectangleRegions(),
        "Rectangle": RectangleRegions(),
        "BrushLabels": BrushRegions(),
        "Brush": BrushRegions(),
        "PolygonLabels": PolygonRegions(),
        "Polygon": PolygonRegions(),
        "EllipseLabels": EllipseRegions(),
        "Ellipse": EllipseRegions(),
        "KeyPointLabels": KeyPointRegions(),
        "Choices": ChoicesRegions(),
    }
    return _Bounded(_of_tag(control, converters))


def for_video(control: Control) -> TrackRegions:
    """The converter of a control's tag on a video."""
    converters: dict[str, TrackRegions] = {
        "VideoRectangle": VideoRectangleRegions(),
        "TimelineLabels": TimelineLabelsRegions(),
    }
    return _BoundedTracks(_of_tag(control, converters))


@dataclass(frozen=True, slots=True)
class _Bounded:
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
class _BoundedTracks:
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


def _of_tag(control: Control, converters: Mapping[str, T]) -> T:
    try:
        return converters[control.tag]
    except KeyError:
        raise LabelingConfigError(
            f"Control {control.from_name!r} is a {control.tag}. Expected one of: {', '.join(converters)}."
        ) from None
