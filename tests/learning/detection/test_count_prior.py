import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.learning.detection.count_prior import (
    MAX_COUNT,
    NEIGHBOUR_FRAMES,
    UNSEEN_SHARE,
    no_more,
    nothing_missed,
    odds_in_time,
    odds_of_counts,
    odds_of_frames,
    vanished,
)


def signs(odds: list[float]) -> list[int]:
    return [int(np.sign(round(one, 6))) for one in odds]


@pytest.mark.parametrize(
    ("counts", "expected"), [([], [0]), ([1, 1, 1], [1, -1]), ([0, 2, 2], [1, 1, -1]), ([0, 0], [-1])]
)
def test_odds_of_counts(counts: list[int], expected: list[int]) -> None:
    assert signs(odds_of_counts(counts)) == expected


@given(st.lists(st.integers(0, 80), min_size=1, max_size=8), st.integers(0, 90))
def test_no_more_than_what_is_shown_is_the_surer_the_more_is_shown(counts: list[int], shown: int) -> None:
    odds = odds_of_counts(counts)
    assert 0 < no_more(odds, shown) <= no_more(odds, shown + 1) <= 1
    assert no_more(odds, max(counts)) == 1.0


def test_of_one_object_in_each_labelled_frame_none_is_seldom_all() -> None:
    odds = odds_of_counts([1] * 9)
    assert [no_more(odds, n) for n in (0, 1, 2)] == pytest.approx([0.05 / 0.95, 1.0, 1.0])


def test_frames_have_the_odds_of_their_time_else_those_of_the_training_else_none() -> None:
    known: list[tuple[float | None, int]] = [(0.0, 1), (9.0, 3)]
    assert odds_of_frames([1.0, 8.0], known, [2]) == odds_in_time([1.0, 8.0], [(0.0, 1), (9.0, 3)])
    assert odds_of_frames([1.0, None], known, [2]) == [odds_of_counts([2])] * 2
    assert odds_of_frames([1.0], [(None, 1)], [2]) == [odds_of_counts([2])]
    assert odds_of_frames([1.0], [], []) is None
    assert odds_of_frames([], [], [2]) == []


def test_in_a_crowd_one_more_or_less_says_nothing() -> None:
    assert signs(odds_of_counts([150, 140, 160])) == [1] * MAX_COUNT + [0]
    assert signs(odds_in_time([3], [(0, 150), (9, 160)])[0]) == [1] * MAX_COUNT + [0]
    assert signs(odds_of_counts([150, 3, 2, 1]))[-1] == -1


def test_one_labelled_frame_speaks_for_all_time() -> None:
    assert odds_in_time([0, 50, 99], [(50, 2)]) == [odds_of_counts([2])] * 3


def test_where_the_next_labelled_frames_agree_that_is_expected() -> None:
    early, late = odds_in_time([10, 90], [(0, 0), (20, 0), (80, 1), (100, 1)])
    assert signs(early) == [-1, -1]
    assert signs(late) == [1, -1]


def test_between_two_that_differ_the_nearer_one_counts_more() -> None:
    columns = odds_in_time(range(101), [(0, 0), (100, 1)])
    assert np.all(np.diff([odds[0] for odds in columns]) > 0)
    assert columns[50][0] == pytest.approx(0)


def test_many_labels_in_one_stretch_of_time_do_not_speak_for_another() -> None:
    # The doubtful frames were handed out first, and they were those with an object.
    labeled = [(20.0, 0), *((80.0 + i, 1) for i in range(20))]
    [empty] = odds_in_time([5], [*labeled])
    assert empty[0] < 0 < odds_of_counts([count for _, count in labeled])[0]


def test_two_labels_at_one_time() -> None:
    assert len(odds_in_time([3, 4], [(3, 1), (3, 0)])) == 2


@given(
    st.lists(st.floats(-1e6, 1e6), max_size=8),
    st.lists(st.tuples(st.floats(-1e6, 1e6), st.integers(0, 100)), min_size=1, max_size=8),
)
def test_more_instances_are_never_more_likely(orders: list[float], labeled: list[tuple[float, int]]) -> None:
    found = odds_in_time(orders, labeled)
    assert len(found) == len(orders)
    for odds in found:
        assert np.isfinite(odds).all()
        assert (np.diff(odds) <= 1e-9).all()


@pytest.mark.parametrize("before", [0.01, 0.5, 0.99])
def test_that_nothing_is_seen_says_that_nothing_is_there(before: float) -> None:
    assert before < nothing_missed(before) < 1
    assert (1 / nothing_missed(before) - 1) == pytest.approx((1 / before - 1) * UNSEEN_SHARE)


def test_what_is_certain_stays_so() -> None:
    assert (nothing_missed(0.0), nothing_missed(1.0)) == (0.0, 1.0)


def test_frames_show_less_than_neighbours_in_time_and_not_than_those_far_away() -> None:
    shown = [2, *[0] * 8, 3]
    expected = [0, *[2] * NEIGHBOUR_FRAMES, *[0] * (8 - 2 * NEIGHBOUR_FRAMES), *[3] * NEIGHBOUR_FRAMES, 0]
    assert vanished(range(10), shown).tolist() == expected
    assert vanished([-float(n) for n in range(10)], shown).tolist() == expected
    mixed = [7, 2, 0, 9, 4, 1, 5, 8, 3, 6]
    assert vanished(mixed, [shown[n] for n in mixed]).tolist() == [expected[n] for n in mixed]
    assert vanished([], []).tolist() == []
