"""Between Label Studio's regions and instances, both directions; one file for each control tag."""

from backend.errors import LabelingConfigError
from backend.studio.regions.brush import BrushRegions
from backend.studio.regions.choices import ChoicesRegions
from backend.studio.regions.ellipse import EllipseRegions
from backend.studio.regions.keypoint import KeyPointRegions
from backend.studio.regions.polygon import PolygonRegions
from backend.studio.regions.rectangle import RectangleRegions
from backend.studio.regions.region import ReadResult, Regions, Size
from backend.types import Control

__all__ = ["ReadResult", "Regions", "Size", "for_control"]


def for_control(control: Control) -> Regions:
    """The converter of a control's tag."""
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
    try:
        return converters[control.tag]
    except KeyError:
        raise LabelingConfigError(
            f"Control {control.from_name!r} is a {control.tag}. Expected one of: {', '.join(converters)}."
        ) from None
