from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.learning.detection.count_prior import odds_of_counts
from backend.learning.tracking.detections import NO_TRACK, Detections
from backend.learning.tracking.rules import TrackerRules
from backend.learning.tracking.tracker import Tracker
from backend.learning.tracking.tracklets import Tracklet

RULES = TrackerRules()
UNKNOWN = [0.0]


def _box(x: float, y: float = 50.0, side: float = 20.0) -> list[float]:
    return [x, y, x + side, y + side]


def _frame(order: float, *found: tuple[float, float], complete: bool = False) -> Detections:
    """Detections as (x, score), 20 pixels wide."""
    boxes = np.array([_box(x) for x, _ in found]).reshape(-1, 4)
    return Detections(order, boxes, np.array([score for _, score in found]), complete)


def _link(
    frames: list[Detections], odds: list[float] = UNKNOWN, film: bool = True, anchors: Sequence[Detections] = ()
) -> list[Tracklet]:
    return Tracker(RULES).link(frames, anchors, lambda orders: [odds] * len(orders), film=film)


def _xs(frames: list[Detections], odds: list[float] = UNKNOWN, film: bool = True) -> list[list[float]]:
    """Where something is shown in each frame."""
    shown: list[list[float]] = [[] for _ in frames]
    for track in _link(frames, odds, film):
        for t, box in zip(track.frames, track.boxes, strict=True):
            shown[t].append(round(float(box[0]), 1))
    return [sorted(xs) for xs in shown]


def test_nothing() -> None:
    assert _link([]) == []
    assert _xs([_frame(0), _frame(1)]) == [[], []]


def test_a_weak_candidate_between_strong_ones_is_kept() -> None:
    assert _xs([_frame(0, (10, 0.9)), _frame(1, (12, 0.1)), _frame(2, (14, 0.9))]) == [[10], [12], [14]]


def test_a_flicker_is_dropped() -> None:
    frames = [_frame(i) for i in range(4)] + [_frame(4, (10, 0.6))] + [_frame(i) for i in range(5, 9)]
    assert all(xs == [] for xs in _xs(frames))


def test_a_gap_is_filled() -> None:
    frames = [_frame(i, (10 + 2 * i, 0.9)) if i not in (3, 4) else _frame(i) for i in range(8)]
    xs = _xs(frames)
    assert xs[3:5] == [[16], [18]]
    [track] = _link(frames)
    assert track.candidates.tolist() == [0, 0, 0, -1, -1, 0, 0, 0]


def test_nothing_is_filled_through_a_frame_that_a_person_left_empty() -> None:
    frames = [_frame(i, (10 + 2 * i, 0.9)) if i != 4 else _frame(i, complete=True) for i in range(9)]
    assert _xs(frames)[4] == []


def test_what_a_person_drew_stays() -> None:
    frames = [_frame(0), _frame(1, (10, 1.0), (200, 1.0), complete=True), _frame(2)]
    assert _xs(frames)[1] == [10, 200]


def test_two_objects_that_pass_each_other() -> None:
    frames = [_frame(i, (10 + 12 * i, 0.8), (130 - 12 * i, 0.8)) for i in range(11)]
    assert all(len(xs) == 2 or i == 5 for i, xs in enumerate(_xs(frames)))


def test_an_object_that_leaves_first_keeps_its_track_beside_one_that_stays() -> None:
    """The best single path has the early frames of the one and the late frames of the other."""
    weak = {5: (0.05, 0.9), 6: (0.05, 0.9), 7: (0.9, 0.05), 8: (0.9, 0.05)}
    frames = []
    for i in range(16):
        first, second = weak.get(i, (0.9, 0.9))
        there = [(10 + 2 * i, first)] if i < 10 else []
        frames.append(_frame(i, *there, *([(40 + 2 * i, second)] if i > 3 else [])))
    xs = _xs(frames)
    assert xs[4:10] == [[10 + 2 * i, 40 + 2 * i] for i in range(4, 10)]
    assert xs[10:] == [[40 + 2 * i] for i in range(10, 16)]


def test_doubles_of_one_object_are_shown_once() -> None:
    frames = [_frame(i, (10 + i, 0.9), (12 + i, 0.8)) for i in range(6)]
    assert all(len(xs) == 1 for xs in _xs(frames, odds_of_counts([1, 1, 1])))


def test_counts_speak_for_weak_candidates_and_against_more() -> None:
    frames = [_frame(0, (10, 0.12), (100, 0.10))]
    assert _xs(frames, odds_of_counts([1, 1, 1, 1, 1]), film=False) == [[10]]
    assert _xs(frames, odds_of_counts([0, 0, 0, 0, 0]), film=False) == [[]]
    assert _xs(frames, odds_of_counts([2, 2, 2, 2, 2]), film=False) == [[10, 100]]


candidates = st.lists(st.tuples(st.floats(0, 300), st.floats(0.03, 1)), max_size=5)


@given(st.lists(candidates, max_size=12))
def test_what_is_shown_is_near_what_was_seen(found: list[list[tuple[float, float]]]) -> None:
    frames, used = [_frame(i, *one) for i, one in enumerate(found)], set[tuple[int, int]]()
    for track in _link(frames):
        assert ((track.scores >= 0) & (track.scores <= 1)).all()
        assert (np.diff(track.frames) == 1).all()
        for t, i, box in zip(track.frames, track.candidates, track.boxes, strict=True):
            if i >= 0:
                assert (t, i) not in used
                used.add((t, i))
                assert (np.abs(box - frames[t].boxes[i]) < 20).all()


def test_frames_far_apart_in_time_are_not_linked() -> None:
    orders = [0, 1, 2, 3, 100, 101, 102, 103]
    frames = [_frame(order, (10, 0.9)) if i not in (3, 4) else _frame(order) for i, order in enumerate(orders)]
    xs = _xs(frames)
    assert xs[2] == xs[5] == [10]
    assert xs[3] == xs[4] == []


def _keyframe(order: float, *drawn: tuple[float, int], complete: bool = True) -> Detections:
    """Drawn boxes as (x, identity)."""
    boxes = np.array([_box(x) for x, _ in drawn]).reshape(-1, 4)
    ones, tracks = np.ones(len(drawn)), np.array([identity for _, identity in drawn], np.int64)
    return Detections(order, boxes, ones, complete, ones > 0, tracks)


def _middle(track: Tracklet) -> dict[int, float]:
    return {int(t): round(float(box[0]), 1) for t, box in zip(track.frames, track.boxes, strict=True)}


def test_the_order_of_frames_does_not_matter() -> None:
    frames = [_frame(i, (10 + 2 * i, 0.9)) for i in range(8)]
    [track] = _link(frames)
    [backward] = _link(frames[::-1])
    assert backward.boxes == pytest.approx(track.boxes)
    assert backward.frames.tolist() == list(range(8))[::-1]


def test_a_track_has_the_identity_of_its_keyframes_and_the_others_have_none() -> None:
    frames = [_frame(i, (10 + 2 * i, 0.9), (200, 0.9)) for i in range(8)]
    tracks = _link(frames, anchors=[_keyframe(3.5, (17, 4), complete=False)])
    assert {track.identity: round(float(track.boxes[0, 0])) for track in tracks} == {4: 10, NO_TRACK: 200}


def test_two_drawn_objects_do_not_change_places_for_a_better_seen_one() -> None:
    """Along its way the one is seen badly; between keyframes nothing is gained by going over to the other one."""
    frames = [_frame(i, (100 + 5 * i, 0.25 if i % 2 else 0.9), (125 + 5 * i, 0.99)) for i in range(1, 16)]
    ends = [_keyframe(0, (100, 0), (125, 1)), _keyframe(16, (180, 0), (205, 1))]
    first, second = sorted(_link(frames, anchors=ends), key=lambda track: track.identity)
    assert (first.identity, second.identity) == (0, 1)
    assert _middle(first) == pytest.approx({i - 1: 100 + 5 * i for i in range(1, 16)}, abs=3)
    assert _middle(second) == pytest.approx({i - 1: 125 + 5 * i for i in range(1, 16)}, abs=3)


def test_an_object_hidden_for_long_between_keyframes_is_the_same_one() -> None:
    frames = [_frame(i, (10 + 2 * i, 0.9)) if i < 8 or i > 30 else _frame(i) for i in range(1, 40)]
    [track] = _link(frames, anchors=[_keyframe(0, (10, 7)), _keyframe(40, (90, 7))])
    assert (track.identity, len(track.frames)) == (7, 39)
    assert _middle(track) == pytest.approx({i - 1: 10 + 2 * i for i in range(1, 40)}, abs=3)


def test_a_sudden_move_between_keyframes_is_followed() -> None:
    frames = [_frame(i, (0 if i < 10 else 300, 0.9)) for i in range(2, 20)]
    [track] = _link(frames, anchors=[_keyframe(1, (0, 0)), _keyframe(20, (300, 0))])
    assert track.candidates.tolist() == [0] * 18


def test_no_track_goes_through_a_labelled_frame_in_which_its_object_is_not() -> None:
    frames = [_frame(i, (10, 0.9)) for i in range(9) if i != 4]
    anchors = [_keyframe(-1, (10, 3)), _keyframe(4, (200, 5)), _keyframe(9, (10, 3))]
    found = sorted(
        (track.identity, track.frames.tolist()) for track in _link(frames, anchors=anchors) if len(track.frames)
    )
    assert found == [(3, [0, 1, 2, 3]), (3, [4, 5, 6, 7])]


def test_one_track_never_has_the_keyframes_of_two_objects() -> None:
    frames = [_frame(i, (10 + 2 * i, 0.9)) for i in range(12)]
    anchors = [_keyframe(2, (14, 0), complete=False), _keyframe(9, (28, 1), complete=False)]
    found = {track.identity: track.frames.tolist() for track in _link(frames, anchors=anchors)}
    assert sorted(found) == [0, 1]
    assert 2 in found[0]
    assert 9 in found[1]


@settings(deadline=None)
@given(
    st.lists(candidates, min_size=2, max_size=10),
    st.lists(st.tuples(st.integers(0, 9), st.floats(0, 300), st.integers(0, 2), st.booleans()), max_size=6),
)
def test_whatever_is_drawn_tracks_have_one_identity_and_share_nothing(
    found: list[list[tuple[float, float]]], drawn: list[tuple[int, float, int, bool]]
) -> None:
    frames, used = [_frame(i, *one) for i, one in enumerate(found)], set[tuple[int, int]]()
    keyframes = {order: _keyframe(order, (x, identity), complete=False) for order, x, identity, _ in drawn}
    between = [_keyframe(order + 0.5, (x, identity), complete=True) for order, x, identity, whole in drawn if whole]
    anchors = [*keyframes.values(), *{one.order: one for one in between}.values()]
    for track in _link(frames, anchors=anchors):
        assert np.isfinite(track.boxes).all()
        assert track.identity in (NO_TRACK, 0, 1, 2)
        nodes = {(int(t), int(i)) for t, i in zip(track.frames, track.candidates, strict=True) if i >= 0}
        assert not nodes & used
        used |= nodes
