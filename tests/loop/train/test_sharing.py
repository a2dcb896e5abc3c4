import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.loop.train.sharing import shares
from backend.types import Progress

NAMES = st.lists(st.text(min_size=1, max_size=3), min_size=1, max_size=5, unique=True)


def test_one_control_is_all_of_it() -> None:
    [only] = shares(["label"], {})
    assert only.whole(Progress(0.4, 12.0)) == Progress(0.4, 12.0)
    assert only.whole(Progress(0.4)) == Progress(0.4, None)


def test_the_first_of_two_ends_where_the_time_of_the_second_begins() -> None:
    first, second = shares(["box", "place"], {"box": 30.0, "place": 10.0})
    assert first.whole(Progress(1.0, 0.0)) == Progress(0.75, 10.0)
    assert second.whole(Progress(0.0, 10.0)) == Progress(0.75, 10.0)
    assert second.whole(Progress(0.5, 5.0)) == Progress(0.875, 5.0)


def test_where_one_was_never_trained_their_parts_are_equal() -> None:
    first, second = shares(["box", "place"], {"place": 5.0})
    assert first.whole(Progress(1.0, 0.0)) == Progress(0.5, 5.0)
    assert second.whole(Progress(0.0, 5.0)) == Progress(0.5, 5.0)


@given(NAMES, st.floats(0, 1), st.floats(0, 100), st.lists(st.floats(0, 1e4), min_size=5, max_size=5))
def test_it_never_goes_back_and_ends_at_one(names: list[str], done: float, left: float, took: list[float]) -> None:
    parts = shares(names, dict(zip(names, took, strict=False)))
    all_ = [share.whole(Progress(one, left)).done for share in parts for one in (0.0, done, 1.0)]
    assert all_ == pytest.approx(sorted(all_))
    assert all_[-1] == 1.0
