from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from backend.studio.moments import moments

JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["frame", "start", "end"]), inner),
    max_leaves=8,
)


def track(*frames: Any) -> dict[str, Any]:
    return {"value": {"sequence": [{"frame": frame} for frame in frames]}}


def test_nothing_has_no_moment() -> None:
    assert moments([], 5) == moments([{"value": None}, {}], 5) == []


def test_a_few_keyframes_are_all_shown_and_many_are_spread() -> None:
    assert moments([track(8, 2), track(2)], 5) == [2, 8]
    assert moments([track(*range(1, 102))], 5) == [1, 26, 51, 76, 101]


def test_a_range_is_shown_in_its_middle() -> None:
    assert moments([{"value": {"ranges": [{"start": 10, "end": 20}]}}], 5) == [15]


@given(
    st.lists(st.fixed_dictionaries({"value": st.fixed_dictionaries({"sequence": JSON, "ranges": JSON})})),
    st.integers(1, 9),
)
def test_whatever_it_holds_there_are_frames_in_order(result: list[dict[str, Any]], most: int) -> None:
    found = moments(result, most)
    assert found == sorted(set(found))
    assert len(found) <= most
    assert all(frame >= 1 for frame in found)
