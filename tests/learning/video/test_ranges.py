import pytest

from backend.learning.video.frames import VideoFrame
from backend.learning.video.ranges import ranges
from backend.tracks import Keyframe, Track
from backend.types import Instance

WHOLE = (0.0, 0.0, 64.0, 48.0)


def frames(text: str, every: int = 1, certain: str = "") -> list[VideoFrame]:
    """A look for each letter: its class, `.` none; `certain` marks those that a person saw with `x`."""
    return [
        VideoFrame(1 + n * every, () if one in ".x" else (Instance(one, WHOLE, 0.8),), certain[n : n + 1] == "x")
        for n, one in enumerate(text)
    ]


def spans(tracks: list[Track], frames: int) -> list[tuple[str, int, int]]:
    return [(track.label, *span) for track in tracks for span in track.lifespans(frames)]


def drawn(label: str, start: int, end: int) -> Track:
    return Track(label, (Keyframe(start, WHOLE), Keyframe(end, WHOLE, False)), region_id="r")


def test_nothing() -> None:
    assert ranges([], [], 10) == []
    assert ranges(frames("....."), [], 5) == []


def test_runs_become_ranges_in_order() -> None:
    found = ranges(frames("aaaa..bbbaaa"), [], 12)
    assert spans(found, 12) == [("a", 1, 4), ("b", 7, 9), ("a", 10, 12)]
    assert [track.score for track in found] == pytest.approx([0.8] * 3)


def test_flickers_are_rejected() -> None:
    assert spans(ranges(frames("aaaabaaaa...b..."), [], 16), 16) == [("a", 1, 9)]


def test_between_looks_a_range_ends_half_way_and_reaches_the_ends_of_the_video() -> None:
    assert spans(ranges(frames("aaabbb", every=10), [], 55), 55) == [("a", 1, 26), ("b", 27, 55)]


def test_drawn_ranges_hold_and_go_on_where_their_class_is_seen() -> None:
    found = ranges(frames("aaaxxxxaaabbbb", certain="...xxxx......."), [drawn("a", 4, 7)], 14)
    assert spans(found, 14) == [("a", 1, 10), ("b", 11, 14)]
    assert [track.region_id for track in found] == ["r", None]


def test_a_drawn_range_is_never_a_flicker_and_its_ends_are_exact() -> None:
    found = ranges(frames("aaaaaaaaxaaaaaaa", certain="........x"), [drawn("b", 9, 9)], 16)
    assert spans(found, 16) == [("a", 1, 8), ("b", 9, 9), ("a", 10, 16)]
    seldom = [VideoFrame(1, ()), VideoFrame(11, (), True), VideoFrame(12, (), True), VideoFrame(21, ())]
    assert spans(ranges(seldom, [drawn("a", 11, 12)], 21), 21) == [("a", 11, 12)]
