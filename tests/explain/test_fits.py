import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.explain.curve import GROUPS, Curve, Labels, many_laws, sample
from backend.explain.fits import STIFFEST, best_degree, leave_one_out, one_a_group, one_for_all, polynomial

EMPTY = Labels(np.zeros(0), np.zeros(0))
ONE = Labels(np.array([0.3]), np.array([2.0]))
X = np.linspace(0, 1, 50)
TWO_GROUPS = Curve(np.ones(2), np.ones(2), np.zeros(2))


def test_without_labels_both_say_nothing() -> None:
    assert (one_for_all(EMPTY)(X) == 0).all()
    assert (one_a_group(EMPTY, TWO_GROUPS)(X) == 0).all()


def test_one_label_is_the_answer_everywhere() -> None:
    assert one_for_all(ONE)(X) == pytest.approx(2.0)
    assert one_a_group(ONE, TWO_GROUPS)(X) == pytest.approx(2.0)


def test_a_group_without_labels_answers_the_mean_of_the_others() -> None:
    labels = Labels(np.array([0.1, 0.4]), np.array([1.0, 3.0]))
    found = one_a_group(labels, TWO_GROUPS)(np.array([0.1, 0.25, 0.4, 0.6, 0.9]))
    assert found.tolist() == pytest.approx([1, 2, 3, 2, 2])


@pytest.mark.parametrize("count", [1, 2, 3, 20, 100])
def test_a_constant_curve_is_found_constant(count: int) -> None:
    labels = Labels((np.arange(count) + 0.5) / count, np.full(count, -1.5))
    assert one_for_all(labels)(X) == pytest.approx(-1.5)
    assert one_a_group(labels, TWO_GROUPS)(X) == pytest.approx(-1.5)


@given(st.integers(0, 10_000), st.integers(1, STIFFEST + 1))
def test_the_local_ones_go_exactly_through_their_labels(seed: int, each: int) -> None:
    rng = np.random.default_rng(seed)
    curve = many_laws(rng)
    labels = sample(curve, each * GROUPS, rng, noise=0.5)
    assert one_a_group(labels, curve)(labels.x) == pytest.approx(labels.y, abs=1e-4)


def test_what_is_labelled_in_one_group_changes_nothing_in_another() -> None:
    x = np.array([0.1, 0.2, 0.4, 0.6, 0.7, 0.9])
    some, others = Labels(x, np.array([1, 2, 3, 4, 5, 6.0])), Labels(x, np.array([9, -9, 9, 4, 5, 6.0]))
    right = np.linspace(0.51, 0.99, 20)
    assert one_a_group(some, TWO_GROUPS)(right) == pytest.approx(one_a_group(others, TWO_GROUPS)(right))
    assert one_for_all(some)(right) != pytest.approx(one_for_all(others)(right))


@pytest.mark.parametrize("degree", [0, 1, 4])
def test_leave_one_out_is_what_leaving_each_out_gives(degree: int) -> None:
    rng = np.random.default_rng(degree)
    labels = Labels(np.sort(rng.random(9)), rng.normal(size=9))
    by_hand = []
    for n in range(9):
        others = Labels(np.delete(labels.x, n), np.delete(labels.y, n))
        by_hand.append((polynomial(others, degree, (0, 1))(labels.x[[n]])[0] - labels.y[n]) ** 2)
    assert leave_one_out(labels, 4)[degree] == pytest.approx(np.mean(by_hand))


def test_leave_one_out_of_twice_the_same_place_is_not_finite() -> None:
    # Two places cannot hold a parabola: whichever is left out, it is not told by the others.
    labels = Labels(np.array([0.2, 0.2, 0.8]), np.array([1.0, 1.0, 2.0]))
    assert leave_one_out(labels, 1).tolist()[1] == np.inf


@pytest.mark.parametrize(("labels", "degree"), [(EMPTY, 0), (ONE, 0), (Labels(np.array([0, 1.0]), np.ones(2)), 0)])
def test_too_few_labels_choose_a_constant(labels: Labels, degree: int) -> None:
    assert best_degree(labels) == degree


@given(st.integers(1, 6), st.integers(0, 10_000))
def test_the_degree_of_a_polynomial_is_found(degree: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = (np.arange(40) + rng.random(40)) / 40
    truth = np.polynomial.chebyshev.Chebyshev.basis(degree, domain=[0, 1])
    labels = Labels(x, truth(x) + rng.normal(0, 0.01, 40))
    assert degree <= best_degree(labels)
    between = X[(labels.x.min() < X) & (labels.x.max() > X)]  # beyond the last label a polynomial goes where it likes
    assert one_for_all(labels)(between) == pytest.approx(truth(between), abs=0.2)
