import math

import numpy as np
import pytest

from backend.learning.pose.skeleton import (
    consistent_candidates,
    expected_places,
    fit_similarity,
    place_deviations,
    rotation_range,
)

SHAPE = np.array([[0.0, -0.4], [0.0, 0.4], [-0.2, 0.0], [0.2, 0.0], [0.0, 0.1]])


def _turned(angle: float, size: float = 1.0, at: tuple[float, float] = (0, 0)) -> np.ndarray:
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return np.asarray(size * SHAPE @ turn.T + at)


def _poses(count: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    poses = [np.c_[_turned(i) + rng.normal(0, 0.02, SHAPE.shape), np.ones(5)] for i in range(count)]
    return np.array(poses).reshape(-1, 5, 3)


def _candidates(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.repeat(places[:, None], 2, 1), np.tile([[0.9, 0.0]], (5, 1))


def test_without_poses_the_best_candidates_stay() -> None:
    places, scores = _candidates(SHAPE)
    found, sure = consistent_candidates(places, scores, _poses(0), place_deviations(_poses(0)), 1.0)
    assert (found == SHAPE).all()
    assert (sure == 0.9).all()


def test_similarities_are_found() -> None:
    a, b, left = fit_similarity(SHAPE, _turned(0.5, 3.0, (7, 2)), np.ones(5))
    assert (abs(a), math.atan2(a.imag, a.real)) == pytest.approx((3.0, 0.5))
    assert (b.real, b.imag, left) == pytest.approx((7, 2, 0), abs=1e-9)
    assert fit_similarity(SHAPE[:1], SHAPE[:1] + 1, np.ones(1))[0] == 1


def test_the_others_tell_where_a_point_is() -> None:
    places = _turned(1.2, 50, (100, 80))
    told, left = expected_places(2, np.where(np.arange(5)[:, None] == 2, 0.0, places), np.ones(5), _poses(4))
    assert told == pytest.approx(np.repeat(places[[2]], 4, 0), abs=6)
    assert (left < 3).all()


def test_an_outlier_gives_way_to_the_candidate_that_fits() -> None:
    right = _turned(0.8, 60, (90, 70))
    places, scores = _candidates(right)
    places[0, 0], scores[0] = right[1] + 5, (0.6, 0.2)
    found, sure = consistent_candidates(places, scores, _poses(5), place_deviations(_poses(5)), 60.0)
    assert found == pytest.approx(right)
    assert sure[0] == 0.2


def test_an_outlier_without_alternative_is_doubted() -> None:
    places, scores = _candidates(_turned(0.8, 60, (90, 70)))
    places[0] += 90
    _, sure = consistent_candidates(places, scores, _poses(5), place_deviations(_poses(5)), 60.0)
    assert sure[0] < 0.2
    assert (sure[1:] == 0.9).all()


def test_points_that_are_never_labelled_are_not_judged() -> None:
    poses = _poses(5)
    poses[:, 4] = 0
    loose = place_deviations(poses)
    assert np.isinf(loose[4])
    places, scores = _candidates(_turned(0, 60))
    assert consistent_candidates(places, scores, poses, loose, 60.0)[1][4] == 0.9


def test_turning_is_told_from_the_labels() -> None:
    all_ = np.ones(5, bool)
    assert rotation_range([]) == rotation_range([(SHAPE, all_)]) < math.pi / 4
    assert rotation_range([(SHAPE, all_), (_turned(0.1), all_)]) < math.pi / 4
    assert rotation_range([(SHAPE, all_), (_turned(1.5), all_)]) == math.pi
    assert rotation_range([(SHAPE, ~all_), (_turned(1.5), all_)]) < math.pi / 4
