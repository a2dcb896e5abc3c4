import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.learning.tracking.rules import TrackerRules
from backend.learning.tracking.smoothing import Trajectory
from backend.learning.tracking.smoothing import smooth as smooth_by


def smooth(tracks: list[Trajectory]) -> list[np.ndarray]:
    return smooth_by(tracks, TrackerRules())


def track(boxes: np.ndarray, times: np.ndarray | None = None, weights: np.ndarray | None = None) -> Trajectory:
    count = len(boxes)
    return Trajectory(
        np.arange(count, dtype=float) if times is None else times,
        np.asarray(boxes, float),
        np.ones(count) if weights is None else weights,
    )


def walk(count: int, step: tuple[float, float] = (3.0, 1.0), side: float = 40.0) -> np.ndarray:
    """Boxes that move evenly."""
    corner = 100 + np.arange(count)[:, None] * np.array(step)
    return np.concatenate([corner, corner + side], 1)


def error(boxes: np.ndarray, truth: np.ndarray) -> float:
    return float(np.sqrt(np.square(boxes - truth).mean()))


def test_no_track_and_tracks_too_short_to_judge() -> None:
    assert smooth([]) == []
    for count in (1, 2):
        [found] = smooth([track(walk(count))])
        assert found == pytest.approx(walk(count))


@given(st.integers(3, 40), st.tuples(st.floats(-20, 20), st.floats(-20, 20)), st.floats(5, 300))
def test_what_moves_evenly_stays_as_it_is(count: int, step: tuple[float, float], side: float) -> None:
    boxes = walk(count, step, side)
    [found] = smooth([track(boxes)])
    assert found == pytest.approx(boxes, abs=1e-6 * (abs(boxes).max() + 1))


@given(st.lists(st.floats(0.5, 5), min_size=2, max_size=20))
def test_uneven_times_are_no_acceleration(gaps: list[float]) -> None:
    times = np.concatenate([[0.0], np.cumsum(gaps)])
    boxes = np.array([[10 + 4 * t, 20 - t, 50 + 4 * t, 60 - t] for t in times])
    [found] = smooth([track(boxes, times)])
    assert found == pytest.approx(boxes, abs=1e-6)


def test_trembling_is_taken_out() -> None:
    truth, deviation = walk(60, side=40.0), 0.8 * TrackerRules().box_noise * 40.0
    seen = truth + np.random.default_rng(0).normal(0, deviation, truth.shape)
    [found] = smooth([track(seen)])
    assert error(found, truth) < 0.6 * error(seen, truth)


def test_what_moves_wildly_is_left_alone() -> None:
    wild = walk(60) + np.repeat(np.random.default_rng(0).normal(0, 20, (60, 2)), 2, 0).reshape(60, 4)[:, [0, 1, 0, 1]]
    [found] = smooth([track(wild)])
    assert error(found, wild) < 2


def test_a_jump_to_another_place_stays_a_jump() -> None:
    truth = walk(40, step=(1.0, 0.0))
    truth[20:] += 120
    seen = truth + np.random.default_rng(1).normal(0, 1, truth.shape)
    [found] = smooth([track(seen)])
    assert np.abs(found - truth).max() < 8


def test_what_a_person_drew_pulls_its_neighbours_to_its_outline() -> None:
    truth = walk(21)
    narrow = truth + np.array([6.0, 6.0, -6.0, -6.0])  # what the network sees
    weights = np.ones(21)
    drawn = [5, 10, 15]
    narrow[drawn], weights[drawn] = truth[drawn], 100.0
    [found] = smooth([track(narrow, weights=weights)])
    assert error(found[drawn], truth[drawn]) < 0.5
    between = [6, 7, 8, 9, 11, 12, 13, 14]
    assert error(found[between], truth[between]) < 0.5 * error(narrow[between], truth[between])
    assert error(found[[0, 20]], truth[[0, 20]]) > error(found[[6, 14]], truth[[6, 14]])


def test_guesses_follow_what_was_seen() -> None:
    boxes, weights = walk(9), np.ones(9)
    boxes[4] += 10
    weights[4] = 0.01
    [found] = smooth([track(boxes, weights=weights)])
    assert found[4] == pytest.approx(walk(9)[4], abs=2)
