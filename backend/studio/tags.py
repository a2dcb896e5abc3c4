"""The table of control tags that micro-models serve: one row a tag, and one file in `regions` that converts its regions.

To add a tag: write its file (reading, writing, comparing two of its regions), and its row here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from backend.errors import LabelingConfigError
from backend.studio.regions import (
    attributes,
    bitmask,
    brush,
    choices,
    ellipse,
    keypoint,
    polygon,
    rectangle,
    timeline_labels,
    vector,
    video_rectangle,
)
from backend.studio.regions.bounded import Bounded, BoundedTracks
from backend.studio.regions.comparison import RegionComparison
from backend.studio.regions.region import Regions, TrackRegions
from backend.types import Control, Head, Media


@dataclass(frozen=True, slots=True)
class Tag:
    """One kind of control tag, in both its forms."""

    own: str | None
    """Its name in the XML where it has labels of its own: `RectangleLabels`; None: there is no such form."""
    bare: str | None
    """Its name where its regions carry the labels of a `Labels` tag beside it: `Rectangle`; None: no such form."""
    head: Head
    makes: str
    """What its regions are, in words."""
    comparison: RegionComparison
    """How two of its regions are compared: without it nothing that people do to them would count as work."""
    regions: Regions | None = None
    """The converter, of a tag that is drawn on an image."""
    tracks: TrackRegions | None = None
    """The converter, of a tag that is drawn on a video."""
    skeleton: bool = False
    """Whether `skeleton="true"` makes each of its regions one posed object."""
    one_instance_a_label: bool = False
    """Whether all regions of one label are one instance; else each region is an object."""

    @property
    def names(self) -> tuple[str, ...]:
        """As they are written in the XML."""
        return tuple(name for name in (self.own, self.bare) if name)

    @property
    def shape(self) -> str:
        """As in the types of its result items: `rectangle` in `rectanglelabels` and `rectangle`."""
        return self.names[0].removesuffix("Labels").lower()

    @property
    def media(self) -> Media:
        """What it is drawn on."""
        return Media.IMAGE if self.tracks is None else Media.VIDEO


TAGS = (
    Tag(
        "RectangleLabels", "Rectangle", Head.DETECTION, "boxes",
        rectangle.COMPARISON, rectangle.RectangleRegions(),
    ),
    Tag(
        "BrushLabels", "Brush", Head.SEGMENTATION, "masks",
        brush.COMPARISON, brush.BrushRegions(), one_instance_a_label=True,
    ),
    Tag(
        "BitmaskLabels", "Bitmask", Head.SEGMENTATION, "masks",
        bitmask.COMPARISON, bitmask.BitmaskRegions(), one_instance_a_label=True,
    ),
    Tag(
        "PolygonLabels", "Polygon", Head.SEGMENTATION, "masks",
        polygon.COMPARISON, polygon.PolygonRegions(),
    ),
    Tag(
        "EllipseLabels", "Ellipse", Head.SEGMENTATION, "masks",
        ellipse.COMPARISON, ellipse.EllipseRegions(),
    ),
    Tag(
        "VectorLabels", "Vector", Head.SEGMENTATION,
        'masks where closable="true", posed objects where skeleton="true"',
        vector.COMPARISON, vector.VectorRegions(), skeleton=True,
    ),
    Tag(
        "KeyPointLabels", None, Head.POSE,
        "points: any number of a label in a frame, or those of one object, or of each rectangle",
        keypoint.COMPARISON, keypoint.KeyPointRegions(),
    ),
    Tag(
        "Choices", None, Head.CLASSIFICATION, "classes of the whole image",
        choices.COMPARISON, choices.ChoicesRegions(),
    ),
    Tag(
        None, "VideoRectangle", Head.DETECTION, "tracks",
        video_rectangle.COMPARISON, tracks=video_rectangle.VideoRectangleRegions(),
    ),
    Tag(
        "TimelineLabels", None, Head.CLASSIFICATION, "classes of ranges of frames",
        timeline_labels.COMPARISON, tracks=timeline_labels.TimelineLabelsRegions(),
    ),
)  # fmt: skip
"""The served tags."""

PER_REGION: Mapping[str, Tag] = MappingProxyType(
    {
        name: Tag(name, None, Head.CLASSIFICATION, "classes of each region", attributes.COMPARISON)
        for name in ("Choices", "Taxonomy")
    }
)
"""The tags that with `perRegion` say something of each region, of an image or of a video: see `regions/attributes.py`."""

INSTEAD: Mapping[str, str] = MappingProxyType(
    {
        "KeyPoint": "not supported; use KeyPointLabels instead",
        "Taxonomy": "a tree of classes is not supported; use Choices instead",
    }
)
"""Of some tags that are not served: what to write instead."""
OF_REGIONS = "text, numbers and ratings of each region are left to people; Choices with perRegion are learnt"
"""Of those that are not served and say something of each region."""

BY_NAME: Mapping[str, Tag] = MappingProxyType({name: tag for tag in TAGS for name in tag.names})
"""By the name in the XML."""
BY_SHAPE: Mapping[str, Tag] = MappingProxyType({tag.shape: tag for tag in TAGS})
"""By the type of the result items, without `labels` at its end."""


def supported(media: Media) -> str:
    """What is served on a kind of media, in words: `RectangleLabels, Rectangle with Labels (boxes); ...`."""
    made: dict[str, list[str]] = {}
    for tag in TAGS:
        if tag.media is media:
            bare = [f"{tag.bare} with Labels"] if tag.bare else []
            made.setdefault(tag.makes, []).extend([tag.own, *bare] if tag.own else bare)
    return "; ".join(f"{', '.join(names)} ({makes})" for makes, names in made.items())


def for_control(control: Control) -> Regions:
    """The converter of a control's tag on an image; raises LabelingConfigError where it has none."""
    if control.attribute_of:
        return Bounded(attributes.AttributeRegions(PER_REGION[control.tag].shape, for_control))
    tag = BY_NAME.get(control.tag)
    if tag is None or tag.regions is None:
        raise _unknown(control, Media.IMAGE)
    return Bounded(tag.regions)


def for_video(control: Control) -> TrackRegions:
    """The converter of a control's tag on a video; raises LabelingConfigError where it has none."""
    if control.attribute_of:
        return BoundedTracks(attributes.AttributeTracks(PER_REGION[control.tag].shape, for_video))
    tag = BY_NAME.get(control.tag)
    if tag is None or tag.tracks is None:
        raise _unknown(control, Media.VIDEO)
    return BoundedTracks(tag.tracks)


def is_one_outline(control: Control) -> bool:
    """Whether a region of the control is one outline: of a mask in several parts each would become a region."""
    return BY_NAME[control.tag].shape in ("polygon", "vector", "ellipse")


def _unknown(control: Control, media: Media) -> LabelingConfigError:
    names = ", ".join(name for name, tag in BY_NAME.items() if tag.media is media)
    return LabelingConfigError(f"Control {control.from_name!r} is a {control.tag}. Expected one of: {names}.")
