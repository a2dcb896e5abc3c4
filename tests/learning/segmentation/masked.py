"""The clip of discs and squares, with masks."""

import dataclasses

import numpy as np

from backend.types import Instance, LabeledFrame
from tests.learning.synthetic import Clip, clip


def masked_clip(count: int = 12, discs: int = 1, squares: int = 0, seed: int = 0) -> Clip:
    plain = clip(count, discs=discs, squares=squares, seed=seed)
    return Clip(tuple(dataclasses.replace(one, instances=tuple(map(_masked, one.instances))) for one in plain.frames))


def rectangle(width: int, height: int, x0: int, y0: int, x1: int, y1: int, label: str = "disc") -> Instance:
    mask = np.zeros((height, width), bool)
    mask[y0:y1, x0:x1] = True
    return Instance(label, (x0, y0, x1, y1), mask=mask)


def _masked(instance: Instance, size: tuple[int, int] = (160, 120)) -> Instance:
    mask = np.zeros((size[1], size[0]), bool)
    x0, y0, x1, y1 = (int(v) for v in instance.box)
    rows, columns = np.mgrid[y0:y1, x0:x1]
    inside = (rows - y0 - 10.5) ** 2 + (columns - x0 - 10.5) ** 2 <= 121
    mask[y0:y1, x0:x1] = inside | (instance.label == "square")
    return dataclasses.replace(instance, mask=mask)


def without_objects(one: LabeledFrame) -> LabeledFrame:
    return dataclasses.replace(one, instances=())
