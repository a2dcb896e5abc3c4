"""Which group a task belongs to, and where in the group's time it stands. Pure."""

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from backend.studio.task_data import value_at
from model_registry import storable

WELL_KNOWN = (
    "video", "video_id", "scene", "scene_id", "patient", "patient_id", "series", "series_id", "sequence", "clip",
    "camera", "group",
)  # fmt: skip
"""Data fields that name a group in the data sets we know, looked for in this order."""

ORDER_FIELDS = ("frame", "frame_index", "frame_number", "slice", "index", "time", "timestamp")
"""Data fields that say where a task stands in its group, looked for in this order."""

_CLOCK = re.compile(r"(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2}(?:\.\d+)?)")
_NUMBER = re.compile(r"\d+")
_ENDING = re.compile(r"\.[A-Za-z]\w{1,4}$")
"""Of a file's name: the digits of `.mp4` count nothing."""
LONGEST = 200
"""Characters of a group's name: people read it, and PostgreSQL refuses keys of more than some 2,700 bytes."""

EACH_VIDEO = "each video is a group of its own"
"""The rule of tasks that hold a whole video each."""
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
        return GroupRule(None, EACH_VIDEO, alone=True)
    return GroupRule(None, "well-known field of each task")


def group_of(task: int, data: Mapping[str, Any], rule: GroupRule) -> tuple[str, str]:
    """(group, the rule that chose it, in words) of a task with this data.

    A task without the field that the rule names goes to a group of its kind, `(no <field>)`: it must not be mixed in
    with others unseen.
    """
    if rule.field:
        value = value_at(data, rule.field)
        if name := _name(value):
            return name, f"{rule}{_remark(value)}"
        return f"(no {rule.field})", f"{rule}, which these tasks lack"
    if rule.alone:
        return f"task {task}", str(rule)
    for field in WELL_KNOWN:
        if name := _name(data.get(field)):
            return name, f"well-known field '{field}'{_remark(data[field])}"
    return WHOLE_PROJECT, "no well-known group field: one group for the project"


def field_of(data: Mapping[str, Any], rule: GroupRule) -> str | None:
    """The data field that names a task's group; None where none does."""
    if rule.field or rule.alone:
        return rule.field
    return next((field for field in WELL_KNOWN if _name(data.get(field))), None)


def order_of(data: Mapping[str, Any]) -> float | None:
    """Position in time of a task, from its data; None where it tells none. See `place_of` for what is understood."""
    return next((place for _, place in _places(data)), None)


def ordered_by(data: Mapping[str, Any]) -> str:
    """What tells a task's position in time, in words for the status page."""
    field = next((field for field, _ in _places(data)), None)
    return f"in the order of '{field}'" if field else "in no order"


def _places(data: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for field in ORDER_FIELDS:
        if (place := place_of(data.get(field))) is not None:
            yield field, place


def place_of(value: object) -> float | None:
    """A position in time: a number, also as text; seconds of `00:01:02.5`; a date and time of ISO 8601; of other text with
    digits, as `frame_12` or `0001.png`, the last number before the ending. None for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        place: float | None = float(value)
    except (ValueError, OverflowError):
        place = _place_of_text(value.strip()) if isinstance(value, str) else None
    return place if place is not None and math.isfinite(place) else None


def _place_of_text(text: str) -> float | None:
    if clock := _CLOCK.fullmatch(text):
        return sum(float(part) * unit for part, unit in zip(clock.groups("0"), (3600, 60, 1), strict=True))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        numbers = _NUMBER.findall(_ENDING.sub("", text))
        return float(numbers[-1]) if numbers else None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _name(value: Any) -> str:
    """A group's name from a data value: its text; of a whole number without a fraction, of a list its elements, and of an
    object its JSON. Nothing for what says nothing.

    What no engine stores (NUL, half a surrogate pair) is replaced; of a text that is no name but a story the beginning
    is kept, with what tells it from others that begin alike.
    """
    try:
        name = storable(_text(value)).strip()
    except (ValueError, RecursionError):  # Python writes no number of thousands of digits
        return ""
    if len(name) <= LONGEST:
        return name
    return f"{name[:LONGEST]}... {hashlib.sha256(name.encode()).hexdigest()[:12]}"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        value = int(value) if value.is_integer() else value if math.isfinite(value) else None
    if isinstance(value, list):
        return ", ".join(filter(None, map(_text, value)))
    if isinstance(value, Mapping):
        return json.dumps(value, sort_keys=True, ensure_ascii=False) if value else ""
    return str(value) if isinstance(value, str | int | float) else ""


def _remark(value: Any) -> str:
    """What people may not expect of a field that names groups."""
    kind = {bool: "true or false", list: "a list", dict: "an object"}.get(type(value))
    return f", which holds {kind}" if kind else ""
