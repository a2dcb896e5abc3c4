import pytest

from backend.learning.fitting.unlabeled import choose, weight_of
from tests.learning.synthetic import clip


@pytest.mark.parametrize(("count", "most", "expected"), [(0, 5, 0), (4, 5, 4), (100, 9, 9), (100, 2, 3)])
def test_never_more_frames_than_allowed_for_long(count: int, most: int, expected: int) -> None:
    frames = [clip(1).frames[0].frame] * count
    chosen = list(choose(frames, clip(3).labeled(0, 1, 2), most))
    assert len(chosen) == expected
    assert all(0 <= index < count for index in chosen)


def test_runs_of_neighbours_are_spread_from_the_first_to_the_last_frame() -> None:
    frames = [clip(1).frames[0].frame] * 100
    assert list(choose(frames, clip(2).labeled(0, 1), 6)) == [0, 1, 2, 97, 98, 99]


def test_what_is_second_hand_has_its_share_of_the_weight() -> None:
    assert weight_of(0.5, 6.0, 0) == 6.0
    each = weight_of(0.4, 6.0, 8)
    assert 8 * each / (8 * each + 6.0) == pytest.approx(0.4)
