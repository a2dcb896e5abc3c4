import numpy as np
import pytest

from backend.explain.curve import Curve, many_laws, one_law
from backend.explain.experiment import Trial, error, example, trial


def test_nothing_tried_finds_nothing() -> None:
    tried = trial(0, many_laws, (), 3)
    assert tried.typical() == []
    assert tried.local_wins() == ()


def test_without_labels_the_error_is_that_of_saying_nothing() -> None:
    tried = trial(0, one_law, (0,), 2)
    assert (tried.one_for_all == tried.one_a_group).all()
    assert tried.local_wins() == ()


def test_the_error_of_the_truth_is_none_and_of_a_shift_the_shift() -> None:
    curve = Curve(np.ones(2), np.ones(2), np.zeros(2))
    assert error(curve.values, curve) == 0
    assert error(lambda x: curve.values(x) - 0.25, curve) == pytest.approx(0.25)


def test_typical_errors_are_geometric_means() -> None:
    tried = Trial((8, 9), np.array([[1.0, 1.0], [4.0, 1.0]]), np.array([[1.0, 4.0], [1.0, 9.0]]))
    assert tried.typical() == [(8, pytest.approx(2.0), 1.0), (9, 1.0, pytest.approx(6.0))]
    assert tried.local_wins() == (8,)


def test_a_seed_repeats_it() -> None:
    first, again, other = (trial(seed, many_laws, (8,), 2).one_for_all for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_what_the_picture_claims() -> None:
    """Where groups differ, small overfitted models need fewer labels; where they do not, one model for all does."""
    counts = (24, 40, 80, 160)
    assert trial(7, many_laws, counts, 12).local_wins() == counts
    assert trial(7, one_law, counts, 12).local_wins() == ()


def test_the_example_is_a_typical_one() -> None:
    curve, labels = example(0, many_laws, 40, 5)
    again, _ = example(0, many_laws, 40, 5)
    assert len(labels) == 40
    assert (curve.cycles == again.cycles).all()
