"""Label presence prior: near labelled frames without a label, the label is not expected. Pure."""

import math
from bisect import bisect
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backend.types import LabeledFrame

MAX_ABSENCE_LOG_ODDS = 5.0
"""Most log odds that a label loses where it is not expected: what the network then still sees, it is very sure of."""


def penalty(order: float, labeled: Sequence[LabeledFrame], labels: Sequence[str]) -> NDArray[np.float32]:
    """(labels,) log odds to take from a frame at `order`, by the next labelled frames before and after it in time.

    ABSENT where they lack the label. Between one that lacks it and one that has it, it comes at some unknown moment:
    the nearer to the former, the less probable. At the ends of time there is one neighbour only.
    """
    known = sorted(
        ((one.frame.order, {instance.label for instance in one.instances}) for one in labeled
         if one.frame.order is not None),
        key=lambda pair: pair[0],
    )  # fmt: skip
    at = bisect([when for when, _ in known], order)
    near = [(abs(when - order), drawn) for when, drawn in known[max(at - 1, 0) : at + 1]]
    return np.array([_lost(near, label) for label in labels], np.float32)


def _lost(near: Sequence[tuple[float, set[str]]], label: str) -> float:
    lacking = [distance for distance, drawn in near if label not in drawn]
    having = [distance for distance, drawn in near if label in drawn]
    if not lacking or not having:
        return MAX_ABSENCE_LOG_ODDS if lacking else 0.0
    share = lacking[0] / ((lacking[0] + having[0]) or 1.0)
    return min(max(math.log(max(1 - share, 1e-9) / max(share, 1e-9)), 0.0), MAX_ABSENCE_LOG_ODDS)
