"""Frames with several boxes each, made from nothing; each box has a class that its picture or its place tells."""

from collections.abc import Callable, Sequence

import numpy as np

from backend.types import Box, Frame, Instance, LabeledFrame

LABELS = ("plain", "striped")
SIDES = ("left", "right")
SHAPES = ("standing", "lying")
WIDTH, HEIGHT = 160, 120

Rule = Callable[[Box, bool], str]
"""(box, whether it is striped) -> class"""


def by_picture(box: Box, striped: bool) -> str:
    return LABELS[striped]


def by_side(box: Box, striped: bool) -> str:
    return SIDES[(box[0] + box[2]) / 2 > WIDTH / 2]


def by_shape(box: Box, striped: bool) -> str:
    return SHAPES[box[2] - box[0] > box[3] - box[1]]


def frame(at: int, rule: Rule = by_picture, boxes: int = 4) -> LabeledFrame:
    rng = np.random.default_rng(at)
    image = rng.integers(90, 110, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    found = []
    for n in range(boxes):
        wide, high = (34, 18) if rng.random() < 0.5 else (18, 34)
        x0, y0 = int(rng.integers(0, WIDTH - wide)), int(rng.integers(0, HEIGHT - high))
        striped, box = bool(rng.random() < 0.5), (float(x0), float(y0), float(x0 + wide), float(y0 + high))
        image[y0 : y0 + high, x0 : x0 + wide] = (60, 120, 200)
        if striped:
            image[y0 : y0 + high : 4, x0 : x0 + wide] = (240, 240, 60)
        found.append(Instance(rule(box, striped), box, region_id=f"r{at}.{n}"))
    return LabeledFrame(Frame(at, image, WIDTH, HEIGHT, float(at)), tuple(found))


def crowd(count: int, rule: Rule = by_picture) -> Sequence[LabeledFrame]:
    return [frame(at, rule) for at in range(count)]
