"""Which ways of comparing frames to believe: those that foretell each labelled frame from the others."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from backend.learning.classification.features import BLOCKS
from backend.learning.classification.kernels import Likeness, distances, near_in_time, seen_alike, spread

Array = NDArray[np.float64]

DOUBTS = (0.02, 0.1, 0.4)
"""Noise of the labels that are tried, as a share of the likeness of a frame to itself."""
TIMES = (0.0, 0.5, 2.0)
"""Weights of time that are tried."""
REACHES = (3.0, 10.0)
"""Frames over which classes stay that are tried."""
SHARPNESSES = (2.0, 4.0, 8.0)
"""Factors from values to log odds that are tried."""
FEWEST = 0.01
"""Share of the committee's votes below which a member is left out."""
EAGERNESS = 1.0
"""How much better foretelling counts: 1 is by its likelihood."""


@dataclass(frozen=True, slots=True)
class Member:
    """One way of comparing, and how much it is believed."""

    likeness: Likeness
    doubt: float
    sharpness: float
    votes: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """All frames that are compared, labelled ones first."""

    blocks: Mapping[str, Array]
    """Standardized vectors, (frames, n) each."""
    orders: Array
    """(frames,) position in time; NaN where there is none."""
    targets: Array
    """(labelled, classes) 1 where a labelled frame has the class, else 0."""
    single: bool
    """Whether each frame has exactly one class."""


FIXED = (Member(Likeness(BLOCKS, False, 0.0, REACHES[0]), doubt=0.1, sharpness=4.0, votes=1.0),)
"""Where none is elected: kernel ridge regression with one RBF kernel on all vectors."""


def elect(group: Group, *, linking: bool = True) -> tuple[Member, ...]:
    """The members that foretell each labelled frame best from the other ones, with their votes; with `linking`, also those
    that heed time."""
    tried = []
    for likeness, alike in _likenesses(group, linking):
        own = alike[: len(group.targets), : len(group.targets)]
        for doubt in DOUBTS:
            foretold = _left_out(own, group, doubt)
            for sharpness in SHARPNESSES:
                chance = probabilities(foretold, sharpness, group.single)
                tried.append((Member(likeness, doubt, sharpness), _log_likelihood(chance, group.targets)))
    best = max(score for _, score in tried)
    votes = np.exp(EAGERNESS * np.array([score - best for _, score in tried]))
    votes = np.where(votes / votes.sum() >= FEWEST, votes, 0)
    if not votes.any():
        votes = np.ones(len(tried))
    shares = votes / votes.sum()
    return tuple(replace(one, votes=float(v)) for (one, _), v in zip(tried, shares, strict=True) if v > 0)


def answers(group: Group, members: Sequence[Member]) -> Array:
    """(frames, classes) probabilities."""
    total = np.zeros((len(group.orders), group.targets.shape[1]))
    known, count = {}, len(group.targets)
    base = group.targets.mean(0)
    for one in members:
        if one.likeness not in known:
            known[one.likeness] = compare(group, one.likeness)
        alike = known[one.likeness]
        doubt = one.doubt * float(np.diag(alike).mean())
        solved = np.linalg.solve(alike[:count, :count] + doubt * np.eye(count), group.targets - base)
        total += one.votes * probabilities(base + alike[:, :count] @ solved, one.sharpness, group.single)
    return total


def probabilities(values: Array, sharpness: float, single: bool) -> Array:
    """Of classes, from values near 1 where the class is and near 0 where not."""
    if single:
        odds = np.exp(sharpness * (values - values.max(1, keepdims=True)))
        return np.asarray(odds / odds.sum(1, keepdims=True))
    return np.asarray(1 / (1 + np.exp(-sharpness * 2 * (values - 0.5))))


def compare(group: Group, likeness: Likeness) -> Array:
    """(frames, frames) how alike all frames are."""
    alike = seen_alike(distances(group.blocks, likeness.blocks))
    return _with_time(spread(alike) if likeness.spread else alike, group, likeness)


def _likenesses(group: Group, linking: bool) -> list[tuple[Likeness, Array]]:
    ordered = linking and bool((~np.isnan(group.orders)).all()) and len(np.unique(group.orders)) == len(group.orders)
    times = [(t, r) for t in TIMES for r in (REACHES if t else REACHES[:1])] if ordered else [(0.0, REACHES[0])]
    out = []
    for count in range(1, len(BLOCKS) + 1):
        for blocks in itertools.combinations(BLOCKS, count):
            alike = seen_alike(distances(group.blocks, blocks))
            for spreading, seen in ((False, alike), (True, spread(alike))):
                for time, reach in times:
                    likeness = Likeness(blocks, spreading, time, reach)
                    out.append((likeness, _with_time(seen, group, likeness)))
    return out


def _with_time(seen: Array, group: Group, likeness: Likeness) -> Array:
    if not likeness.time:
        return seen
    return np.asarray((seen + likeness.time * near_in_time(group.orders, likeness.reach)) / (1 + likeness.time))


def _left_out(alike: Array, group: Group, doubt: float) -> Array:
    """(labelled, classes) what each labelled frame's value would be without its own label."""
    count = len(alike)
    base = (group.targets.sum(0) - group.targets) / max(count - 1, 1)
    inverse = np.linalg.inv(alike + doubt * float(np.diag(alike).mean()) * np.eye(count))
    centred = group.targets - group.targets.mean(0)
    residual = (inverse @ centred) / np.diag(inverse)[:, None]
    return np.asarray(base + (centred - residual) if count > 1 else base)


def _log_likelihood(chance: Array, targets: Array) -> float:
    p = np.clip(chance, 1e-3, 1 - 1e-3)
    return float((targets * np.log(p) + (1 - targets) * np.log(1 - p)).sum())
