"""Error against number of labels, for both ways to use them. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from backend.explain.curve import Curve, Floats, Labels, grid, sample
from backend.explain.fits import Fit, one_a_group, one_for_all

COUNTS = (4, 6, 8, 12, 16, 24, 32, 40, 56, 80, 112, 160, 256)
"""Numbers of labels to try: half a label a group, to 32."""
REPEATS = 40
"""Curves that each number of labels is tried on."""


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """Errors on many random curves."""

    counts: tuple[int, ...]
    one_for_all: Floats
    """(repeats, counts): root mean square error, in standard deviations of the curve, of the global polynomial."""
    one_a_group: Floats
    """(repeats, counts): the same of the local ones."""

    def typical(self) -> list[tuple[int, float, float]]:
        """(labels, error of the global one, error of the local ones): geometric means over the curves."""
        globally, locally = (np.exp(np.log(e).mean(axis=0)) for e in (self.one_for_all, self.one_a_group))
        return list(zip(self.counts, globally.tolist(), locally.tolist(), strict=True))

    def local_wins(self) -> tuple[int, ...]:
        """The numbers of labels with which the local ones have the smaller error."""
        return tuple(count for count, globally, locally in self.typical() if locally < globally)


def trial(
    seed: int,
    law: Callable[[np.random.Generator], Curve],
    counts: Sequence[int] = COUNTS,
    repeats: int = REPEATS,
) -> Trial:
    """Try every number of labels on `repeats` random curves of a kind."""
    globally, locally = np.zeros((2, repeats, len(counts)))
    for row, one in enumerate(np.random.SeedSequence(seed).spawn(repeats)):
        rng = np.random.default_rng(one)
        curve = law(rng)
        for column, count in enumerate(counts):
            labels = sample(curve, count, rng)
            globally[row, column] = error(one_for_all(labels), curve)
            locally[row, column] = error(one_a_group(labels, curve), curve)
    return Trial(tuple(counts), globally, locally)


def example(
    seed: int, law: Callable[[np.random.Generator], Curve], count: int, repeats: int = REPEATS
) -> tuple[Curve, Labels]:
    """One curve to show, with `count` labels: of `repeats` random ones that with the median ratio of both errors."""
    found = []
    for one in np.random.SeedSequence(seed).spawn(repeats):
        rng = np.random.default_rng(one)
        curve = law(rng)
        labels = sample(curve, count, rng)
        found.append((error(one_for_all(labels), curve) / error(one_a_group(labels, curve), curve), curve, labels))
    return sorted(found, key=lambda tried: tried[0])[repeats // 2][1:]


def error(fit: Fit, curve: Curve) -> float:
    """Root mean square distance of a fit from the curve."""
    x = grid()
    return float(np.sqrt(np.square(fit(x) - curve.values(x)).mean()))
