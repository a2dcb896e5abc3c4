"""Classes stay for a while: what neighbours in time say about a frame, where the labelled frames show that it helps."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from backend.learning.classification.committee import Group, log_likelihood, votes

Array = NDArray[np.float64]

RATES = (0.6, 0.8, 0.9, 0.95, 0.98)
"""Probabilities that a class stays from one frame to the next that are tried."""
BELIEFS = (0.2, 0.6)
"""Shares of what is seen in a frame that count that are tried: neighbours show nearly the same, and err alike."""
LABELED = 0.99
"""Probability that a label is right."""


@dataclass(frozen=True, slots=True)
class Staying:
    """How long classes stay, and how much that is believed."""

    rate: float
    """Probability that a class stays from one frame to the next; 0: time says nothing."""
    belief: float
    """Share of what is seen in a frame that counts."""
    votes: float = 1.0


NEVER = Staying(0.0, 1.0)
"""Time says nothing."""


def elect_staying(group: Group, seen: Array) -> tuple[Staying, ...]:
    """Those that foretell each labelled frame best, from what is `seen` (frames, classes) and from its neighbours."""
    tried = [NEVER]
    if in_order(group):
        tried += [Staying(rate, belief) for rate in RATES for belief in BELIEFS]
    count = len(group.targets)
    scores = [log_likelihood(_smoothed(group, seen, one)[:count], group.targets) for one in tried]
    return tuple(replace(one, votes=v) for one, v in zip(tried, votes(scores), strict=True) if v > 0)


def smoothed(group: Group, seen: Array, stayings: Sequence[Staying]) -> Array:
    """(frames, classes) probabilities; of labelled frames as the other ones foretell them."""
    believed = stayings if in_order(group) else (NEVER,)
    total = sum(one.votes for one in believed)
    return np.asarray(sum(one.votes / total * _smoothed(group, seen, one) for one in believed))


def in_order(group: Group) -> bool:
    """Whether each unlabelled frame has its own place in time, and each labelled one some place."""
    others = group.orders[len(group.targets) :]
    return not np.isnan(group.orders).any() and len(np.unique(others)) == len(others)


def _smoothed(group: Group, seen: Array, staying: Staying) -> Array:
    if not staying.rate:
        return seen
    if group.single:
        return _chain(group, seen, group.targets, staying)
    pairs = [(np.stack([1 - p, p], 1), np.stack([1 - t, t], 1)) for p, t in zip(seen.T, group.targets.T, strict=True)]
    return np.stack([_chain(group, p, t, staying)[:, 1] for p, t in pairs], 1)


def _chain(group: Group, seen: Array, targets: Array, staying: Staying) -> Array:
    """Forward and backward along time: a frame's class by what is seen in it and by what flows in from both sides."""
    count, classes = seen.shape
    shown = np.clip(seen, 1e-4, 1) ** staying.belief
    told = shown.copy()
    told[: len(targets)] = np.where(targets > 0.5, LABELED, (1 - LABELED) / max(classes - 1, 1))
    along = np.argsort(group.orders, kind="stable")
    gaps = np.diff(group.orders[along])
    typical = float(np.median(gaps[gaps > 0])) if (gaps > 0).any() else 1.0
    stays = staying.rate ** (gaps / typical)
    ahead, back = np.full((count, classes), 1 / classes), np.full((count, classes), 1 / classes)
    for i in range(1, count):
        ahead[i] = _flow(ahead[i - 1] * told[along[i - 1]], stays[i - 1])
        back[-i - 1] = _flow(back[-i] * told[along[-i]], stays[-i])
    out = np.empty_like(seen)
    out[along] = shown[along] * ahead * back
    return np.asarray(out / out.sum(1, keepdims=True))


def _flow(state: Array, stays: float) -> Array:
    state = state / state.sum()
    return np.asarray(stays * state + (1 - stays) / len(state))
