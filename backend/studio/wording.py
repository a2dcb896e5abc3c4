"""Alternative text: a prediction in words, for those who do not see the picture of it. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

MAX_NAMED_LABELS = 5
"""Labels that are named; more is not a description any more."""


def in_words(result: Sequence[Mapping[str, Any]]) -> str:
    """What a result holds, such as `2 × Bunny, Bird`; `nothing` where it is empty. Damaged items are left out."""
    seen: dict[str, set[object]] = {}
    for number, item in enumerate(result):
        value = item.get("value")
        kind = item.get("type")
        if not isinstance(value, Mapping) or not isinstance(kind, str):
            continue
        chosen = value.get(kind, value.get("labels"))
        for label in chosen if isinstance(chosen, list) else ():
            if isinstance(label, str):
                seen.setdefault(label, set()).add(str(item.get("id") or number))
    counted = Counter({label: len(regions) for label, regions in seen.items()})
    words = [label if n == 1 else f"{n} × {label}" for label, n in counted.most_common(MAX_NAMED_LABELS)]
    rest = len(counted) - len(words)
    return ", ".join(words) + (f" and {rest} more labels" if rest else "") if words else "nothing"
