"""The order of a look, and the one score that must be in this order and honest at once."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.loop.data.acquisition import FRAMES_AHEAD, Places, diverse, in_order, order, places, shift, shifted

NOWHERE = places([], [])
LINE = places([float(n) for n in range(11)], [None] * 11)


def test_no_frame_at_all() -> None:
    assert diverse(NOWHERE, [], 5) == []
    assert order([], NOWHERE, [], []) == []
    assert in_order([]) == []
    assert shift([]) == 0.0
    assert shifted([], 1.0) == []


def test_one_frame() -> None:
    alone = places([3.0], [np.ones(4, np.float16)])
    assert diverse(alone, [], 5) == [0]
    assert order([0.5], alone, [0], []) == [0]
    assert in_order([0.5]) == [pytest.approx(0.5, abs=1e-3)]


def test_frames_without_time_or_features_are_all_equally_far() -> None:
    unknown = places([None, 1.0, 2.0], [np.ones(4, np.float16), None, None])
    assert (unknown.times, unknown.features) == (None, None)
    assert unknown.distances(1).tolist() == [[1, 0, 1]]
    assert sorted(diverse(unknown, [], 9)) == [0, 1, 2]


def test_frames_that_all_look_the_same_and_lie_at_one_time() -> None:
    same = places([1.0] * 4, [np.ones(3, np.float16)] * 4)
    assert (same.times, same.features) == (None, None)
    assert len(diverse(same, [], 3)) == 3


def test_vectors_of_two_backbones_are_not_compared() -> None:
    assert places([1.0, 2.0], [np.ones(3, np.float16), np.ones(4, np.float16)]).features is None


def test_the_first_frames_are_spread_over_time() -> None:
    assert diverse(LINE, [], 3) == [5, 0, 10]
    assert diverse(LINE, [0], 2) == [10, 5]


def test_the_first_frames_look_different() -> None:
    looks = [np.array(v, np.float16) for v in ([0, 0], [0.1, 0], [5, 0], [5, 0.1], [0, 5])]
    found = diverse(places([None] * 5, looks), [], 3)
    assert {n // 2 for n in found} == {0, 1, 2}


@given(st.integers(1, 30), st.integers(1, 10), st.randoms(use_true_random=False))
def test_each_pick_covers_at_least_as_much_as_the_next(size: int, most: int, random: object) -> None:
    rng = np.random.default_rng(size)
    where = places(rng.permutation(size).astype(float).tolist(), list(rng.normal(size=(size, 3)).astype(np.float16)))
    found = diverse(where, [], most)
    assert len(found) == len(set(found)) == min(size, most)
    near = [np.min([where.distances(j) for j in found[: n + 1]], axis=0) for n in range(len(found))]
    radius = [float(kinds.mean(axis=0).max()) for kinds in near]
    assert all(a >= b for a, b in pairwise(radius))


def test_doubt_comes_first() -> None:
    assert order([0.9, 0.1, 0.5], places([None] * 3, [None] * 3), [0, 1, 2], []) == [1, 2, 0]


def test_a_frame_just_like_a_labelled_one_waits_for_others_of_nearly_its_doubt() -> None:
    where = places([0.0, 1.0, 100.0], [None] * 3)
    assert order([0.4, 0.5], where, [1, 2], [0]) == [2, 1], "0.5 far away before 0.6 next to a labelled one"
    assert order([0.2, 0.95], where, [1, 2], [0]) == [1, 2], "but not 0.05 before 0.8"


def test_a_frame_is_near_where_time_says_so_whatever_it_looks_like() -> None:
    looks = [np.array(v, np.float16) for v in ([0, 0], [9, 0], [0, 9], [9, 9])]
    where = places([0.0, 1.0, 60.0, 100.0], looks)
    assert order([0.4, 0.5, 0.5], where, [1, 2, 3], [0])[-1] == 1


def test_of_a_run_of_doubtful_frames_one_is_looked_at_and_the_next_runs_before_its_neighbours() -> None:
    n = 100
    doubtful = {**dict.fromkeys(range(20, 30), 0.3), **dict.fromkeys(range(70, 80), 0.4)}
    found = order([doubtful.get(i, 0.9) for i in range(n)], places([float(i) for i in range(n)], [None] * n),
                  list(range(n)), [])  # fmt: skip
    assert 20 <= found[0] < 30
    assert 70 <= found[1] < 80


def test_what_comes_after_the_frames_picked_ahead_follows_by_its_doubt() -> None:
    n = FRAMES_AHEAD + 30
    probabilities = np.linspace(0.2, 0.8, n)
    rest = order(probabilities.tolist(), places([float(i) for i in range(n)], [None] * n), list(range(n)), [])[
        FRAMES_AHEAD:
    ]
    assert rest == sorted(rest)


def test_a_near_duplicate_of_what_was_just_picked_waits() -> None:
    where = places([0.0, 50.0, 51.0, 100.0], [None] * 4)
    assert order([0.10, 0.12, 0.4], where, [1, 2, 3], [0]) == [1, 3, 2]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=FRAMES_AHEAD + 20), st.integers(0, 5))
def test_every_open_frame_is_in_the_order_once(probabilities: list[float], labelled: int) -> None:
    n = len(probabilities)
    where = places([float(i) for i in range(n + labelled)], [None] * (n + labelled))
    assert sorted(order(probabilities, where, list(range(n)), list(range(n, n + labelled)))) == list(range(n))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=80))
def test_published_scores_rise_along_the_order_and_keep_the_mean(wanted: list[float]) -> None:
    scores = in_order(wanted)
    assert all(a < b for a, b in pairwise(scores)), "Label Studio hands out equal ones in any order"
    assert all(0 <= score <= 1 for score in scores)
    assert np.mean(scores) == pytest.approx(np.mean(wanted), abs=2e-4)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=80))
def test_probabilities_that_are_in_order_already_are_published_as_they_are(wanted: list[float]) -> None:
    assert in_order(sorted(wanted)) == pytest.approx(sorted(wanted), abs=2e-4)


def error_of_calibration(scores: np.ndarray, right: np.ndarray, bins: int = 10) -> float:
    """Mean difference of score and share of right ones over bins of as many frames each."""
    parts = np.array_split(np.argsort(scores), bins)
    return float(np.mean([abs(scores[p].mean() - right[p].mean()) for p in parts]))


@pytest.mark.parametrize("seed", range(5))
def test_the_published_score_stays_honest(seed: int) -> None:
    """A synthetic group of 400 frames whose probabilities are right: doubt drifts in time, as in a film."""
    rng = np.random.default_rng(seed)
    n = 400
    drift = np.convolve(rng.normal(size=n + 20), np.ones(21) / 4.5, "valid")
    probabilities = 1 / (1 + np.exp(-(1.0 + 1.5 * drift)))
    right = rng.random(n) < probabilities
    labelled = list(range(0, n, 40))
    open_ = [i for i in range(n) if i not in labelled]
    where = places([float(i) for i in range(n)], [None] * n)
    found = order(probabilities[open_].tolist(), where, open_, labelled)
    scores = np.array(in_order([float(probabilities[i]) for i in found]))
    plain = error_of_calibration(probabilities[open_], right[open_])
    blended = error_of_calibration(scores, right[found])
    assert blended <= plain + 0.03, "what the order costs"
    assert blended <= 0.12
    assert np.abs(scores - probabilities[found]).max() <= 0.5 * (1 - probabilities.min())
    assert np.abs(scores - probabilities[found]).mean() <= 0.06


@pytest.mark.parametrize("bias", [-2.0, -0.5, 0.0, 1.0])
def test_reviews_make_biased_probabilities_honest(bias: float) -> None:
    rng = np.random.default_rng(1)
    true = rng.uniform(0.1, 0.95, 400)
    told = np.array(shifted(true.tolist(), bias))
    by = shift([(float(p), bool(rng.random() < t)) for p, t in zip(told, true, strict=True)])
    assert by == pytest.approx(-bias, abs=0.35)
    assert np.mean(shifted(told.tolist(), by)) == pytest.approx(true.mean(), abs=0.04)


def test_one_review_moves_little_and_none_moves_nothing() -> None:
    assert -0.7 < shift([(0.5, False)]) < 0 < shift([(0.5, True)]) < 0.7
    assert abs(shift([(1.0, True)])) < 0.01
    assert shifted([0.0, 0.3, 1.0], 0.0) == pytest.approx([0.0, 0.3, 1.0], abs=1e-3)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=50))
def test_a_shift_is_bounded_by_its_reviews(reviews: list[tuple[float, bool]]) -> None:
    by = shift(reviews)
    assert abs(by) <= len(reviews)
    moved = shifted([0.2, 0.6], by)
    assert 0 < moved[0] < moved[1] < 1 or abs(by) > 20


def test_distances_are_shares() -> None:
    rng = np.random.default_rng(0)
    where = places(list(range(50)), list(rng.normal(size=(50, 8)).astype(np.float16)))
    assert isinstance(where, Places)
    assert all(0 <= where.distances(i).min() <= where.distances(i).max() <= 1 for i in range(50))
