"""Frames of two classes: a bright blob at the left, or two small ones at the right; the class stays for a while."""

from collections.abc import Sequence

import numpy as np

from backend.types import Frame, Instance, LabeledFrame

LABELS = ("one", "two")


def frame(at: int, kind: str, order: float | None = None, size: tuple[int, int] = (96, 64)) -> LabeledFrame:
    rng = np.random.default_rng(at)
    width, height = size
    image = rng.integers(90, 110, (height, width, 3)).astype(np.uint8)
    y = int(rng.integers(8, height - 24))
    if kind == "one":
        image[y : y + 16, 8:24] = (220, 60, 50)
    if kind == "two":
        image[y : y + 6, width - 30 : width - 8 : 2] = (40, 80, 230)
    box = (0.0, 0.0, float(width), float(height))
    return LabeledFrame(Frame(at, image, width, height, order), (Instance(kind, box),) if kind else ())


def clip(count: int = 24, ordered: bool = True) -> list[LabeledFrame]:
    return [frame(i, LABELS[i // 6 % 2], float(i) if ordered else None) for i in range(count)]


def split(frames: Sequence[LabeledFrame], *chosen: int) -> tuple[list[LabeledFrame], list[LabeledFrame]]:
    return [frames[i] for i in chosen], [one for i, one in enumerate(frames) if i not in chosen]
