"""Control tags that the editor shows only for some choices (`visibleWhen`), by what a result chooses; see `conditions`."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from backend.conditions import hidden_beside
from backend.studio.regions.item import Item, value_of
from backend.types import Control

_CHOSEN = ("choices", "taxonomy")
"""Types of the items that choose something."""


def hidden(controls: Iterable[Control], result: Sequence[Item]) -> frozenset[str]:
    """The names of those controls that the editor hides beside the choices in a result; not of those that say something of each
    region, which it may show for one and hide for the next: see `hidden_classes`."""
    every = list(controls)
    return _hidden(every, result) - {control.from_name for control in every if control.attribute_of}


def _hidden(controls: Sequence[Control], result: Sequence[Item]) -> frozenset[str]:
    asked = [control for control in controls if control.visible_when]
    return hidden_beside(asked, _chosen(result)) if asked else frozenset()


def hidden_classes(
    controls: Sequence[Control], shown: Sequence[Item], result: Sequence[Item]
) -> frozenset[tuple[str, str]]:
    """(control, region id) of those classes of regions in `shown` that the editor hides beside the choices in `result`: what is
    chosen for a region decides for that region alone."""
    asked = {control.from_name for control in controls if control.attribute_of and control.visible_when}
    per_region = {control.from_name for control in controls if control.attribute_of}
    everywhere, of_region = list[Item](), defaultdict[str, list[Item]](list)
    for one in result if asked else ():
        name, id_ = one.get("from_name"), one.get("id")
        if one.get("type") in _CHOSEN and isinstance(name, str):
            (of_region[str(id_)] if name in per_region else everywhere).append(one)
    found = set[tuple[str, str]]()
    for item in shown:
        name, id_ = item.get("from_name"), item.get("id")
        if not isinstance(name, str) or not isinstance(id_, str) or name not in asked:
            continue
        if name in _hidden(controls, [*everywhere, *of_region[id_]]):
            found.add((name, id_))
    return frozenset(found)


def _chosen(result: Sequence[Item]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for item in result:
        kind, name = item.get("type"), item.get("from_name")
        if kind in _CHOSEN and isinstance(name, str):
            values = value_of(item).get(kind)
            ends = (
                [one[-1] if isinstance(one, list) and one else one for one in values or ()]
                if isinstance(values, list)
                else []
            )
            found[name] = found.get(name, frozenset()) | {one for one in ends if isinstance(one, str)}
    return found
