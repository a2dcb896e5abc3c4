"""Asked: the control tags of a labeling config as JSON, in a registry and in files."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from backend.types import Control, Head, Media

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from backend.objects.micro_model import MicroModel

SETTING = "asked"
"""The project's setting in a registry: each control tag, with the fingerprint of the micro-models that are good for it."""
REGIONS = frozenset({Head.DETECTION, Head.SEGMENTATION})


def as_json(controls: Iterable[Control]) -> list[dict[str, Any]]:
    """What differs from a control's defaults."""
    found = _adapter().dump_python(tuple(controls), mode="json", exclude_defaults=True)
    return list(found)


def controls_of(value: Any) -> tuple[Control, ...]:
    """From what `as_json` gave; raises ValueError."""
    return _adapter().validate_python(value)


def inferred(models: Mapping[str, "MicroModel"]) -> tuple[Control, ...]:
    """What a labeling config may have asked for where it is not known: points are looked for in the boxes of the first model that
    finds boxes, classes of regions in all that is found. What hangs on boxes that nobody finds is left out."""
    standing = {name: _control(name, one) for name, one in models.items() if not one.hangs_on_boxes}
    regions = tuple(one for one in standing.values() if one.head in REGIONS)
    boxes = next((name for name, one in standing.items() if one.head is Head.DETECTION), None)
    found = list(standing.values())
    for name, one in models.items():
        if one.hangs_on_boxes and one.head is Head.POSE and boxes:
            found.append(_control(name, one, boxes_from=boxes))
        elif one.hangs_on_boxes and one.head is Head.CLASSIFICATION and regions:
            found.append(_control(name, one, attribute_of=regions))
    return tuple(found)


def asked(setting: Sequence[Mapping[str, Any]], fingerprints: Mapping[str, str]) -> tuple[Control, ...]:
    """The control tags that these micro-models, {name: fingerprint}, are good for, of a project's setting."""
    rows = ((row["control"], row["fingerprint"]) for row in setting)
    return controls_of([control for control, wanted in rows if fingerprints.get(control["from_name"]) == wanted])


def _control(name: str, model: "MicroModel", **more: Any) -> Control:
    return Control(name, "frame", "", model.head, model.labels, "frame", media=Media.IMAGE, **more)


def _adapter() -> "TypeAdapter[tuple[Control, ...]]":
    from pydantic import TypeAdapter

    return TypeAdapter(tuple[Control, ...])
