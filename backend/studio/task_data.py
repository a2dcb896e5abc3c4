"""Reading a task's data as Label Studio does: `$image.url` is the field `url` of the object in `image`."""

from collections.abc import Mapping
from typing import Any


def value_at(data: Mapping[str, Any], path: str) -> Any:
    """What lies under a name, or along a dotted path; None where nothing does. A field that has dots in its name wins."""
    if path in data or "." not in path:
        return data.get(path)
    first, rest = path.split(".", 1)
    inner = data.get(first)
    return value_at(inner, rest) if isinstance(inner, Mapping) else None
