import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.learning.video.keyframes import EDGE_TOLERANCE, reduce_keyframes
from backend.tracks import Keyframe, Track


def track(*xs: float, ends: tuple[int, ...] = (), frames: list[int] | None = None) -> Track:
    numbers = frames or list(range(1, len(xs) + 1))
    keys = [Keyframe(n, (x, 0.0, x + 40.0, 40.0), n not in ends) for n, x in zip(numbers, xs, strict=True)]
    return Track("a", tuple(keys))


def frames_of(one: Track) -> list[int]:
    return [key.frame for key in one.keyframes]


def test_one_keyframe_stays() -> None:
    assert reduce_keyframes(track(5.0)) == track(5.0)


@pytest.mark.parametrize("slope", [0.0, 7.5])
def test_a_straight_line_needs_its_ends_only(slope: float) -> None:
    assert frames_of(reduce_keyframes(track(*(slope * n for n in range(50))))) == [1, 50]


def test_a_corner_stays_and_tremble_goes() -> None:
    xs = [10.0 * n for n in range(20)] + [190.0 - 10 * n for n in range(1, 20)]
    trembling = [x + 0.5 * (-1) ** n for n, x in enumerate(xs)]
    found = frames_of(reduce_keyframes(track(*trembling)))
    assert len(found) == 3
    assert abs(found[1] - 20) <= 1


def test_kept_frames_stay() -> None:
    assert frames_of(reduce_keyframes(track(*[0.0] * 30), kept={1, 13, 99})) == [1, 13, 30]


def test_ends_of_lifespans_stay() -> None:
    one = track(*[0.0] * 30, ends=(10, 20))
    found = reduce_keyframes(one)
    assert frames_of(found) == [1, 10, 11, 20, 21, 30]
    assert found.lifespans(30) == one.lifespans(30)


def test_two_keyframes_with_a_way_between_are_the_fewest() -> None:
    """A greedy way that always goes as far as it can needs more than these three."""
    xs = [0.0, 0.0, 0.0, 30.0, 60.0, 90.0]
    assert frames_of(reduce_keyframes(track(*xs), tolerance=0.01)) == [1, 3, 6]


@given(
    st.lists(st.tuples(st.floats(-300, 300), st.integers(1, 4), st.booleans()), min_size=1, max_size=40),
    st.sets(st.integers(1, 60)),
)
def test_no_edge_lies_farther_off_than_allowed(moves: list[tuple[float, int, bool]], kept: set[int]) -> None:
    frames = np.cumsum([gap for _, gap, _ in moves]).tolist()
    ends = tuple(n for n, (_, _, ended) in zip(frames, moves, strict=True) if ended)
    one = track(*(x for x, _, _ in moves), ends=ends, frames=frames)
    found = reduce_keyframes(one, kept)
    assert set(found.keyframes) <= set(one.keyframes)
    assert found.lifespans(200) == one.lifespans(200)
    assert kept & set(frames) <= set(frames_of(found))
    for key in one.keyframes:
        assert found.box_at(key.frame) == pytest.approx(key.box, abs=EDGE_TOLERANCE * 40 + 1e-6)
