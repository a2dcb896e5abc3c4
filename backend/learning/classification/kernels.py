"""How alike frames are: by what is seen in them, by who their neighbours are, and by when they were."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

NEIGHBOURS = 6
"""Most alike frames of each frame that its class is thought to spread to."""
SPREADING = 4.0
"""How much a class spreads to neighbours rather than stays."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """One way to say how alike frames are."""

    blocks: tuple[str, ...]
    """Which vectors are compared."""
    spread: bool
    """Whether likeness spreads over neighbours of neighbours, unlabelled frames among them."""
    time: float
    """Weight of being near in time; that of being seen alike has 1."""
    reach: float
    """Typical frames in time over which a class stays."""


def standardized(values: Array, mean: Array, deviation: Array) -> Array:
    """Every feature with zero mean and unit deviation over the group."""
    return np.asarray((values - mean) / deviation)


def distances(blocks: Mapping[str, Array], names: Sequence[str]) -> Array:
    """(n, n) mean squared differences of standardized vectors; each block counts alike."""
    total = np.zeros((len(next(iter(blocks.values()))),) * 2)
    for name in names:
        values = blocks[name]
        squares = np.square(values).sum(1)
        total += np.maximum(squares[:, None] + squares - 2 * values @ values.T, 0) / values.shape[1]
    return total / len(names)


def seen_alike(distance: Array) -> Array:
    """(n, n) in [0, 1], by distances as they are typical in the group."""
    typical = float(np.median(distance[distance > 0])) if (distance > 0).any() else 1.0
    return np.asarray(np.exp(-distance / typical))


def spread(alike: Array) -> Array:
    """(n, n) likeness after it spread over the graph of nearest neighbours; diagonal about 1."""
    count = len(alike)
    kept = min(NEIGHBOURS, count - 1)
    if kept < 1:
        return alike
    others = alike - 2 * np.eye(count)
    edges = np.zeros_like(alike)
    nearest = np.argpartition(-others, kept - 1, axis=1)[:, :kept]
    np.put_along_axis(edges, nearest, np.take_along_axis(alike, nearest, 1) ** 2, 1)
    edges = np.maximum(edges, edges.T)
    scale = 1 / np.sqrt(edges.sum(1) + 1e-9)
    laplacian = np.eye(count) - edges * scale[:, None] * scale
    kernel = np.linalg.inv(np.eye(count) + SPREADING * laplacian)
    size = np.sqrt(np.diag(kernel))
    return np.asarray((kernel / size[:, None] / size + alike) / 2)


def near_in_time(orders: Array, reach: float) -> Array:
    """(n, n) in [0, 1]; `reach` in frames as they follow each other in the group. NaN is no known order."""
    known = np.unique(orders[~np.isnan(orders)])
    gap = float(np.median(np.diff(known))) if len(known) > 1 else 1.0
    apart = np.abs(orders[:, None] - orders) / (gap * reach)
    return np.where(np.isnan(apart), np.eye(len(orders)), np.exp(-apart))
