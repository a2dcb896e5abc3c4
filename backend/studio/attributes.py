"""Attributes of the tags of a labeling config: those of Label Studio, and ours, which begin with `model_`.

Tags are those of `label_studio_sdk`'s reader. What is written wrong raises LabelingConfigError.
"""

import math
import re
from collections.abc import Iterable
from typing import Any

from backend.errors import LabelingConfigError


def kept_labels(carrier: Any) -> tuple[str, ...]:
    """Values (aliases, where there are) of the labels without `model_skip`; those with a `model_index` first, by it."""
    kept = {value: label for value, label in carrier.labels_attrs.items() if value not in left_alone(carrier)}
    return tuple(sorted(kept, key=lambda value: _model_index(carrier, value, kept[value])))


def left_alone(carrier: Any) -> tuple[str, ...]:
    """Values (aliases, where there are) of the labels with `model_skip`."""
    return tuple(value for value, label in carrier.labels_attrs.items() if is_true(label.attr.get("model_skip")))


def _model_index(carrier: Any, value: str, label: Any) -> float:
    """Where in the order of points a label stands; of other tags the config's order counts."""
    text = label.attr.get("model_index")
    if text is None or carrier.tag != "KeyPointLabels":
        return math.inf
    if not re.fullmatch(r"\d{1,9}", text.strip()):
        raise LabelingConfigError(
            f"Label {value!r} of {carrier.tag} {carrier.name!r} has model_index={text!r}. Expected 0, 1, 2 and so on."
        )
    return int(text)


def media_field(media: Any) -> str | None:
    """`image` out of `value="$image"`, or `images` out of `valueList="$images"`."""
    match = re.fullmatch(r"\$(\w[\w.\-]*)", attribute(media, "valuelist") or media.attr.get("value") or "")
    return match[1] if match else None


def attribute(tag: Any, name: str) -> str | None:
    """An attribute of a tag; Label Studio reads the names of its own ones in any case."""
    return next((str(value).strip() for key, value in tag.attr.items() if key.lower() == name), None)


def any_number(tag: Any) -> bool | None:
    """Whether `model_points` says that a frame may hold many points of a label; None where it says nothing."""
    text = tag.attr.get("model_points")
    if text is None or tag.tag != "KeyPointLabels":
        return None
    if text.strip().lower() not in ("one", "many"):
        raise LabelingConfigError(
            f"{tag.tag} {tag.name!r} has model_points={text!r}. Expected `many` (any number of points of a label in a frame, "
            "as for counting) or `one` (at most one, as the points of one object)."
        )
    return bool(text.strip().lower() == "many")


def is_per_region(tag: Any) -> bool:
    """Whether what is said with a tag is said of each region."""
    return is_true(attribute(tag, "perregion"))


def may_have_several(tag: Any) -> bool:
    """Whether what is labelled may have several of a tag's labels: of a `Taxonomy` unless `maxUsages` says that it is one."""
    if tag.tag == "Taxonomy":
        return attribute(tag, "maxusages") != "1"
    return bool(tag.attr.get("choice") == "multiple")


def score_threshold(tag: Any) -> float | None:
    """The least score that is shown; None where nothing is said of it."""
    text = tag.attr.get("model_score_threshold")
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise LabelingConfigError(
            f"{tag.tag} {tag.name!r} has model_score_threshold={text!r}. Expected a number from 0 to 1, such as 0.4."
        )
    return value


def group_by(tags: Iterable[Any]) -> str | None:
    """The one data field that the config groups by; it may be written as `video` or `$video`, on any control tag."""
    named = {
        tag.attr["model_group_by"].strip().lstrip("$") for tag in tags if tag.attr.get("model_group_by", "").strip()
    }
    if len(named) > 1:
        raise LabelingConfigError(
            f"model_group_by names several data fields: {', '.join(sorted(named))}. Expected one, "
            "since a task is in one group. "
            "Write the same field everywhere, or on one control tag only."
        )
    return named.pop() if named else None


def is_true(value: str | None) -> bool:
    """Whether an attribute is switched on."""
    return value is not None and value.strip().lower() in ("true", "1", "yes")
