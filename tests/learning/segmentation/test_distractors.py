import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.learning.segmentation.distractors import DISTRACTOR_LOGIT
from backend.learning.segmentation.distractors import suppress_distractors as suppress_along
from backend.learning.segmentation.flow import Floats, FlowFrame, flows_between

SIDE = 24
Square = tuple[int, int]
"""Left and top corner of a part of 6 x 6 pixels."""


def suppressed(steps: list[FlowFrame]) -> list[Floats]:
    return suppress_along(steps, flows_between(steps))


def step(*squares: Square, drawn: bool = False, label: int = 0, labels: int = 1) -> FlowFrame:
    odds = np.full((labels, SIDE, SIDE), -3.0, np.float32)
    for x, y in squares:
        odds[label, y : y + 6, x : x + 6] = 3.0
    return FlowFrame(np.zeros((SIDE // 2, SIDE // 2), np.uint8), odds, drawn)


def left(steps: list[FlowFrame], label: int = 0) -> list[list[Square]]:
    """The squares whose middle is still part of a mask."""
    corners = [(x, y) for y in range(0, SIDE, 6) for x in range(0, SIDE, 6)]
    return [[(x, y) for x, y in corners if one[label, y + 3, x + 3] > 0] for one in suppressed(steps)]


def test_what_comes_into_sight_far_from_all_that_was_drawn_is_doubted() -> None:
    steps = [step((0, 0), drawn=True), step((0, 0)), step((0, 0), (18, 18)), step((0, 0), (18, 18))]
    assert left(steps) == [[(0, 0)]] * 4
    assert suppressed(steps)[3][0, 20, 20] == DISTRACTOR_LOGIT
    assert steps[3].odds[0, 20, 20] == 3.0  # what came in is left as it was


def test_what_a_person_drew_is_known_before_and_after() -> None:
    assert (
        left([step((0, 0), (18, 18)), step((0, 0), (18, 18), drawn=True), step((0, 0), (18, 18))])
        == [[(0, 0), (18, 18)]] * 3
    )


def test_a_part_that_splits_off_is_known() -> None:
    whole = step((0, 0), (6, 0), (12, 0), drawn=True)
    assert left([whole, step((0, 0), (12, 0)), step((0, 0), (12, 0))])[2] == [(0, 0), (12, 0)]


def test_as_many_parts_as_were_ever_drawn_are_kept_the_largest_first() -> None:
    two = step((0, 0), (12, 0), drawn=True)
    after = step((0, 0), (6, 18), (12, 18), (0, 18))  # the second one is gone, and three new ones hang together
    assert left([two, step((0, 0)), after])[2] == [(0, 0), (0, 18), (6, 18), (12, 18)]
    apart = step((0, 0), (18, 18), (0, 18), (6, 18))
    assert left([two, step((0, 0)), apart])[2] == [(0, 0), (0, 18), (6, 18)]


def test_where_nothing_is_known_in_a_frame_nothing_is_doubted() -> None:
    assert left([step((0, 0), drawn=True), step((18, 18))]) == [[(0, 0)], [(18, 18)]]


@pytest.mark.parametrize("steps", [[], [step((0, 0), (18, 18))], [step((0, 0), (18, 18)), step((0, 0))]])
def test_without_a_drawn_frame_nothing_is_doubted(steps: list[FlowFrame]) -> None:
    assert all(np.array_equal(one, was.odds) for one, was in zip(suppressed(steps), steps, strict=True))


def test_an_empty_drawing_says_nothing_of_what_is_elsewhere() -> None:
    assert left([step(drawn=True), step((0, 0), (18, 18))])[1] == [(0, 0), (18, 18)]


def test_frames_that_do_not_follow_one_another_tell_nothing() -> None:
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, (SIDE, SIDE), np.uint8) for _ in range(2)]
    drawn, later = step((0, 0), drawn=True), step((0, 0), (18, 18))
    steps = [FlowFrame(grey, one.odds, one.drawn) for grey, one in zip(noise, (drawn, later), strict=True)]
    assert left(steps)[1] == [(0, 0), (18, 18)]


def test_a_part_is_known_where_it_moved_to() -> None:
    rng = np.random.default_rng(0)
    ground = cv2.GaussianBlur(rng.random((SIDE, 4 * SIDE)).astype(np.float32), (0, 0), 2)
    ground = (255 * (ground - ground.min()) / np.ptp(ground)).astype(np.uint8)
    greys = [
        np.ascontiguousarray(ground[: SIDE // 2, x : x + SIDE]) for x in (8, 4)
    ]  # all moves 4 flow pixels to the right
    wide = [np.full((1, SIDE, 2 * SIDE), -3.0, np.float32) for _ in range(2)]
    wide[0][0, 6:12, 4:10] = wide[1][0, 6:12, 12:18] = wide[1][0, 6:12, 40:46] = 3.0
    steps = [FlowFrame(greys[0], wide[0], True), FlowFrame(greys[1], wide[1], False)]
    [_, after] = suppressed(steps)
    assert (after[0, 8, 15], after[0, 8, 43]) == (3.0, DISTRACTOR_LOGIT)


def test_frames_of_other_sizes_are_left_alone() -> None:
    odd = FlowFrame(np.zeros((4, 4), np.uint8), np.full((1, 8, 8), 3.0, np.float32), False)
    assert [one.shape for one in suppressed([step((0, 0), drawn=True), odd])] == [(1, SIDE, SIDE), (1, 8, 8)]


def test_labels_are_looked_at_by_themselves() -> None:
    drawn = step((0, 0), drawn=True, label=1, labels=2)
    later = step((18, 18), label=0, labels=2)
    later.odds[1] = step((0, 0), (18, 18)).odds[0]
    assert left([drawn, later], 0)[1] == [(18, 18)]
    assert left([drawn, later], 1)[1] == [(0, 0)]


squares = st.lists(st.tuples(st.integers(0, 18), st.integers(0, 18)), max_size=4)


@given(st.lists(st.tuples(squares, st.booleans()), max_size=5))
def test_masks_only_shrink_and_drawn_ones_stay(frames: list[tuple[list[Square], bool]]) -> None:
    steps = [step(*places, drawn=drawn) for places, drawn in frames]
    for one, was in zip(suppressed(steps), steps, strict=True):
        assert ((one > 0) <= (was.odds > 0)).all()
        assert not was.drawn or np.array_equal(one, was.odds)
