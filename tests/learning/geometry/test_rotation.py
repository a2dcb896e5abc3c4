import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.learning.geometry.rotation import has_turned, overlaps, upright
from backend.types import Frame, Instance, LabeledFrame

IMAGE = np.zeros((1, 1, 3), np.uint8)


def box(width: float, height: float, angle: float = 0.0, x: float = 50.0, y: float = 50.0) -> Instance:
    return Instance("ship", (x - width / 2, y - height / 2, x + width / 2, y + height / 2), angle=angle)


def frame(*instances: Instance) -> LabeledFrame:
    return LabeledFrame(Frame(1, IMAGE, 100, 100), instances)


def test_nothing_overlaps_nothing() -> None:
    assert overlaps([], []).shape == (0, 0)
    assert overlaps([box(4, 4, 20)], []).shape == (1, 0)


def test_turned_boxes_overlap_as_they_are_turned() -> None:
    assert overlaps([box(10, 10)], [box(10, 10, 45)])[0, 0] == pytest.approx(2**-0.5, abs=1e-4)
    assert overlaps([box(60, 4, 44)], [box(60, 4, -44)])[0, 0] < 0.05
    assert overlaps([box(60, 4, 30)], [box(60, 4, 30, x=54)])[0, 0] < 0.4
    assert overlaps([box(10, 10, 30)], [box(10, 10, 30, x=90)])[0, 0] == 0.0
    assert overlaps([box(0, 0, 30)], [box(0, 0, 30)])[0, 0] == 0.0


@given(st.floats(1, 60), st.floats(1, 60), st.floats(-44.9, 45), st.floats(-44.9, 45))
def test_overlap_is_the_same_both_ways_and_whole_with_itself(w: float, h: float, one: float, two: float) -> None:
    a, b = box(w, h, one), box(h, w, two, x=52)
    assert overlaps([a], [a])[0, 0] == pytest.approx(1, abs=1e-3)
    assert overlaps([a], [b])[0, 0] == pytest.approx(overlaps([b], [a])[0, 0], abs=1e-3)
    assert 0 <= overlaps([a], [b])[0, 0] <= 1 + 1e-4


@pytest.mark.parametrize(
    ("angles", "turned"),
    [
        ((), False),
        ((0, 0, 0), False),
        ((40, 40), False),
        ((4, 4, 4, 4), False),
        ((30, -20, 10), True),
        ((30, -20, 10, *[0] * 27), True),
        ((30, -20, 10, *[0] * 28), False),
    ],
)
def test_a_group_is_turned_where_more_than_a_few_boxes_are_by_more_than_a_few_degrees(
    angles: tuple[float, ...], turned: bool
) -> None:
    assert has_turned([frame(box(9, 9, angle)) for angle in angles]) is turned


def test_the_upright_box_lies_around_the_turned_one_and_in_the_image() -> None:
    as_it_was = frame(box(9, 9))
    assert upright(as_it_was) is as_it_was
    [square] = upright(frame(box(10, 10, 45))).instances
    assert square.box == pytest.approx((50 - 50**0.5, 50 - 50**0.5, 50 + 50**0.5, 50 + 50**0.5))
    assert square.angle == 0.0
    [cut] = upright(frame(box(10, 10, 45, x=0))).instances
    assert cut.box[0] == 0.0
