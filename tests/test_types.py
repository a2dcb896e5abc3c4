import pytest

from backend.tracks import Keyframe, Track
from backend.types import Box

A: Box = (0.0, 0.0, 10.0, 10.0)
B: Box = (20.0, 40.0, 30.0, 60.0)


def track(*keyframes: tuple[int, Box, bool]) -> Track:
    return Track("a", tuple(Keyframe(*one) for one in keyframes))


@pytest.mark.parametrize(
    ("keyframes", "spans"),
    [
        ([], []),
        ([(5, A, True)], [(5, 30)]),
        ([(5, A, False)], [(5, 5)]),
        ([(5, A, True), (9, B, False)], [(5, 9)]),
        ([(5, A, False), (9, B, False), (12, A, True), (20, A, True)], [(5, 5), (9, 9), (12, 30)]),
    ],
)
def test_lifespans(keyframes: list[tuple[int, Box, bool]], spans: list[tuple[int, int]]) -> None:
    one = track(*keyframes)
    assert one.lifespans(30) == spans
    seen = {n for start, end in spans for n in range(start, end + 1)}
    assert {n for n in range(1, 31) if one.box_at(n)} == seen


def test_a_box_moves_in_a_straight_line_and_stays_behind_the_last_keyframe() -> None:
    one = track((5, A, True), (9, B, True))
    assert one.box_at(4) is None
    assert one.box_at(5) == A
    assert one.box_at(6) == (5.0, 10.0, 15.0, 22.5)
    assert one.box_at(9) == one.box_at(30) == B
