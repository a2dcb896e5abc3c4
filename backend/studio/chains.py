"""What hangs on what: masks that are made from boxes (`model_masks_from`), and classes of each region (`perRegion`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from xml.etree import ElementTree

from backend.errors import LabelingConfigError
from backend.types import Control, Head

WITH_CROPS = (Head.DETECTION, Head.SEGMENTATION)
"""What a region must be to be looked at closer: a point has no inside."""


@dataclass(frozen=True, slots=True)
class ShownFor:
    """For which regions the editor shows a tag (`visibleWhen="region-selected"`)."""

    control: str = ""
    """Name of the tag that they are drawn or labelled with; empty: any."""
    labels: tuple[str, ...] = ()
    """They have one of these; empty: any."""


EVERY_REGION = ShownFor()


def check_chains(controls: Sequence[Control]) -> None:
    """Raises LabelingConfigError where masks are to be made from what has no boxes of all their labels."""
    boxes = {one.from_name: one for one in controls if one.head is Head.DETECTION and one.drawn_with is None}
    for control in controls:
        source = boxes.get(control.masks_from or "")
        if control.masks_from and (
            source is None
            or control.head is not Head.SEGMENTATION
            or source.to_name != control.to_name
            or not set(control.labels) <= set(source.labels)
        ):
            raise LabelingConfigError(
                f"{control.tag} {control.from_name!r} has model_masks_from={control.masks_from!r}. Expected on a control "
                f"of masks the name of the RectangleLabels of the same image that has the labels {', '.join(control.labels)}."
            )


def with_regions(
    controls: Sequence[Control], per_region: Mapping[str, str], shown: Mapping[str, ShownFor]
) -> tuple[list[Control], dict[str, str]]:
    """(the controls, those of each region with the controls whose regions they are said of, {name: why a control cannot be
    served}). `per_region` has the names of those of each region, `shown` for which regions the editor shows them."""
    found, problems = list[Control](), dict[str, str]()
    for control in controls:
        if control.from_name not in per_region:
            found.append(control)
            continue
        wanted = shown.get(control.from_name, EVERY_REGION)
        hosts = tuple(one for one in controls if _has_crops(one, control) and _is_named(one, wanted.control))
        if hosts:
            found.append(replace(control, attribute_of=hosts, only_of=wanted.labels))
        else:
            problems[control.from_name] = f"says something of each region (perRegion), and there are none: {_EXPECTED}"
    return found, problems


_EXPECTED = "add boxes or masks of the same image, or boxes of the same video, that are learnt as well"


def shown_for(tag: ElementTree.Element, outer: ShownFor = EVERY_REGION) -> dict[str, ShownFor]:
    """{name: for which regions it is shown} of this tag and those in it; what holds for a `View` holds for all inside."""
    if tag.get("visibleWhen") == "region-selected" or tag.get("whenLabelValue"):
        value = tag.get("whenLabelValue", "")
        # A label may have a comma in its name: the editor looks for the whole as well as for the parts.
        parts = (part.strip() for part in (*value.split(","), value))
        labels = tuple(dict.fromkeys(part for part in parts if part))
        by_label = tag.get("visibleWhen") in (None, "region-selected")
        outer = ShownFor((tag.get("whenTagName") if by_label else "") or outer.control, labels or outer.labels)
    found = {name: outer} if outer != EVERY_REGION and (name := tag.get("name")) else {}
    for inner in tag:
        found |= shown_for(inner, outer)
    return found


def _has_crops(region: Control, attribute: Control) -> bool:
    return region.head in WITH_CROPS and (region.to_name, region.media) == (attribute.to_name, attribute.media)


def _is_named(region: Control, name: str) -> bool:
    return name in ("", region.from_name, region.labels_from, region.drawn_with)
