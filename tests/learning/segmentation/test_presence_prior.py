import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.learning.segmentation.presence_prior import MAX_ABSENCE_LOG_ODDS, penalty
from backend.types import Frame, Instance, LabeledFrame


def at(order: float | None, *drawn: str) -> LabeledFrame:
    frame = Frame(1, np.zeros((4, 4, 3), np.uint8), 4, 4, order)
    return LabeledFrame(frame, tuple(Instance(label, (0, 0, 2, 2)) for label in drawn))


def test_nobody_knows() -> None:
    assert penalty(3.0, [], ("a", "b")).tolist() == [0, 0]
    assert penalty(3.0, [at(None)], ("a",)).tolist() == [0]
    assert penalty(3.0, [at(1.0)], ()).shape == (0,)


@pytest.mark.parametrize("order", [-5.0, 2.0, 4.0, 99.0])
def test_between_and_beyond_frames_without_it(order: float) -> None:
    assert penalty(order, [at(5.0), at(1.0)], ("a",)).tolist() == [MAX_ABSENCE_LOG_ODDS]


@pytest.mark.parametrize("order", [-5.0, 2.0, 99.0])
def test_between_and_beyond_frames_with_it(order: float) -> None:
    assert penalty(order, [at(1.0, "a"), at(5.0, "a")], ("a",)).tolist() == [0]


def test_each_label_for_itself() -> None:
    assert penalty(3.0, [at(1.0, "a"), at(5.0, "a")], ("a", "b")).tolist() == [0, MAX_ABSENCE_LOG_ODDS]


def test_only_the_next_ones_count() -> None:
    frames = [at(0.0, "a"), at(10.0), at(20.0), at(30.0, "a")]
    assert penalty(15.0, frames, ("a",)).tolist() == [MAX_ABSENCE_LOG_ODDS]


def test_beside_a_frame_that_lacks_it() -> None:
    assert penalty(10.0, [at(10.0), at(20.0, "a")], ("a",)).tolist() == [MAX_ABSENCE_LOG_ODDS]


@given(st.floats(0.0, 10.0), st.floats(0.0, 10.0))
def test_the_nearer_to_where_it_lacks_the_more_is_lost(one: float, other: float) -> None:
    frames = [at(0.0), at(10.0, "a")]
    nearer, farther = sorted((one, other))
    [more], [less] = penalty(nearer, frames, ("a",)), penalty(farther, frames, ("a",))
    assert 0 <= less <= more <= MAX_ABSENCE_LOG_ODDS
    assert less == 0 or farther < 5
