"""Region attributes (`perRegion`) and scores: what a result says of its regions besides their geometry and label."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from backend.studio.regions.attributes import TAXONOMY
from backend.studio.regions.item import Item, share, value_of
from backend.studio.regions.region import number

ATTRIBUTES = ("choices", "datetime", "number", "rating", "taxonomy", "textarea")
"""Types of items that say something of a region under its id."""


def scores_of(result: Sequence[Item]) -> dict[tuple[str, str], float]:
    """{(control, region id): its score in [0, 1]} of the regions that have one."""
    found = {}
    for item in result:
        name, id_, score = item.get("from_name"), item.get("id"), number(item.get("score"))
        if isinstance(name, str) and isinstance(id_, str) and score is not None:
            found[name, id_] = share(score)
    return found


def attributes_of(result: Sequence[Item]) -> Mapping[str, dict[str, Any]]:
    """{region id: {name of a control: what is said with it}}; of choices the one, or a list of several."""
    found: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for item in result:
        kind, name, id_ = item.get("type"), item.get("from_name"), item.get("id")
        if kind in ATTRIBUTES and isinstance(name, str) and isinstance(id_, str):
            said = value_of(item).get("text" if kind == "textarea" else str(kind))
            if kind == TAXONOMY and isinstance(said, list):
                said = [one[0] if isinstance(one, list) and len(one) == 1 else one for one in said]
            if said is not None:
                found[id_][name] = said[0] if isinstance(said, list) and len(said) == 1 else said
    return found
