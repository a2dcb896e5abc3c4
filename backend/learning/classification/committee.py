"""Which ways of comparing frames to believe: those that foretell each labelled frame from the others."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from backend.learning.classification.features import BLOCKS
from backend.learning.classification.kernels import Likeness, distances, seen_alike, spread

Array = NDArray[np.float64]

DOUBTS = (0.02, 0.1, 0.4)
"""Noise of the labels that are tried, as a share of the likeness of a frame to itself."""
SHARPNESSES = (2.0, 4.0, 8.0, 16.0)
"""Factors from values to log odds that are tried."""
FEWEST = 0.01
"""Share of the committee's votes below which a member is left out."""


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


def elect(group: Group) -> tuple[Member, ...]:
    """The members that foretell each labelled frame best from the other ones, with their votes."""
    tried = []
    for likeness, alike in _likenesses(group):
        own = alike[: len(group.targets), : len(group.targets)]
        for doubt in DOUBTS:
            foretold = _left_out(own, group, doubt)
            for sharpness in SHARPNESSES:
                chance = probabilities(foretold, sharpness, group.single)
                tried.append((Member(likeness, doubt, sharpness), log_likelihood(chance, group.targets)))
    shares = votes([score for _, score in tried])
    return tuple(replace(one, votes=v) for (one, _), v in zip(tried, shares, strict=True) if v > 0)


def votes(scores: Sequence[float]) -> list[float]:
    """Shares of the votes by log likelihoods of what was foretold; those that would count little get none."""
    shares = np.exp(np.array(scores) - max(scores))
    kept = np.where(shares >= FEWEST * shares.sum(), shares, 0)
    shares = kept if kept.any() else shares
    return [float(share) for share in shares / shares.sum()]


def answers(group: Group, members: Sequence[Member]) -> Array:
    """(frames, classes) probabilities; of each labelled frame as the other ones foretell it."""
    total = np.zeros((len(group.blocks[BLOCKS[0]]), group.targets.shape[1]))
    known, count = dict[Likeness, Array](), len(group.targets)
    base = group.targets.mean(0)
    for one in members:
        if one.likeness not in known:
            known[one.likeness] = compare(group, one.likeness)
        alike = known[one.likeness]
        doubt = one.doubt * float(np.diag(alike).mean())
        solved = np.linalg.solve(alike[:count, :count] + doubt * np.eye(count), group.targets - base)
        values = base + alike[:, :count] @ solved
        values[:count] = _left_out(alike[:count, :count], group, one.doubt)
        total += one.votes * probabilities(values, one.sharpness, group.single)
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
    return spread(alike) if likeness.spread else alike


def log_likelihood(chance: Array, targets: Array) -> float:
    """Of the labels, by the probabilities that were foretold."""
    p = np.clip(chance, 1e-3, 1 - 1e-3)
    return float((targets * np.log(p) + (1 - targets) * np.log(1 - p)).sum())


def _likenesses(group: Group) -> list[tuple[Likeness, Array]]:
    out = []
    for count in range(1, len(BLOCKS) + 1):
        for blocks in itertools.combinations(BLOCKS, count):
            alike = seen_alike(distances(group.blocks, blocks))
            out += [(Likeness(blocks, False), alike), (Likeness(blocks, True), spread(alike))]
    return out


def _left_out(alike: Array, group: Group, doubt: float) -> Array:
    """(labelled, classes) what each labelled frame's value would be without its own label."""
    count = len(alike)
    base = (group.targets.sum(0) - group.targets) / max(count - 1, 1)
    inverse = np.linalg.inv(alike + doubt * float(np.diag(alike).mean()) * np.eye(count))
    centred = group.targets - group.targets.mean(0)
    residual = (inverse @ centred) / np.diag(inverse)[:, None]
    return np.asarray(base + (centred - residual) if count > 1 else base)
