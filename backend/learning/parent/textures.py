"""Surfaces made of numbers: noise, stripes, checks, spots, cells, and cuttings of photographs where some are given."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from backend.types import Image

Floats = NDArray[np.float32]
Field = Floats
"""(side, side) in [0, 1]."""
Surface = Floats
"""(side, side, 3) RGB in [0, 255]."""

PHOTOGRAPHED = 0.4
"""Share of surfaces that are cut from photographs, where there are any."""


def surface(rng: np.random.Generator, side: int, photos: Sequence[Image] = ()) -> Surface:
    """A random surface."""
    if photos and rng.random() < PHOTOGRAPHED:
        return photographed(rng, side, photos[int(rng.integers(len(photos)))])
    kinds: list[Callable[[np.random.Generator, int], Field]] = [clouds, clouds, stripes, checks, spots, cells, slope]
    painted = paint(kinds[rng.integers(len(kinds))](rng, side), rng)
    grain = (clouds(rng, side, coarsest=side // 8) - 0.5) * rng.uniform(0, 50)
    return np.clip(painted + grain[..., None], 0, 255)


def photographed(rng: np.random.Generator, side: int, photo: Image) -> Surface:
    """A turned, mirrored and recoloured cutting of a photograph."""
    height, width = photo.shape[:2]
    length = int(rng.uniform(0.15, 1.0) * min(height, width))
    y, x = rng.integers(height - length + 1), rng.integers(width - length + 1)
    part = np.rot90(photo[y : y + length, x : x + length], int(rng.integers(4)))
    part = part[:, :: rng.choice([-1, 1])][..., rng.permutation(3) if rng.random() < 0.5 else slice(None)]
    scaled = cv2.resize(np.ascontiguousarray(part), (side, side), interpolation=cv2.INTER_AREA).astype(np.float32)
    shifted = (scaled - 128) * rng.uniform(0.6, 1.3, 3) + 128 + rng.uniform(-40, 40)
    return np.asarray(np.clip(shifted, 0, 255), np.float32)


def paint(field: Field, rng: np.random.Generator) -> Surface:
    """The field in two to four colours that blend."""
    count = int(rng.integers(2, 5))
    at = np.linspace(0, 1, count)
    colours = [colour(rng) for _ in range(count)]
    return np.stack([np.interp(field, at, [c[i] for c in colours]) for i in range(3)], -1).astype(np.float32)


def colour(rng: np.random.Generator) -> NDArray[np.float64]:
    """RGB in [0, 255], pale ones more often than not."""
    grey, tint = rng.uniform(15, 240), rng.normal(0, 1, 3)
    return np.asarray(np.clip(grey + 110 * rng.beta(1, 2) * (tint - tint.mean()), 0, 255))


def clouds(rng: np.random.Generator, side: int, coarsest: int = 2) -> Field:
    """Noise of several octaves; the coarsest has so many bumps a side."""
    total = np.zeros((side, side), np.float32)
    fall, cells_ = rng.uniform(0.4, 0.9), coarsest
    weight = 1.0
    while cells_ <= side // 2:
        bumps = rng.standard_normal((cells_ + 1, cells_ + 1), np.float32)
        total += weight * cv2.resize(bumps, (side, side), interpolation=cv2.INTER_CUBIC)
        weight, cells_ = weight * fall, cells_ * 2
    return stretched(total)


def stripes(rng: np.random.Generator, side: int) -> Field:
    """Bent stripes, soft or sharp."""
    x, y = _axes(rng, side)
    wave = np.sin(x * rng.uniform(2, 14) * 2 * np.pi + rng.uniform(0, 4) * clouds(rng, side))
    return stretched(np.tanh(wave * rng.uniform(0.3, 5)) + rng.uniform(0, 0.3) * y)


def checks(rng: np.random.Generator, side: int) -> Field:
    """A turned chessboard."""
    x, y = _axes(rng, side)
    frequency = rng.uniform(2, 9)
    return stretched(
        np.tanh(4 * np.sin(x * frequency * np.pi * 2) * np.sin(y * frequency * rng.uniform(0.5, 2) * np.pi * 2))
    )


def spots(rng: np.random.Generator, side: int) -> Field:
    """Blots on a ground."""
    return stretched(
        np.tanh((clouds(rng, side, int(rng.integers(3, 12))) - rng.uniform(0.35, 0.65)) * rng.uniform(5, 40))
    )


def cells(rng: np.random.Generator, side: int) -> Field:
    """Cells, each of its own tone."""
    nearest = partition(rng, side, int(rng.integers(6, 60)))[1]
    return rng.random(int(nearest.max()) + 1).astype(np.float32)[nearest]


def slope(rng: np.random.Generator, side: int) -> Field:
    """Nearly even: a gradient."""
    return stretched(_axes(rng, side)[0])


def partition(rng: np.random.Generator, side: int, count: int) -> tuple[Floats, NDArray[np.int64]]:
    """(side, side) distance to the border between the cells of `count` random places, in sides; and the cell's number."""
    places = rng.uniform(0, 1, (count, 2))
    half = max(side // 2, 2)
    grid = (np.mgrid[0:half, 0:half].reshape(2, -1).T + 0.5) / half
    bent = grid + 0.06 * np.stack([clouds(rng, half).ravel(), clouds(rng, half).ravel()], 1)
    distance, index = cKDTree(places).query(bent, k=2)
    border = cv2.resize((distance[:, 1] - distance[:, 0]).reshape(half, half).astype(np.float32), (side, side))
    nearest = cv2.resize(
        index[:, 0].reshape(half, half).astype(np.int32), (side, side), interpolation=cv2.INTER_NEAREST
    )
    return border, nearest.astype(np.int64)


def stretched(field: NDArray[np.floating]) -> Field:
    """To [0, 1]."""
    low, high = float(field.min()), float(field.max())
    return np.asarray((field - low) / max(high - low, 1e-6), np.float32)


def _axes(rng: np.random.Generator, side: int) -> tuple[Floats, Floats]:
    """Turned coordinates, about [0, 1] along the sides."""
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side
    return x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
