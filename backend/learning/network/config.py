"""A micro-model's config, what is needed besides the weights to build it again, as strings in the artifact's metadata."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from backend.errors import WeightsUnusable
from backend.types import Head

MOST_PIXELS = 1 << 22
"""Of a scaled frame. An artifact may be anybody's, and whoever loads it takes memory for what it says: so it is bounded."""
MOST_OBJECTS = 10_000
"""Objects of a frame that are told apart; more are taken for as many."""
MOST_OF_NUMBERS = {
    "width": 512, "detail": 512, "crop": 1024, "pixels": MOST_PIXELS, "coarse_pixels": MOST_PIXELS,
    "counts": MOST_OBJECTS, "most_candidates": MOST_OBJECTS,
}  # fmt: skip
"""{field: the largest number in it}. Recipes stay well below."""
MOST_ITEMS = {"labels": 10_000, "poses": 1000}
"""{field: the most that it lists}."""
PICTURE_SIZES = {Head.CLASSIFICATION: "size", Head.DETECTION: "background"}
"""{head: the field that holds height and width of a picture}."""


def to_metadata(head: Head, version: str, config: Any) -> dict[str, str]:
    """A head's config (a dataclass of what JSON knows) as strings; `version` is that of its format."""
    return {"format": version, "head": head.value, "blueprint": json.dumps(asdict(config))}


def fields_of(metadata: Mapping[str, str], head: Head, version: str) -> dict[str, Any]:
    """The config's fields, lists as tuples; raises WeightsUnusable where the artifact is of another head or format, or where
    a network of such fields would take more memory than any that is trained here."""
    found = metadata.get("head", "none"), metadata.get("format", "none")
    if found != (head.value, version) or "blueprint" not in metadata:
        raise WeightsUnusable(
            f"The weights are of head {found[0]}, format {found[1]}; expected {head}, format {version}: "
            "train this group again."
        )
    fields: dict[str, Any] = _tuples(json.loads(metadata["blueprint"]))
    _check_limits(fields, PICTURE_SIZES.get(head))
    return fields


def _check_limits(fields: Mapping[str, Any], picture: str | None) -> None:
    """Before anything is built."""
    for name, most in MOST_OF_NUMBERS.items():
        for number in _numbers(fields.get(name)):
            if not 0 <= number <= most:
                raise _too_large(name, number, f"numbers from 0 to {most}")
    for name, most in MOST_ITEMS.items():
        if len(fields.get(name, ())) > most:
            raise _too_large(name, f"{len(fields[name])} entries", f"at most {most}")
    sides = list(_numbers(fields.get(picture or "")))
    if sides and not (min(sides) >= 1 and math.prod(sides) <= MOST_PIXELS):
        raise _too_large(str(picture), sides, f"height and width of 1 to {MOST_PIXELS} pixels")


def _too_large(name: str, found: object, expected: str) -> WeightsUnusable:
    return WeightsUnusable(f"The weights say {name}: {str(found)[:100]}. Expected {expected}: train this group again.")


def _numbers(value: Any) -> Iterator[float]:
    """Those in a field; nan for what is neither a number nor made of numbers."""
    if isinstance(value, tuple):
        for one in value:
            yield from _numbers(one)
    elif value is not None:
        yield value if isinstance(value, int | float) else math.nan


def _tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _tuples(one) for name, one in value.items()}
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
