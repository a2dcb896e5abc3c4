"""Choice between pose and counting: whether drawn points are the named points of one object, or any number of each. Pure."""

from collections import Counter
from collections.abc import Sequence

from backend.types import Instance, LabeledFrame

MIN_REPEATED_SHARE = 0.1
"""Share of the labels in frames that are there more than once, from which that is meant: a click too many in a pose is
none."""


def any_number(labeled: Sequence[LabeledFrame]) -> bool:
    """Whether frames hold more than one point of a label, by points that hang on nothing."""
    counts = list[int]()
    for one in labeled:
        free = (point.label for instance in one.instances if is_free(instance) for point in instance.keypoints)
        counts += Counter(free).values()
    return sum(n > 1 for n in counts) > MIN_REPEATED_SHARE * len(counts)


def is_free(instance: Instance) -> bool:
    """Whether its points hang on no rectangle: it has no region of its own besides theirs."""
    return instance.region_id in (None, *(point.region_id for point in instance.keypoints))
