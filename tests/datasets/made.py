"""Made-up data sets, written and read again."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from backend.datasets import Item, Names, Planned, Step, format_of, write
from backend.datasets.pictures import ArrayPicture
from backend.instances import ABSENT, ORIGINS, Instances

LABELS = ("square", "Ölkännchen 🛢", "a: b # c", "'yes'")
POINTS = ("nose", "尾", "left, ear")
CLASSES = ("in the den", "train", "con", "a/b")
texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12)


def picture(width: int, height: int, seed: int = 0) -> ArrayPicture:
    return ArrayPicture(lambda: np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8))


@st.composite
def boxes(draw: st.DrawFn, width: int, height: int) -> tuple[float, float, float, float]:
    x0, y0 = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    x1, y1 = draw(st.integers(x0 + 1, width)), draw(st.integers(y0 + 1, height))
    return float(x0), float(y0), float(x1), float(y1)


@st.composite
def instances(draw: st.DrawFn, width: int, height: int, masks: bool = True, points: bool = True) -> Instances:
    n = draw(st.integers(0, 3))
    found = [draw(boxes(width, height)) for _ in range(n)]
    names = POINTS if points else ()
    whole = np.zeros((n, height, width) if masks and n else (n, 0, 0), np.bool_)
    if masks:
        for row, (x0, y0, x1, y1) in enumerate(found):
            bits = np.random.default_rng(draw(st.integers(0, 99))).random((height, width)) < 0.7
            whole[row, int(y0) : int(y1), int(x0) : int(x1)] = bits[int(y0) : int(y1), int(x0) : int(x1)]
    seen = np.array([[draw(st.integers(0, 2)) for _ in names] for _ in range(n)], np.uint8).reshape(n, len(names))
    xy = np.array([[(draw(st.integers(0, width)), draw(st.integers(0, height))) for _ in names] for _ in range(n)])
    xy = np.where((seen != ABSENT)[..., None], xy.reshape(n, len(names), 2).astype(float), np.nan)
    return Instances(
        found, [draw(st.sampled_from(LABELS)) for _ in range(n)], [draw(st.sampled_from((0.25, 1.0))) for _ in range(n)],
        whole, xy, (seen != ABSENT) * 0.5, seen, names, [draw(st.integers(-1, 3)) for _ in range(n)],
        [draw(st.sampled_from(ORIGINS)) for _ in range(n)], [draw(st.sampled_from(("", "label v4"))) for _ in range(n)],
        [draw(st.sampled_from(({}, {"mood": "glad"}))) for _ in range(n)],
    )  # fmt: skip


@st.composite
def items(draw: st.DrawFn, masks: bool = True, points: bool = True) -> list[Item]:
    """Frames of one or two groups, of odd sizes, some empty, with any names."""
    found = []
    for group in draw(st.lists(texts, min_size=1, max_size=2, unique=True)):
        for number in range(draw(st.integers(1, 3))):
            width, height = draw(st.integers(1, 33)), draw(st.integers(1, 33))
            objects = draw(instances(width, height, masks, points))
            classes = draw(st.lists(st.sampled_from(CLASSES), max_size=2, unique=True))
            frame = (0.0, 0.0, float(width), float(height))
            of_frame = Instances([frame] * len(classes), classes, [0.75] * len(classes))
            found.append(
                Item(
                    group,
                    f"{number}",
                    width,
                    height,
                    objects,
                    of_frame,
                    number=number,
                    picture=picture(width, height, number),
                    about={"task": number},
                )
            )
    return found


def planned(frames: Iterable[Item], stamp: str = "") -> list[Planned]:
    return [Planned(one.group, one.name, lambda one=one: one, stamp) for one in frames]


def written(
    name: str, out: Path, frames: Sequence[Item], splits: Mapping[str, str] | None = None, **more: Any
) -> list[Step]:
    points = {name for one in frames for name in one.objects.keypoint_names}
    names = Names(LABELS, POINTS if points and points <= set(POINTS) else ())
    return list(write(format_of(name), out, planned(frames, **more), names, splits or {}, {}))
