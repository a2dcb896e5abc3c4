"""Frames to judge a video's result by, evenly spread over its keyframes and ranges. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from backend.studio.regions.region import number


def moments(result: Sequence[Mapping[str, Any]], most: int) -> list[int]:
    """At most so many frame numbers (from 1), in order: evenly spread over the keyframes and ranges of a result."""
    numbers = sorted(set(_frames(result)))
    if len(numbers) <= most:
        return numbers
    return [numbers[round(n * (len(numbers) - 1) / max(most - 1, 1))] for n in range(most)]


def _frames(result: Sequence[Mapping[str, Any]]) -> Iterator[int]:
    for item in result:
        value = item.get("value")
        rows = value if isinstance(value, Mapping) else {}
        for row in _rows(rows.get("sequence")):
            yield from _whole(row.get("frame"))
        for row in _rows(rows.get("ranges")):
            ends = [*_whole(row.get("start")), *_whole(row.get("end"))]
            if ends:
                yield sum(ends) // len(ends)


def _rows(value: object) -> list[Mapping[str, Any]]:
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []


def _whole(value: object) -> list[int]:
    found = number(value)
    return [int(found)] if found is not None and found >= 1 else []
