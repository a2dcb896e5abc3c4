"""Classes of whole frames: `Choices`. A class is an instance whose box is the frame."""

from collections.abc import Sequence
from typing import Any

from backend.studio.regions.comparison import RegionComparison
from backend.studio.regions.item import Item, share, unique_id, value_of
from backend.studio.regions.limits import MOST_LABELS, MOST_REGIONS, Budget
from backend.studio.regions.region import ReadResult, Size, size_of
from backend.types import Control, Instance

TYPE = "choices"
UNKNOWN: Size = (1, 1)
"""Stands for the frame's size where nobody tells it: choices carry none, and a class does not need it."""


class ChoicesRegions:
    """The converter of classes."""

    def read(self, result: Sequence[Item], control: Control, size: Size | None = None) -> ReadResult:
        """See `regions.Regions.read`; of a single choice that has several none is used: which is meant is not known."""
        found: dict[str, Instance] = {}
        problems: list[str] = []
        items = Budget(MOST_REGIONS, "choices")
        for item in result:
            if item.get("from_name") != control.from_name or item.get("type") != TYPE:
                continue
            items.take()
            id_ = item.get("id")
            chosen = value_of(item).get("choices")
            if not isinstance(chosen, list):
                problems.append(f"{control.from_name!r} has choices {chosen!r}; expected a list")
                continue
            width, height = size_of(item, size) or UNKNOWN
            box = (0.0, 0.0, float(width), float(height))
            for label in chosen[: max(MOST_LABELS, len(control.labels))]:
                if isinstance(label, str) and label in control.labels:
                    found.setdefault(label, Instance(label, box, region_id=id_ if isinstance(id_, str) else None))
                elif label not in control.left_alone:
                    expected = ", ".join(control.labels)
                    problems.append(f"{control.from_name!r}: unknown choice {label!r}; expected one of: {expected}")
        if len(found) > 1 and not control.multiple:
            problems.append(f"{control.from_name!r} has several choices: {', '.join(found)}; expected one")
            found = {}
        return ReadResult(tuple(found.values()), tuple(problems))

    def write(self, instances: Sequence[Instance], control: Control, size: Size) -> list[dict[str, Any]]:
        """See `regions.Regions.write`: one item, of a single choice the surest one, of a multiple choice all of them."""
        if not instances:
            return []
        surest = max(instances, key=lambda instance: share(instance.score))
        shown = instances if control.multiple else [surest]
        places = {label: n for n, label in enumerate(control.labels)}
        labels = sorted(dict.fromkeys(i.label for i in shown), key=lambda label: places.get(label, len(places)))
        return [
            {
                "id": unique_id(shown[0].region_id, set()),
                "from_name": control.from_name,
                "to_name": control.to_name,
                "type": TYPE,
                "value": {"choices": labels},
                # The whole item is right only when its least sure class is.
                "score": min(share(instance.score) for instance in shown),
            }
        ]


COMPARISON = RegionComparison(moves=lambda a, b: 0)
"""Its classes are its labels: one that is changed is relabelled."""
