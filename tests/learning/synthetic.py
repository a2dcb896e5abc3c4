"""A clip made from nothing: textured discs and squares that move over a textured background."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from backend.types import Frame, Instance, LabeledFrame

LABELS = ("disc", "square")


@dataclass(frozen=True)
class Clip:
    frames: tuple[LabeledFrame, ...]

    def labeled(self, *indices: int) -> list[LabeledFrame]:
        return [self.frames[i] for i in indices]

    def others(self, *indices: int) -> list[LabeledFrame]:
        return [frame for i, frame in enumerate(self.frames) if i not in indices]


def clip(count: int = 24, size: tuple[int, int] = (160, 120), discs: int = 1, squares: int = 0, seed: int = 0) -> Clip:
    """`size` is width, height. Objects bounce; each has a side of 22 pixels."""
    rng = np.random.default_rng(seed)
    width, height = size
    ground = 90 + 60 * _texture(rng, (height, width, 3), 3)
    kinds = ["disc"] * discs + ["square"] * squares
    places = rng.uniform(20, np.array(size) - 20, (len(kinds), 2))
    speeds = rng.uniform(-3, 3, (len(kinds), 2))
    skins = [np.clip(c + 40 * _texture(rng, (22, 22, 3), 2), 0, 255) for c in _colours(kinds)]
    frames = []
    for at in range(count):
        image, instances = ground.copy(), []
        for kind, place, skin in zip(kinds, places, skins, strict=True):
            x, y = (int(v) - 11 for v in place)
            _paste(image, skin, x, y, round_=kind == "disc")
            instances.append(Instance(kind, (float(x), float(y), float(x + 22), float(y + 22))))
        pixels = np.clip(image + rng.normal(0, 4, image.shape), 0, 255).astype(np.uint8)
        frames.append(LabeledFrame(Frame(at, pixels, width, height, float(at)), tuple(instances)))
        speeds = np.where((places + speeds < 16) | (places + speeds > np.array(size) - 16), -speeds, speeds)
        places = places + speeds
    return Clip(tuple(frames))


def _texture(rng: np.random.Generator, shape: tuple[int, ...], blur: float) -> np.ndarray:
    smooth = gaussian_filter(rng.standard_normal(shape), (blur, blur, 0))
    return np.asarray(smooth / np.abs(smooth).max())


def _colours(kinds: Sequence[str]) -> list[np.ndarray]:
    return [np.array([210.0, 60, 50]) if kind == "disc" else np.array([50.0, 80, 210]) for kind in kinds]


def _paste(image: np.ndarray, skin: np.ndarray, x: int, y: int, round_: bool) -> None:
    rows, columns = np.mgrid[0:22, 0:22]
    inside = (rows - 10.5) ** 2 + (columns - 10.5) ** 2 <= 121 if round_ else np.ones((22, 22), bool)
    image[y : y + 22, x : x + 22][inside] = skin[inside]
