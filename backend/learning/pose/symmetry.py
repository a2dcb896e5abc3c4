"""Which keypoints are each other's mirror image, told from their names: left and right, or L and R."""

import re
from collections.abc import Iterator, Sequence

SIDES = {"left": "right", "l": "r"}
OTHER = {**SIDES, **{right: left for left, right in SIDES.items()}}
WORD = re.compile("left|right", re.IGNORECASE)
LETTER = re.compile(r"^[lr]|[lr]$|(?<![a-z])[lr](?![a-z])|(?<=[a-z])[LR](?![a-z])|[lr](?=\d)", re.IGNORECASE)
"""A letter that may stand for a side: at either end, on its own, or before a number."""


def partners(names: Sequence[str]) -> tuple[int, ...]:
    """For each keypoint the index of its mirror image; its own where it has none."""
    place = {name: index for index, name in enumerate(names)}
    found = list(range(len(names)))
    for index, name in enumerate(names):
        others = {place[other] for other in _mirrored(name) if other in place}
        if found[index] == index and len(others) == 1:
            [other] = others
            if found[other] == other:
                found[index], found[other] = other, index
    return tuple(found)


def _mirrored(name: str) -> Iterator[str]:
    """The name with one side exchanged for the other, or all that it holds."""
    if WORD.search(name):
        yield WORD.sub(_exchanged, name)
        return
    for match in LETTER.finditer(name):
        yield name[: match.start()] + _exchanged(match) + name[match.end() :]


def _exchanged(match: re.Match[str]) -> str:
    """The other side, in the same case."""
    word = match.group()
    other = OTHER[word.lower()]
    return other.upper() if word.isupper() else other.capitalize() if word[0].isupper() else other
