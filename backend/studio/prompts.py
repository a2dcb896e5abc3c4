"""Prompts of smart tools: what the editor sends while somebody draws with Auto-Annotation, and what it takes back.

The editor sends the drawn regions as `context.result`: the last one, and those of the same label before it that were
neither accepted nor rejected. It shows every region of the answer as a suggestion; accepting it deletes the drawn ones
and overwrites regions that have its ids (editor 1.23.2, `Annotation.acceptAllSuggestions`). So an answer is one object
with ids of its own, or nothing.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from xml.etree import ElementTree

import numpy as np

from backend.errors import LabelingConfigError
from backend.studio import tags
from backend.studio.labeling_config import LabelingConfig
from backend.studio.regions import Size
from backend.studio.regions.item import labels_of, types_of, unique_id
from backend.types import Control, Head, Instance, Mask, Media, Prompt

MOST_ITEMS = 200
"""Of one prompt: nobody clicks more often on one object."""
MOST_IMAGES = 100_000
"""Of one task: beyond that a place is a mistake."""
VIDEO = "videorectangle"
"""The one shape that is drawn on a video."""
DRAWN: Mapping[str, Head] = {
    "rectangle": Head.DETECTION,
    "ellipse": Head.SEGMENTATION,
    "polygon": Head.SEGMENTATION,
    "brush": Head.SEGMENTATION,
    "bitmask": Head.SEGMENTATION,
    "keypoint": Head.POSE,
    VIDEO: Head.DETECTION,
}
"""Shapes that a smart tool may draw, and what a control of their tag is for."""
OUTLINES = ("ellipse", "polygon")

Item = Mapping[str, Any]
Result = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Tool:
    """A control tag that somebody draws with; a micro-model may serve it, or not."""

    name: str
    to_name: str
    tag: str
    smart: bool
    """Whether it is offered under Auto-Annotation."""


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """One object that somebody asks for."""

    shape: str
    """What was drawn last, as in the item type `rectanglelabels`."""
    items: tuple[Item, ...]
    """The drawn regions of one tool and label."""
    label: str
    control: Control
    """The form that the answer has."""
    points: Control | None = None
    """The control whose keypoints are wanted with the box, hung on it."""
    place: int = 0
    """Where the image that was drawn on stands in its task's list, from 0."""


def tools(xml: str) -> list[Tool]:
    """Every control tag of a labeling config that draws something on an image or a video; of a text that is no XML: none."""
    try:
        root = ElementTree.fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", xml, count=1))
    except ElementTree.ParseError:
        return []
    return [
        Tool(tag.get("name", ""), tag.get("toName", ""), tag.tag, tag.get("smart", "").strip().lower() == "true")
        for tag in root.iter()
        if tag.get("name") and tag.get("toName") and tag.tag.removesuffix("Labels").lower() in DRAWN
    ]


def smart_tools(xml: str) -> list[str]:
    """Names of the control tags that are offered under Auto-Annotation."""
    return [tool.name for tool in tools(xml) if tool.smart]


def is_prompt(context: object) -> bool:
    """Whether a request comes from a tool of the editor, and is not one for ordinary predictions."""
    return isinstance(context, Mapping) and ("result" in context or "event" in context)


def question(context: Item, xml: str, config: LabelingConfig) -> Question | None:
    """What is asked for; None where it is nothing that can be answered: no region, no label, another edition's event,
    a control that is not known or that no micro-model serves."""
    if context.get("event") or not isinstance(context.get("result"), list):
        return None
    drawn = [item for item in context["result"][-MOST_ITEMS:] if isinstance(item, Mapping) and _shape(item)]
    if not drawn:
        return None
    shape, named = _shape(drawn[-1]), {tool.name: tool for tool in tools(xml)}
    tool = named.get(str(drawn[-1].get("from_name")))
    place = _place(drawn[-1])
    if tool is None or place is None or tool.tag.removesuffix("Labels").lower() != shape:
        return None
    same = (i for i in drawn if i.get("from_name") == tool.name and (_shape(i), _place(i)) == (shape, place))
    items = tuple({key: value for key, value in item.items() if key != "item_index"} for item in same)
    media = Media.VIDEO if shape == VIDEO else Media.IMAGE
    served = [c for c in config.controls if c.to_name == tool.to_name and c.media is media]
    label = _label(drawn[-1], context["result"], shape, served)
    control = _target(served, tool, shape, label) if label is not None else None
    if label is None or control is None:
        return None
    asked = tuple(item for item in items if _negative(item) or _label(item, context["result"], shape, served) == label)
    hung = next((c for c in served if shape != "keypoint" and c.boxes_from == control.from_name), None)
    return Question(shape, asked, label, control, hung, place)


def prompt(asked: Question, size: Size) -> Prompt | None:
    """Where the object is, in pixels of an image of `size`; None where nothing usable was drawn in the image."""
    if asked.shape == "keypoint":
        points = [(_negative(item), one.keypoints[0]) for item in asked.items for one in _read(asked, [item], size)]
        inside, outside = (tuple((p.x, p.y) for no, p in points if no is negative) for negative in (False, True))
        return Prompt(inside=inside, outside=outside) if inside else None
    if asked.shape == "rectangle":
        boxes = _read(asked, asked.items[-1:], size)
        return Prompt(box=boxes[0].box) if boxes else None
    mask = _union([one.mask for one in _read(asked, asked.items, size)])
    if mask is None:
        return None
    return Prompt(outline=mask) if asked.shape in OUTLINES else Prompt(stroke=mask)


def write(asked: Question, instance: Instance, size: Size, who: str) -> Result:
    """The result items of the one object, with the label that was chosen, fresh ids, and in their meta who found it."""
    box = unique_id(None, set())
    named = replace(instance, label=asked.label, region_id=box)
    named = replace(named, keypoints=tuple(replace(point, region_id=None) for point in instance.keypoints))
    control = replace(asked.control, score_threshold=None, boxes_from=None)  # a person said that it is there
    items = tags.for_control(control).write([named], control, size)
    if asked.points is not None:
        points = replace(asked.points, score_threshold=None)
        items += tags.for_control(points).write([named], points, size)
    return signed(items, who)


def signed(items: Sequence[Item], who: str) -> Result:
    """The items with who found the object, for whoever looks at the region's details."""
    return [{**item, "meta": {"text": [who]}} for item in items]


def _shape(item: Item) -> str | None:
    """The shape of an item that carries one."""
    return next((shape for shape in DRAWN if item.get("type") in types_of(shape)), None)


def _place(item: Item) -> int | None:
    """Which image of its task a region is on, from 0; None where that is no number of one."""
    place = item.get("item_index") or 0
    return place if isinstance(place, int) and 0 <= place < MOST_IMAGES else None


def _negative(item: Item) -> bool:
    """Whether a click says what does not belong to the object."""
    return item.get("is_positive") is False


def _label(item: Item, result: Sequence[object], shape: str | None, served: Sequence[Control]) -> str | None:
    """The label of a drawn region; where the config has but one, that is meant. None where nobody can tell."""
    id_ = item.get("id")
    same = [i for i in result if isinstance(i, Mapping) and isinstance(id_, str) and i.get("id") == id_]
    chosen = labels_of([item, *same], shape or "")
    every = {label for control in served for label in control.labels if control.head is not Head.CLASSIFICATION}
    return chosen[0] if chosen else (every.pop() if len(every) == 1 else None)


def _target(served: Sequence[Control], tool: Tool, shape: str, label: str) -> Control | None:
    """The control whose form the answer has: masks before boxes, the tool's own control first; points of a pose where
    the label is one of them, or where nothing else has labels."""
    own_first = sorted(served, key=lambda control: control.from_name != tool.name)
    for head in (Head.SEGMENTATION, Head.DETECTION):
        for control in own_first:
            if control.head is head and label in control.labels:
                return control
    poses = [control for control in own_first if control.head is Head.POSE]
    if shape == "keypoint":
        return next((control for control in poses if label in control.labels), None)
    return next((control for control in poses if control.boxes_from is None), None)


def _read(asked: Question, items: Sequence[Item], size: Size) -> tuple[Instance, ...]:
    """What the editor's regions are, as if a micro-model served the control that drew them."""
    tag = {"bitmask": "Bitmask", "keypoint": "KeyPoint"}.get(asked.shape, asked.shape.capitalize())
    name = str(items[0].get("from_name"))
    control = Control(name, asked.control.to_name, f"{tag}Labels", DRAWN[asked.shape], (asked.label,), "")
    labelled = [{**item, "type": f"{asked.shape}labels", "value": _with_label(item, asked)} for item in items]
    try:
        return tags.for_control(control).read(labelled, control, size).instances
    except LabelingConfigError:  # a tag that no converter reads
        return ()


def _with_label(item: Item, asked: Question) -> dict[str, Any]:
    value = item.get("value")
    return {**(value if isinstance(value, Mapping) else {}), f"{asked.shape}labels": [asked.label]}


def _union(masks: Sequence[Mask | None]) -> Mask | None:
    known = [mask for mask in masks if mask is not None]
    return np.logical_or.reduce(known) if known else None
