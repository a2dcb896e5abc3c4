"""Between Label Studio's regions and instances, both directions; one file for each control tag."""

from collections.abc import Mapping
from typing import TypeVar

from backend.errors import LabelingConfigError
from backend.studio.regions.brush import BrushRegions
from backend.studio.regions.choices import ChoicesRegions
from backend.studio.regions.ellipse import EllipseRegions
from backend.studio.regions.keypoint import KeyPointRegions
from backend.studio.regions.polygon import PolygonRegions
from backend.studio.regions.rectangle import RectangleRegions
from backend.studio.regions.region import ReadResult, Regions, Size, TrackRegions, TracksRead
from backend.studio.regions.timeline_labels import TimelineLabelsRegions
from backend.studio.regions.video_rectangle import VideoRectangleRegions
from backend.types import Control

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
    return _of_tag(control, converters)


def for_video(control: Control) -> TrackRegions:
    """The converter of a control's tag on a video."""
    converters: dict[str, TrackRegions] = {
        "VideoRectangle": VideoRectangleRegions(),
        "TimelineLabels": TimelineLabelsRegions(),
    }
    return _of_tag(control, converters)


def _of_tag(control: Control, converters: Mapping[str, T]) -> T:
    try:
        return converters[control.tag]
    except KeyError:
        raise LabelingConfigError(
            f"Control {control.from_name!r} is a {control.tag}. Expected one of: {', '.join(converters)}."
        ) from None
