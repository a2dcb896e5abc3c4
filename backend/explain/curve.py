"""The curve that stands for all there is to label, and labels of it, which cost one human action each. Pure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

GROUPS = 8
"""Pieces of the axis that have little to do with each other, as the videos of a project have."""
AMPLITUDE = (0.5, 1.0)
"""Least and greatest height of the wave in a piece."""
CYCLES = (0.3, 0.8)
"""Least and greatest number of waves in a piece: no piece is a polynomial, none is hard by itself."""
WAVES = (1.0, 2.4)
"""Least and greatest number of waves over the whole axis, where it has one law."""
LABEL_DEVIATION = 0.02
"""Standard deviation of a label about the curve, in the curve's: no person is exact."""


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A continuous curve over [0, 1) with another wave in each of its groups."""

    amplitude: Floats
    """(groups,)"""
    cycles: Floats
    """(groups,) waves from the left end of the group to its right end."""
    phase: Floats
    """(groups,) radians at the left end."""
    deviation: float = 1.0
    """What the waves are divided by."""

    @property
    def edges(self) -> Floats:
        """(groups + 1,): where the groups begin and end; all are equally wide."""
        return np.asarray(np.linspace(0.0, 1.0, len(self.cycles) + 1), np.float64)

    def group_of(self, x: Floats) -> NDArray[np.intp]:
        """(n,) numbers of the groups that places in [0, 1] lie in."""
        return np.clip(np.searchsorted(self.edges, x, side="right") - 1, 0, len(self.cycles) - 1)

    def values(self, x: Floats) -> Floats:
        """(n,) heights at places in [0, 1]."""
        group, ends = self.group_of(x), np.arange(len(self.cycles))
        rises = self._wave(ends, np.ones(len(ends))) - self._wave(ends, np.zeros(len(ends)))
        start = np.concatenate([[0.0], np.cumsum(rises)[:-1]]) - self._wave(ends, np.zeros(len(ends)))
        share = x * len(self.cycles) - group
        return np.asarray((start[group] + self._wave(group, share)) / self.deviation)

    def _wave(self, group: NDArray[np.intp], share: Floats) -> Floats:
        turns = 2 * np.pi * self.cycles[group] * share + self.phase[group]
        return np.asarray(self.amplitude[group] * np.sin(turns))


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """Points of a curve that somebody measured, from left to right."""

    x: Floats
    """(n,) in [0, 1]."""
    y: Floats
    """(n,)"""

    def __len__(self) -> int:
        return len(self.x)


def many_laws(rng: np.random.Generator) -> Curve:
    """A curve with a wave of its own in each group: what is learnt in one group says nothing of the others."""
    return _scaled(rng.uniform(*AMPLITUDE, GROUPS), rng.uniform(*CYCLES, GROUPS), rng.uniform(0.0, 2 * np.pi, GROUPS))


def one_law(rng: np.random.Generator) -> Curve:
    """A curve with one wave that goes through all groups, as if they were cut at random out of the same thing."""
    cycles = rng.uniform(*WAVES) / GROUPS
    phase = rng.uniform(0.0, 2 * np.pi) + 2 * np.pi * cycles * np.arange(GROUPS)
    return _scaled(np.ones(GROUPS), np.full(GROUPS, cycles), np.asarray(phase, np.float64))


def sample(curve: Curve, count: int, rng: np.random.Generator, noise: float = LABEL_DEVIATION) -> Labels:
    """Buy `count` labels: one at a random place of each of so many equal stretches of the axis."""
    x = (np.arange(count) + rng.random(count)) / max(count, 1)
    return Labels(x, curve.values(x) + rng.normal(0.0, noise, count))


def grid(points: int = 2000) -> Floats:
    """(points,) evenly spread places in (0, 1), to measure on."""
    return (np.arange(points) + 0.5) / points


def _scaled(amplitude: Floats, cycles: Floats, phase: Floats) -> Curve:
    """With a standard deviation of 1, so that an error of 1 is that of always answering the mean."""
    return Curve(amplitude, cycles, phase, float(np.std(Curve(amplitude, cycles, phase).values(grid()))))
