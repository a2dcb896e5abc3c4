"""Which groups are trained on, and which are held out: a group never is both, else its own frames would be the test."""

import hashlib
from collections.abc import Mapping

from backend.datasets.item import TRAIN, VAL


def split(sizes: Mapping[str, int], share: float) -> dict[str, str]:
    """{group: `train` or `val`} for {group: how many frames it has}; {group: ""} where `share` is 0.

    Groups are held out in an order that only depends on their names, until at least `share` of all frames is. One group
    at least is held out and one trained on, and a single group is trained on.
    """
    if share <= 0:
        return dict.fromkeys(sizes, "")
    order = sorted(sizes, key=lambda name: (hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest(), name))
    wanted, held, found = share * sum(sizes.values()), 0, dict.fromkeys(sizes, TRAIN)
    for name in order[:-1]:
        if held >= wanted and held > 0:
            break
        found[name], held = VAL, held + sizes[name]
    return found
