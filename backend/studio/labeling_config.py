"""What a labeling config asks for, and which of it a micro-model can do."""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from xml.etree import ElementTree

from label_studio_sdk.label_interface.interface import LabelInterface

from backend.errors import LabelingConfigError
from backend.studio import skeleton
from backend.studio.attributes import (
    any_number,
    attribute,
    group_by,
    is_per_region,
    is_true,
    kept_labels,
    left_alone,
    may_have_several,
    media_field,
    score_threshold,
)
from backend.studio.chains import check_chains, shown_for, with_regions
from backend.studio.tags import BY_NAME, INSTEAD, OF_REGIONS, PER_REGION, Tag, supported
from backend.types import Condition, Control, Head, Media

EXAMPLE = """<View>
  <Image name="image" value="$image"/>
  <!-- In its place also BitmaskLabels, PolygonLabels, EllipseLabels, KeyPointLabels, or Choices with Choice in it. -->
  <RectangleLabels name="label" toName="image">
    <Label value="Bunny"/>
  </RectangleLabels>
</View>"""
"""A config that is served."""

_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")


@dataclass(frozen=True, slots=True)
class LabelingConfig:
    """A parsed labeling config."""

    controls: tuple[Control, ...]
    """Those that a micro-model serves, in the config's order."""
    unsupported: tuple[str, ...]
    """The other control tags, each with the reason."""
    group_by: str | None
    """The data field that `model_group_by` names."""
    fingerprint: str
    """Changes exactly when trained micro-models become stale."""

    def require(self) -> tuple[Control, ...]:
        """The controls; raises LabelingConfigError where there is none, with what to write."""
        if self.controls:
            return self.controls
        has = "; ".join(self.unsupported) or "no control tag at all"
        raise LabelingConfigError(
            f"The labeling config has nothing that a micro-model can learn. It has: {has}. "
            f"Supported on an Image: {supported(Media.IMAGE)}; on a Video: {supported(Media.VIDEO)}. "
            f"Write for instance, in the project's Settings > Labeling Interface > Code:\n{EXAMPLE}"
        )

    def control(self, from_name: str) -> Control | None:
        """The served control of this name."""
        return next((control for control in self.controls if control.from_name == from_name), None)


def parse(xml: str) -> LabelingConfig:
    """Read a labeling config; raises LabelingConfigError when it is no XML or an attribute of ours is impossible."""
    try:
        text = _DECLARATION.sub("", xml, count=1)
        tags: list[Any] = list(LabelInterface(text).controls)
        root = ElementTree.fromstring(text)
    except Exception as error:
        # The SDK passes on whatever its XML library and its models raise.
        raise LabelingConfigError(
            f"The labeling config cannot be read: {error}. Expected XML such as:\n{EXAMPLE}"
        ) from error
    nested, conditions = _nested(root), _conditions(root)
    controls: list[Control] = []
    unsupported: list[str] = []
    carriers = {tag.name: _label_carrier(tag, tags) for tag in tags}
    lent = {carrier.name for name, carrier in carriers.items() if carrier is not None and carrier.name != name}
    problems = {tag.name: _problem(tag, carriers[tag.name], nested) for tag in tags if tag.name not in lent}
    served = [tag for tag in tags if tag.name not in lent and problems[tag.name] is None]
    for tag in tags:
        if tag in served:
            control = _control(tag, carriers[tag.name], served)
            controls += _ours(tag, replace(control, visible_when=conditions.get(tag.name, ())))
        elif tag.name not in lent:
            unsupported.append(f"{tag.tag} {tag.name!r} ({problems[tag.name]})")
    check_chains(controls)
    said = {tag.name: tag.tag for tag in tags if _is_attribute(tag)}
    controls, bare = with_regions(controls, said, shown_for(root))
    unsupported += (f"{said[name]} {name!r} ({why})" for name, why in bare.items())
    return LabelingConfig(tuple(controls), tuple(unsupported), group_by(tags), _fingerprint(controls))


def well_formed(xml: str) -> bool:
    """Whether it is XML at all, without declarations of its own: whatever else may be wrong in it, a person wrote it."""
    if "<!DOCTYPE" in xml:
        return False
    try:
        ElementTree.fromstring(_DECLARATION.sub("", xml, count=1))
    except (ElementTree.ParseError, ValueError):
        return False
    return True


def control_fingerprint(control: Control) -> str:
    """Equal exactly when a micro-model trained for one control is good for the other.

    The order of the labels and how regions are shown do not matter; what is looked at and what is told apart does.
    """
    told_apart: list[str] = []
    if control.head is Head.SEGMENTATION and not BY_NAME[control.tag].one_instance_a_label:
        told_apart.append("objects")  # a polygon is one object, a brush one label
    if control.boxes_from is not None:
        told_apart.append("objects")
    if control.attribute_of:
        told_apart.append("each region")
    if control.any_number is not None:
        told_apart.append("any number of points" if control.any_number else "one point of a label")
    if control.multiple and control.head is Head.CLASSIFICATION:
        told_apart.append("each label for itself")
    if control.media is Media.VIDEO:
        told_apart.append("a video")
    return _digest([control.head, sorted(control.labels), control.media_field, *told_apart])


def _nested(root: ElementTree.Element) -> frozenset[str]:
    """The names of the tags with a tree of choices in them."""
    return frozenset(
        tag.get("name", "")
        for tag in root.iter()
        if tag.get("name") and any(choice.find(".//Choice") is not None for choice in tag.iter("Choice"))
    )


def _conditions(tag: ElementTree.Element, outer: tuple[Condition, ...] = ()) -> dict[str, tuple[Condition, ...]]:
    """{name: when it is shown} of this tag and those in it; what holds for a `View` holds for all inside."""
    wanted = tag.get("visibleWhen")
    if wanted in ("choice-selected", "choice-unselected"):
        choices = tuple(part for part in tag.get("whenChoiceValue", "").split(",") if part)
        outer = (*outer, Condition(tag.get("whenTagName", ""), choices, wanted == "choice-selected"))
    found = {name: outer} if outer and (name := tag.get("name")) else {}
    for inner in tag:
        found |= _conditions(inner, outer)
    return found


def _label_carrier(tag: Any, tags: Iterable[Any]) -> Any | None:
    """The tag whose labels the regions of `tag` carry: itself, or for a `Rectangle` the `Labels` of the same object."""
    served = _row(tag)
    if served is not None and tag.tag == served.bare:
        return next((other for other in tags if other.tag == "Labels" and other.to_name == tag.to_name), None)
    return tag if served is not None else None


def _row(tag: Any) -> Tag | None:
    """Of the table of served tags; None: it is not served."""
    return (PER_REGION if _is_attribute(tag) else BY_NAME).get(tag.tag)


def _served(tag: Any) -> Tag:
    """The row of a tag that has one."""
    return (PER_REGION if _is_attribute(tag) else BY_NAME)[tag.tag]


def _is_attribute(tag: Any) -> bool:
    return tag.tag in PER_REGION and is_per_region(tag)


def _problem(tag: Any, carrier: Any | None, nested: frozenset[str]) -> str | None:
    """Why no micro-model can serve this control tag; None when one can."""
    served = _row(tag)
    if served is None:
        return OF_REGIONS if is_per_region(tag) else INSTEAD.get(tag.tag, "not supported yet")
    if is_true(tag.attr.get("model_skip")):
        return "left out by model_skip"
    if carrier is None:
        instead = f", or use {served.own} instead" if served.own else ""
        return f'needs <Labels toName="{",".join(tag.to_name)}"> beside it{instead}'
    if tag.name in nested or is_true(tag.attr.get("allowNested")):
        return "choices in choices are not supported; write them as one flat list"
    if not carrier.labels:
        return (
            f"has no {'Choice' if served.head is Head.CLASSIFICATION and served.tracks is None else 'Label'} in it"
            + ("; labels out of the task data cannot be learned" if carrier.dynamic_value else "")
        )
    if (wrong := _object_problem(tag) or _vector_problem(tag)) is not None:
        return wrong
    if not kept_labels(carrier):
        return "all its labels are left out by model_skip"
    return None


def _object_problem(tag: Any) -> str | None:
    """Why no micro-model can look at what this control tag is drawn on; None when one can."""
    media = tag.objects[0] if len(tag.to_name) == 1 and tag.objects else None
    of_region = _is_attribute(tag)
    on_video = of_region and media is not None and media.tag == "Video"
    wanted = "Video" if on_video else _served(tag).media.value.capitalize()
    if media is not None and media.tag == "Video" != wanted:
        return f"on a Video only these are supported: {supported(Media.VIDEO)}"
    if media is None or media.tag != wanted:
        return f"its toName {','.join(tag.to_name)!r} is not the name of one {wanted}"
    if media_field(media) is None:
        given = attribute(media, "valuelist") or media.attr.get("value")
        return f'its {wanted} has value={given!r}, expected one data field such as value="${wanted.lower()}"'
    if tag.tag == "Choices" and not of_region and attribute(media, "valuelist"):
        return "classes of an Image with valueList are not supported: it is not said of which of its images"
    return None


def _vector_problem(tag: Any) -> str | None:
    """Why no micro-model can learn what a tag of vectors draws; None when one can, and of other tags."""
    if not _served(tag).skeleton:
        return None
    if is_true(attribute(tag, "skeleton")):
        return None if tag.attr.get("model_points") else f"a skeleton needs names of its points: {skeleton.EXAMPLE}"
    if is_true(attribute(tag, "closable")):
        return None
    return 'lines are not supported; write closable="true" for polygons, or skeleton="true" for posed objects'


def _ours(tag: Any, control: Control) -> tuple[Control, ...]:
    """The controls that micro-models serve for a tag: of a skeleton two, else the tag's own."""
    if not _served(tag).skeleton or not is_true(attribute(tag, "skeleton")):
        return (control,)
    names, linked_to = skeleton.points_of(tag.attr["model_points"], f"{tag.tag} {tag.name!r}")
    return skeleton.controls_of(control, names, linked_to)


def _control(tag: Any, carrier: Any, served: Iterable[Any]) -> Control:
    """The control of a tag that has no problem, beside the others that have none."""
    kind, counted, media = _served(tag), any_number(tag), Media(tag.objects[0].tag.lower())
    boxes = (one.name for one in served if _served(one).head is Head.DETECTION and one.to_name == tag.to_name)
    return Control(
        from_name=tag.name,
        to_name=tag.to_name[0],
        tag=tag.tag,
        head=kind.head,
        labels=kept_labels(carrier),
        media_field=media_field(tag.objects[0]) or "",
        score_threshold=score_threshold(tag),
        labels_from=None if carrier is tag else carrier.name,
        boxes_from=next(boxes, None) if kind.head is Head.POSE and not counted else None,
        any_number=counted,
        multiple=may_have_several(carrier),
        masks_from=tag.attr.get("model_masks_from") or None,
        media=media,
        value_list=attribute(tag.objects[0], "valuelist") is not None,
        left_alone=left_alone(carrier),
        frame_rate=(attribute(tag.objects[0], "framerate") or "") if media is Media.VIDEO else "",
    )


def _fingerprint(controls: Iterable[Control]) -> str:
    return _digest(sorted((control.from_name, control_fingerprint(control)) for control in controls))


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]
