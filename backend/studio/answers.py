"""Validation of Label Studio's answers: an object, or a list of objects; anything else is none that can be used."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from backend.errors import StudioUnreachable
from backend.studio.transport import ADDRESS_FIX

Item = Mapping[str, Any]
T = TypeVar("T")


def object_of(answer: Any) -> dict[str, Any]:
    """An object."""
    if not isinstance(answer, dict):
        raise StudioUnreachable(
            f"Label Studio answered {type(answer).__name__}, expected an object. Is it version 1.20 or newer?"
        )
    return answer


def list_of(answer: Any, what: str, *keys: str) -> list[dict[str, Any]]:
    """A list of objects with these keys, as Label Studio gives it."""
    if not isinstance(answer, list) or not all(isinstance(row, dict) and row.keys() >= set(keys) for row in answer):
        raise StudioUnreachable(f"Label Studio answered {str(answer)[:200]}, expected {what}. {ADDRESS_FIX}")
    return answer


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The items, so many at a time."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
