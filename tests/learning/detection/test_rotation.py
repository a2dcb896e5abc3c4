import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from backend.learning.detection.rotation import decoded, encoded, kept_apart, moved, turn_between, turns_of
from backend.learning.geometry.crop import View, turned
from backend.types import Instance


def box(width: float, height: float, angle: float = 0.0, x: float = 50.0, y: float = 50.0) -> Instance:
    return Instance("ship", (x - width / 2, y - height / 2, x + width / 2, y + height / 2), angle=angle)


sides = st.floats(2, 200)
angles = st.floats(-44.9, 45)


def test_no_box() -> None:
    assert encoded(turns_of([])).shape == (0, 6)
    assert decoded(encoded(turns_of([]))).shape == (0, 3)


@given(sides, sides, angles)
def test_a_box_comes_back(width: float, height: float, angle: float) -> None:
    assume(abs(angle) < 44.5)
    [found] = decoded(encoded(turns_of([box(width, height, angle)])))
    assert found == pytest.approx((width, height, angle), rel=1e-3, abs=0.05)


@given(sides, sides, st.floats(-180, 180), st.floats(-0.01, 0.01))
def test_what_is_learnt_does_not_jump(width: float, height: float, angle: float, change: float) -> None:
    assume(max(width, height) > 1.05 * min(width, height))
    longer, shorter = max(width, height), min(width, height)
    before, after = (np.array([[longer, shorter, math.radians(a)]], np.float32) for a in (angle, angle + change))
    assert np.abs(encoded(before) - encoded(after)).max() < 0.01


@given(sides, sides, angles, st.floats(-3, 3), st.booleans())
def test_boxes_move_with_the_crop(width: float, height: float, angle: float, turn: float, mirror: bool) -> None:
    view = View(np.array([40.0, 60.0]), turned(1.2, turn, mirror), 128)
    one = box(width, height, angle)
    bounds, turns = moved(np.array([one.bounds], np.float32), turns_of([one]), view)
    corners = view.to_crop(np.array(one.corners))
    assert bounds[0] == pytest.approx([*corners.min(0), *corners.max(0)], rel=1e-3, abs=0.05)
    assert turns[0, :2] == pytest.approx(sorted((1.2 * width, 1.2 * height), reverse=True), rel=1e-3)
    if abs(width - height) > 0.01 * width:
        long = corners[1] - corners[0] if width > height else corners[2] - corners[1]
        apart = turns[0, 2] - math.atan2(long[1], long[0])
        assert abs(math.remainder(apart, math.pi)) < 0.01


def test_crops_are_turned_from_one_drawn_box_to_another() -> None:
    rng = np.random.default_rng(0)
    level = [turn_between((0.0, 0.1), False, rng) for _ in range(200)]
    around = [turn_between((0.0, 0.5, 1.0, 1.5), False, rng) for _ in range(200)]
    assert np.abs(level).max() < 0.5
    assert np.abs(around).max() > 1.2
    # Mirrored, a box at 0.3 is at -0.3, and is to be between that and 0.3.
    mirrored = [turn_between((0.3,), True, rng) for _ in range(400)]
    assert np.mean(mirrored) == pytest.approx(0.3, abs=0.05)
    assert max(mirrored) < 0.6 + 0.4


def test_parallel_neighbours_stay_whose_hulls_overlap() -> None:
    ships = [box(60, 8, 44), box(60, 8, 44, x=57, y=43), box(60, 8, 43, x=51)]
    bounds = np.array([one.bounds for one in ships], np.float32)
    turned_ = np.array([(60, 8, one.angle) for one in ships])
    scores, classes = np.array([0.9, 0.8, 0.7], np.float32), np.zeros(3, np.int64)
    assert kept_apart(bounds, turned_, scores, classes, 0.55) == [0, 1]
    assert kept_apart(bounds, turned_, scores, np.arange(3), 0.55) == [0, 1, 2]
