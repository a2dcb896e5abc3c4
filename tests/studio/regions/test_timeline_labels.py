from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.studio import regions, tags
from backend.studio.regions.timeline_labels import range_of
from backend.tracks import Keyframe, Track, VideoSize
from backend.types import Control, Head, Media

LABELS = Control("t", "video", "TimelineLabels", Head.CLASSIFICATION, ("A", "B"), "video", media=Media.VIDEO)
SIZE = VideoSize(200, 100, 40, 10.0)
WHOLE = (0.0, 0.0, 200.0, 100.0)


def item(*ranges: Any, **fields: Any) -> dict[str, Any]:
    value = {"ranges": [dict(zip(("start", "end"), one, strict=True)) for one in ranges], "timelinelabels": ["A"]}
    return {"id": "r1", "from_name": "t", "to_name": "video", "type": "timelinelabels", "value": value, **fields}


def read(*items: dict[str, Any]) -> regions.TracksRead:
    return tags.for_video(LABELS).read(items, LABELS, SIZE)


def test_nothing() -> None:
    assert read() == regions.TracksRead((), ())
    assert tags.for_video(LABELS).write([], LABELS, SIZE) == []


def test_each_range_is_a_track_whose_box_is_the_frame() -> None:
    found = read(item((5, 15), (20, 20)), item((9, 3), id="r2"))
    assert [track.lifespans(40) for track in found.tracks] == [[(5, 15)], [(20, 20)], [(3, 9)]]
    assert {key.box for track in found.tracks for key in track.keyframes} == {WHOLE}
    assert [track.region_id for track in found.tracks] == ["r1", "r1", "r2"]


def test_a_range_that_reaches_over_the_end_ends_there() -> None:
    assert read(item((30, 44))).tracks[0].lifespans(40) == [(30, 40)]


@pytest.mark.parametrize(
    ("ranges", "problem"),
    [
        ([], "no list `ranges`"),
        ([(None, 3)], "whole frame numbers"),
        ([(1.5, 3)], "whole frame numbers"),
        ([("a", 3)], "whole frame numbers"),
        ([(0, 3)], "frames 1 to 40"),
        ([(41, 42)], "frames 1 to 40"),
    ],
)
def test_unusable_ranges_are_problems_and_cost_no_other_region(ranges: list[Any], problem: str) -> None:
    found = read(item(*ranges), item((1, 2), id="good"))
    assert [track.region_id for track in found.tracks] == ["good"]
    assert problem in found.problems[0]


def test_each_lifespan_is_written_as_a_region() -> None:
    track = Track("B", (Keyframe(1, WHOLE), Keyframe(4, WHOLE, False), Keyframe(9, WHOLE)), 0.5, "r7")
    written = tags.for_video(LABELS).write([track], LABELS, SIZE)
    assert [one["value"] for one in written] == [
        {"ranges": [{"start": 1, "end": 4}], "timelinelabels": ["B"]},
        {"ranges": [{"start": 9, "end": 40}], "timelinelabels": ["B"]},
    ]
    assert written[0]["id"] == "r7" != written[1]["id"]
    assert {one["type"] for one in written} == {"timelinelabels"}


spans = st.tuples(st.integers(1, 40), st.integers(1, 40)).map(sorted)


@given(st.lists(st.tuples(st.sampled_from(["A", "B"]), spans), max_size=6))
def test_round_trip(drawn: list[tuple[str, list[int]]]) -> None:
    written = [Track(label, range_of(start, end, SIZE)) for label, (start, end) in drawn]
    found = read(*tags.for_video(LABELS).write(written, LABELS, SIZE))
    assert found.problems == ()
    assert [(track.label, track.keyframes) for track in found.tracks] == [(t.label, t.keyframes) for t in written]


@given(st.recursive(st.none() | st.integers() | st.text(max_size=2), lambda inner: st.lists(inner, max_size=3)
                    | st.dictionaries(st.sampled_from(["start", "end", "ranges", "timelinelabels"]), inner)))  # fmt: skip
def test_damaged_annotations_never_raise(value: Any) -> None:
    read({**item(), "value": value}, {**item(), "value": {"ranges": value, "timelinelabels": ["A"]}})
