import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.explain.curve import GROUPS, Curve, grid, many_laws, one_law, sample

SEEDS = st.integers(0, 10_000)
FLAT = Curve(np.zeros(3), np.ones(3), np.zeros(3))


def test_no_labels_cost_nothing() -> None:
    assert len(sample(FLAT, 0, np.random.default_rng(0))) == 0


def test_a_constant_curve_is_constant() -> None:
    assert (FLAT.values(np.array([0.0, 0.5, 1.0])) == 0).all()


def test_both_ends_belong_to_a_group() -> None:
    assert FLAT.group_of(np.array([0.0, 1 / 3, 0.999, 1.0])).tolist() == [0, 1, 2, 2]


def test_a_wave_is_where_it_is_by_hand() -> None:
    quarter = Curve(np.array([2.0, 1.0]), np.array([0.25, 0.25]), np.array([0.0, np.pi / 2]))
    # The first group rises from 0 to 2 sin(90 degrees); the second goes on from there, down by 1.
    assert quarter.values(np.array([0.0, 0.25, 0.5, 1.0])).tolist() == pytest.approx([0, 2 * np.sin(np.pi / 4), 2, 1])


@given(SEEDS)
@pytest.mark.parametrize("law", [many_laws, one_law])
def test_curves_are_continuous_and_of_one_size(law: object, seed: int) -> None:
    curve = law(np.random.default_rng(seed))  # type: ignore[operator]
    assert np.std(curve.values(grid())) == pytest.approx(1.0)
    edges = curve.edges[1:-1]
    assert curve.values(edges - 1e-9) == pytest.approx(curve.values(edges + 1e-9), abs=1e-4)


@given(SEEDS)
def test_one_law_goes_through_all_groups_without_a_kink(seed: int) -> None:
    curve, step = one_law(np.random.default_rng(seed)), 1e-5
    edges = curve.edges[1:-1]
    before = (curve.values(edges - step) - curve.values(edges - 2 * step)) / step
    after = (curve.values(edges + 2 * step) - curve.values(edges + step)) / step
    assert before == pytest.approx(after, abs=0.05)
    assert np.abs(after).max() > 0.5


@given(st.integers(1, 200), SEEDS)
def test_each_stretch_of_the_axis_has_one_label_on_the_curve(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    curve = many_laws(rng)
    labels = sample(curve, count, rng, noise=0.0)
    assert (labels.x * count).astype(int).tolist() == list(range(count))
    assert labels.y == pytest.approx(curve.values(labels.x))


def test_labels_are_inexact_and_a_seed_repeats_them() -> None:
    first, again, other = (sample(FLAT, 400, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.std(first.y) == pytest.approx(0.02, rel=0.2)
    assert (first.y == again.y).all()
    assert (first.y != other.y).any()


def test_a_curve_has_the_groups_that_it_says() -> None:
    assert len(many_laws(np.random.default_rng(0)).edges) == GROUPS + 1
