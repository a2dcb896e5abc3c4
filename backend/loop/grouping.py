"""Which group a task belongs to, and where in the group's time it stands. Pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model_registry import storable

WELL_KNOWN = (
    "video", "video_id", "scene", "scene_id", "patient", "patient_id", "series", "series_id", "sequence", "clip",
    "camera", "group",
)  # fmt: skip
"""Data fields that name a group in the data sets we know, looked for in this order."""

ORDER_FIELDS = ("frame", "frame_index", "frame_number", "slice", "index", "time", "timestamp")
"""Data fields that say where a task stands in its group, looked for in this order."""

LONGEST = 200
"""Characters of a group's name: people read it, and PostgreSQL refuses keys of more than some 2,700 bytes."""

WHOLE_PROJECT = "project"
"""Name of the only group of a project whose tasks name none."""


@dataclass(frozen=True, slots=True)
class GroupRule:
    """How a project's tasks are grouped: by one data field, by whichever well-known field a task has, or not at all."""

    field: str | None
    origin: str
    """Who chose it, in words for the status page."""
    alone: bool = False
    """Each task is a group of its own: it holds a whole video."""

    def __str__(self) -> str:
        return f"field '{self.field}' ({self.origin})" if self.field else self.origin


def choose_rule(
    attribute: str | None, extra_params: Mapping[str, Any], setting: str, whole_videos: bool = False
) -> GroupRule:
    """The rule of a project: labeling config, then extra params (`connect --group-by` sets them), then the setting.

    Nobody having named a field, tasks of whole videos stand alone: a well-known field such as `video` is their media.
    """
    extra = extra_params.get("group_by")
    if attribute:
        return GroupRule(attribute, "model_group_by in the labeling config")
    if isinstance(extra, str) and extra:
        return GroupRule(extra, "group_by in the backend's extra params")
    if setting:
        return GroupRule(setting, "MICRO_MODELS_GROUP_BY")
    if whole_videos:
        return GroupRule(None, "each video is a group of its own", alone=True)
    return GroupRule(None, "well-known field of each task")


def group_of(task: int, data: Mapping[str, Any], rule: GroupRule) -> tuple[str, str]:
    """(group, the rule that chose it, in words) of a task with this data.

    A task without the field that the rule names goes to a group of its kind, `(no <field>)`: it must not be mixed in
    with others unseen.
    """
    if rule.field:
        value = _name(data.get(rule.field))
        return (value, str(rule)) if value else (f"(no {rule.field})", f"{rule}, which these tasks lack")
    if rule.alone:
        return f"task {task}", str(rule)
    for field in WELL_KNOWN:
        if value := _name(data.get(field)):
            return value, f"well-known field '{field}'"
    return WHOLE_PROJECT, "no well-known group field: one group for the project"


def order_of(data: Mapping[str, Any]) -> float | None:
    """Position in time of a task, from its data; None where it tells none."""
    for field in ORDER_FIELDS:
        value = data.get(field)
        if isinstance(value, bool):
            continue
        try:
            number = float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            continue
        if number == number and abs(number) != float("inf"):
            return number
    return None


def _name(value: Any) -> str:
    """A group's name from a data value: text or number, nothing else.

    What no engine stores (NUL, half a surrogate pair) is replaced; of a text that is no name but a story the beginning
    is kept, with what tells it from others that begin alike.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    try:
        name = storable(str(value)).strip()
    except ValueError:  # Python writes no number of thousands of digits
        return ""
    if len(name) <= LONGEST:
        return name
    return f"{name[:LONGEST]}... {hashlib.sha256(name.encode()).hexdigest()[:12]}"
