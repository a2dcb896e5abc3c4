"""A small clip, made up on the fly: a checkered square that wanders over a grey, noisy ground."""

from pathlib import Path

import numpy as np
from PIL import Image

from backend.demo.data_set import DataSet, DemoFrame
from backend.types import Instance

WIDTH, HEIGHT, SIDE = 160, 120, 36


def moving_square(folder: Path, frames: int = 24, name: str = "square") -> DataSet:
    """As many frames, each with its one true box."""
    folder.mkdir(parents=True)
    dice = np.random.default_rng(7)
    ground = dice.integers(90, 130, (HEIGHT, WIDTH, 3))
    y, x = np.mgrid[:SIDE, :SIDE]
    square = np.where(((x // 6 + y // 6) % 2)[..., None] == 0, (230, 60, 40), (250, 230, 60))
    made = []
    for number in range(frames):
        share = number / (frames - 1)
        left = round(6 + share * (WIDTH - SIDE - 12))
        top = round((HEIGHT - SIDE) / 2 * (1 + 0.8 * np.sin(4 * share)))
        image = ground + dice.integers(-8, 9, ground.shape)
        image[top : top + SIDE, left : left + SIDE] = square
        path = folder / f"{number:06d}.png"
        Image.fromarray(image.clip(0, 255).astype(np.uint8)).save(path)
        box = (float(left), float(top), float(left + SIDE), float(top + SIDE))
        made.append(DemoFrame(path, number, (Instance("square", box),)))
    return DataSet(name, WIDTH, HEIGHT, ("square",), tuple(made))
