"""JSON from outside, read strictly: what comes out can be stored, written again, and shown.

Python's own reader lets through what breaks later: nesting that exhausts the stack, numbers that no JSON can hold, halves of
characters, and zero characters, which PostgreSQL refuses.
"""

import re
import sys
from typing import Any

from pydantic_core import from_json

MOST_CONTAINERS = 1_000_000
"""Lists and objects of one text: each takes 60-200 bytes of memory for the two that it has on the wire. A thousand tasks
with a hundred regions each have half as many."""
MOST_COMMAS = 40_000_000
"""Values of one text: a thousand tasks with a brush mask of 30 kB each have 30 million."""

_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?P<unfit>u[dD][89a-fA-F][0-9a-fA-F]{2}|u0000)|.)",
    re.DOTALL,
)
"""An escape: a pair of surrogates, which is a character; half of one, or zero; any other."""
_LARGE_NUMBER = re.compile(rb"\d[eE]\+?\d{3}|\d{309}")


def parse(raw: bytes | bytearray) -> Any:
    """The value of a JSON text in UTF-8; zero characters and halves of characters become U+FFFD.

    Raises ValueError with the reason where it is none, where it nests deeper than about 200 levels or holds more than
    MOST_CONTAINERS and MOST_COMMAS, and for numbers that no float can hold.
    """
    if raw.count(b"[") + raw.count(b"{") > MOST_CONTAINERS or raw.count(b",") > MOST_COMMAS:
        raise ValueError(f"more than {MOST_CONTAINERS} lists and objects or {MOST_COMMAS} values; send it in parts")
    try:
        value = from_json(_storable(raw), allow_inf_nan=False)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if _LARGE_NUMBER.search(raw) and _too_large(value):
        raise ValueError("a number in it is too large")
    return value


def _storable(raw: bytes | bytearray) -> bytes | bytearray:
    """The text without escapes of what no database takes."""
    if not re.search(rb"\\u(?:0000|[dD][89a-fA-F])", raw):
        return raw
    return _ESCAPE.sub(lambda match: b"\\ufffd" if match["unfit"] else match[0], raw)


def _too_large(value: Any) -> bool:
    """Whether there is a number in it that no float can hold."""
    if isinstance(value, dict):
        return any(map(_too_large, value.values()))
    if isinstance(value, list):
        return any(map(_too_large, value))
    return isinstance(value, int | float) and abs(value) > sys.float_info.max
