"""The object around the last first click is looked for once; each further click is asked of what those before it gave."""

from dataclasses import replace

import numpy as np
import pytest

from backend.learning.prompting.click_memory import MASKS_KEPT, ClickMemory
from backend.types import Frame, Mask

FRAME = Frame(1, np.zeros((4, 6, 3), np.uint8), 6, 4)


@pytest.mark.parametrize("found", [None, np.ones((4, 6), bool)])
def test_it_is_looked_for_where_frame_or_place_are_others_than_the_last_time(found: Mask | None) -> None:
    looked, click = list[str](), ClickMemory()
    bright = replace(FRAME, image=np.full_like(FRAME.image, 255))
    for name, frame, place in (
        ("first", FRAME, (2, 3)),
        ("decoded anew", replace(FRAME, image=FRAME.image.copy()), (2, 3)),
        ("elsewhere", FRAME, (3, 2)),
        ("another picture", bright, (3, 2)),
        ("the same of another size", replace(bright, width=12, height=8), (3, 2)),
        ("the one before", FRAME, (2, 3)),
    ):
        assert click.around(frame, place, lambda name=name: (looked.append(name), found)[1]) is found
    assert looked == ["first", "elsewhere", "another picture", "the same of another size", "the one before"]


def places(*points: tuple[int, int]) -> np.ndarray:
    return np.array(points, np.int64).reshape(-1, 2)


class Mending:
    """Adds one pixel each time, and remembers what it was asked of."""

    def __init__(self) -> None:
        self.asked = list[int]()

    def __call__(self, mask: Mask) -> Mask:
        self.asked.append(int(mask.sum()))
        found = mask.copy()
        found.ravel()[int(mask.sum())] = True
        return found


def test_each_click_is_asked_of_what_those_before_it_gave() -> None:
    memory, mend, base = ClickMemory(), Mending(), np.zeros((4, 6), bool)
    a, b, c = (1, 1), (2, 2), (3, 3)
    decoded_anew = replace(FRAME, image=FRAME.image.copy())
    for frame, inside, outside in (
        (FRAME, places(a), places(b)),
        (decoded_anew, places(a, c), places(b)),
        (FRAME, places(a), places(b, c)),  # one was taken back, another one made
        (FRAME, places(b, a), places()),  # these clicks begin none of the others
    ):
        memory.mended(frame, base, inside, outside, mend)
    assert mend.asked == [0, 1, 1, 0]


def test_of_another_picture_or_another_mask_nothing_is_remembered() -> None:
    memory, mend, base = ClickMemory(), Mending(), np.zeros((4, 6), bool)
    bright, other = replace(FRAME, image=np.full_like(FRAME.image, 255)), base.copy()
    other[3, 5] = True
    for frame, mask in ((FRAME, base), (bright, base), (bright, other), (FRAME, base)):
        memory.mended(frame, mask, places((1, 1)), places((2, 2)), mend)
    assert mend.asked == [0, 0, 1, 0]


def test_only_the_last_masks_are_kept() -> None:
    memory, mend, base = ClickMemory(), Mending(), np.zeros((4, 6), bool)
    for x in range(MASKS_KEPT + 1):
        memory.mended(FRAME, base, places((x, 0)), places(), mend)
    memory.mended(FRAME, base, places((0, 0), (1, 1)), places(), mend)
    memory.mended(FRAME, base, places((1, 0), (1, 1)), places(), mend)
    assert mend.asked == [0] * (MASKS_KEPT + 2) + [0]


def test_where_nothing_is_left_nothing_is_remembered() -> None:
    memory, asked, base = ClickMemory(), list[Mask](), np.zeros((4, 6), bool)
    for clicks in (places((1, 1)), places((1, 1), (2, 2))):
        assert memory.mended(FRAME, base, clicks, places(), asked.append) is None  # type: ignore[func-returns-value]
    assert all(mask is base for mask in asked)
