import numpy as np
import pytest

from backend.learning.classification.kernels import distances, near_in_time, seen_alike, spread


def test_one_frame() -> None:
    alike = seen_alike(distances({"a": np.ones((1, 3))}, ("a",)))
    assert alike == pytest.approx(1)
    assert spread(alike) == pytest.approx(1)
    assert near_in_time(np.array([5.0]), 3.0) == pytest.approx(1)


def test_equal_frames_are_fully_alike() -> None:
    assert seen_alike(distances({"a": np.ones((3, 2))}, ("a",))) == pytest.approx(1)


def test_likeness_spreads_along_a_chain() -> None:
    chain = np.arange(30, dtype=float)[:, None]
    islands = np.concatenate([chain, chain + 100])
    alike = seen_alike(distances({"a": islands}, ("a",)))
    spreaded = spread(alike)
    assert np.allclose(spreaded, spreaded.T)
    assert spreaded[0, 29] / alike[0, 29] > spreaded[0, 30] / alike[0, 30] - 1e-9
    assert np.linalg.eigvalsh(spreaded).min() > -1e-9


def test_unknown_times_are_near_to_none_but_themselves() -> None:
    near = near_in_time(np.array([0.0, 10.0, 20.0, np.nan]), 2.0)
    assert near[0, 1] == pytest.approx(np.exp(-0.5))
    assert near[3] == pytest.approx([0, 0, 0, 1])
