"""A clip made from nothing: an animal that walks and turns, with a head, a tail, and a different paw on each side."""

import numpy as np
from scipy.ndimage import gaussian_filter

from backend.types import Frame, Instance, Keypoint, LabeledFrame

NAMES = ("head", "tail", "paw_left", "paw_right")
SHAPE = {"head": (0, -20), "tail": (0, 20), "paw_left": (-11, -4), "paw_right": (11, -4)}
COLOURS = {"head": (230, 60, 60), "tail": (60, 60, 230), "paw_left": (60, 220, 60), "paw_right": (230, 220, 50)}


def herd(
    count: int = 12, size: tuple[int, int] = (160, 120), animals: int = 1, boxed: bool = False, seed: int = 0
) -> list[LabeledFrame]:
    """`size` is width, height; with `boxed` each animal has a rectangle with the label "animal"."""
    rng = np.random.default_rng(seed)
    smooth = gaussian_filter(rng.standard_normal((size[1], size[0], 3)), (3, 3, 0))
    ground = 90 + 50 * smooth / np.abs(smooth).max()
    angles = rng.uniform(0, 2 * np.pi, animals)
    frames = []
    for at in range(count):
        image, instances = ground.copy(), []
        for i in range(animals):
            angles[i] += rng.uniform(-0.6, 0.6)
            slot = size[0] / animals
            middle = np.array([slot * (i + 0.5), size[1] / 2]) + rng.uniform(-1, 1, 2) * (min(slot, size[1]) / 2 - 30)
            instances.append(_animal(image, middle, angles[i], f"{at}-{i}" if boxed else None))
        pixels = np.clip(image + rng.normal(0, 3, image.shape), 0, 255).astype(np.uint8)
        frames.append(LabeledFrame(Frame(at, pixels, *size, float(at)), tuple(instances)))
    return frames


def _animal(image: np.ndarray, middle: np.ndarray, angle: float, region: str | None) -> Instance:
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    local = (np.stack([columns, rows], -1) + 0.5 - middle) @ turn
    image[((local / (9, 22)) ** 2).sum(-1) <= 1] = (40, 40, 40)
    points = []
    for name, place in SHAPE.items():
        image[((local - place) ** 2).sum(-1) <= 16] = COLOURS[name]
        x, y = turn @ place + middle
        points.append(Keypoint(name, float(x), float(y)))
    x, y = [p.x for p in points], [p.y for p in points]
    box = (min(x) - 6, min(y) - 6, max(x) + 6, max(y) + 6)
    return Instance("animal" if region else "", box, region_id=region, keypoints=tuple(points))
