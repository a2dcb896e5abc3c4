import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.learning.score import BOXES, IDENTITY, PlattScaling, frame_score

probability = st.floats(0, 1)
many = st.lists(probability, max_size=6)


def test_of_nothing_seen_in_a_group_of_which_nothing_is_known() -> None:
    assert frame_score([]) == 1.0


def test_each_region_each_candidate_left_out_and_the_count_must_be_right() -> None:
    assert frame_score([0.9, 0.8], [0.1], 0.5) == pytest.approx(0.9 * 0.8 * 0.9 * 0.5)


@given(many, many, probability, probability)
def test_it_is_a_probability_and_doubt_only_lowers_it(
    shown: list[float], rejected: list[float], no_more: float, doubt: float
) -> None:
    score = frame_score(shown, rejected, no_more)
    assert 0 <= score <= 1
    assert frame_score([*shown, doubt], rejected, no_more) <= score
    assert frame_score(shown, [*rejected, doubt], no_more) <= score
    assert frame_score(shown, rejected, no_more * doubt) <= score


@given(many)
def test_calibration_keeps_the_order_and_what_is_none_changes_nothing(scores: list[float]) -> None:
    array = np.sort(np.array(scores, float))
    for scaling in (BOXES.shown, BOXES.rejected, PlattScaling(0.5, 2.0)):
        scaled = scaling(array)
        assert ((scaled > 0) & (scaled < 1)).all()
        assert (np.diff(scaled) >= 0).all()
    assert np.array_equal(IDENTITY.shown(array), array)


def test_what_time_confirms_is_surer_than_the_network_says_and_what_it_rejects_is_less_so() -> None:
    doubtful = np.array([0.5])
    assert BOXES.shown(doubtful)[0] > 0.5 > BOXES.rejected(doubtful)[0]
