import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.learning.video.associate import Look, associate
from backend.types import Box, Instance, Keyframe, Track


def box(x: float, y: float = 0.0, side: float = 20.0) -> Box:
    return (x, y, x + side, y + side)


def look(frame: int, *boxes: Box, certain: bool = False, label: str = "a", score: float = 0.9) -> Look:
    return Look(frame, tuple(Instance(label, one, score) for one in boxes), certain)


def between(*looks: Look) -> list[Look]:
    """The looks, between two frames that a person saw."""
    return [look(looks[0].frame - 1, certain=True), *looks, look(looks[-1].frame + 1, certain=True)]


def drawn(*keyframes: Keyframe, region: str = "r") -> Track:
    return Track("a", keyframes, region_id=region)


def frames_of(track: Track) -> list[int]:
    return [one.frame for one in track.keyframes]


def test_nothing() -> None:
    assert associate([], []) == []
    assert associate([look(1), look(2)], []) == []


def test_boxes_of_one_object_become_one_track_to_the_end() -> None:
    [track] = associate([look(n, box(3 * n)) for n in range(1, 9)], [])
    assert frames_of(track) == list(range(1, 9))
    assert all(one.enabled for one in track.keyframes)
    assert track.score == pytest.approx(0.9)
    assert track.region_id is None


def test_an_object_that_leaves_ends_where_it_was_last_seen() -> None:
    looks = [look(n, box(3 * n)) if 3 <= n <= 6 else look(n) for n in range(1, 30)]
    [track] = associate(looks, [])
    assert frames_of(track) == [3, 4, 5, 6]
    assert track.lifespans(29) == [(3, 6)]


def test_a_short_absence_is_the_same_object_and_a_long_one_is_another() -> None:
    looks = [look(n) if n in (5, 6) or 12 <= n <= 24 else look(n, box(2 * n)) for n in range(1, 31)]
    tracks = associate(looks, [])
    assert [track.lifespans(30) for track in tracks] == [[(1, 11)], [(25, 30)]]


def test_a_flicker_is_no_track() -> None:
    looks = [look(n, box(2 * n), *([box(400, 300)] if n == 5 else [])) for n in range(1, 11)]
    assert len(associate(looks, [])) == 1


def test_what_is_rather_no_object_is_no_track_unless_a_person_drew_it() -> None:
    looks = between(*(look(n, box(2 * n), score=0.4) for n in range(2, 12)))
    assert associate(looks, []) == []
    [track] = associate(looks, [drawn(Keyframe(1, box(2)), Keyframe(12, box(24)))])
    assert len(track.keyframes) == 12


def test_two_objects_keep_their_names_when_they_meet() -> None:
    looks = [look(n, box(10 * n), box(200 - 10 * n, 15)) for n in range(1, 20)]
    for track in associate(looks, []):
        heights = {one.box[1] for one in track.keyframes}
        assert len(heights) == 1
        assert len(track.keyframes) == 19


def test_labels_are_not_mixed() -> None:
    looks = [Look(n, (Instance("a", box(0), 0.9), Instance("b", box(1), 0.9))) for n in range(1, 5)]
    assert [track.label for track in associate(looks, [])] == ["a", "b"]


def test_a_drawn_track_goes_through_its_keyframes_and_follows_what_is_seen() -> None:
    looks = [look(n, box(5 * n)) for n in range(1, 21) if n not in (5, 15)]
    looks += [look(5, certain=True), look(15, certain=True)]
    keyframes = (Keyframe(5, box(26, 1)), Keyframe(15, box(74, -1)))
    [track] = associate(sorted(looks, key=lambda one: one.frame), [drawn(*keyframes)])
    assert frames_of(track) == list(range(1, 21))
    assert track.region_id == "r"
    assert set(keyframes) <= set(track.keyframes)


def test_a_sudden_move_between_keyframes_is_followed() -> None:
    """Nothing else explains the boxes: the way there must cost less than not being seen."""
    looks = between(*(look(n, box(0 if n < 10 else 300)) for n in range(2, 20)))
    [track] = associate(looks, [drawn(Keyframe(1, box(0)), Keyframe(20, box(300)))])
    assert track.box_at(9) == box(0)
    assert track.box_at(10) == box(300)


def test_another_object_far_from_the_way_is_not_taken() -> None:
    looks = between(*(look(n, box(3 * n), *([box(300, 300)] if n < 6 else [])) for n in range(2, 10)))
    tracks = associate(looks, [drawn(Keyframe(1, box(3)), Keyframe(10, box(30)))])
    assert len(tracks) == 2
    assert all(one.box[0] < 100 for one in tracks[0].keyframes)


def test_unseen_between_keyframes_means_that_the_line_stays() -> None:
    [track] = associate([look(n) for n in range(1, 40)], [drawn(Keyframe(5, box(0)), Keyframe(30, box(50)))])
    assert track.lifespans(39) == [(5, 30)]
    assert frames_of(track) == [5, 30]


def test_an_end_that_a_person_drew_holds_though_something_is_seen() -> None:
    looks = [look(n, box(3 * n)) for n in range(1, 31)]
    tracks = associate(looks, [drawn(Keyframe(5, box(15)), Keyframe(10, box(30), False))])
    assert [track.lifespans(30) for track in tracks] == [[(1, 10)]]
    again = associate(looks, [drawn(Keyframe(5, box(15), False), Keyframe(20, box(60)))])
    assert [track.lifespans(30) for track in again] == [[(1, 5), (20, 30)]]


def test_two_drawn_tracks_share_what_is_seen() -> None:
    looks = between(*(look(n, box(10 * n), box(200 - 10 * n, 15)) for n in range(2, 20)))
    one = drawn(Keyframe(1, box(10)), Keyframe(20, box(200)), region="one")
    other = drawn(Keyframe(1, box(190, 15)), Keyframe(20, box(0, 15)), region="other")
    tracks = associate(looks, [one, other])
    assert [track.region_id for track in tracks] == ["one", "other"]
    assert [{key.box[1] for key in track.keyframes} for track in tracks] == [{0}, {15}]
    assert all(len(track.keyframes) == 20 for track in tracks)


def test_nothing_unknown_passes_through_a_frame_that_a_person_saw() -> None:
    looks = [look(n, box(2 * n)) if n != 10 else look(n, certain=True) for n in range(1, 21)]
    assert [track.lifespans(20) for track in associate(looks, [])] == [[(1, 9)], [(11, 20)]]


def test_what_is_looked_at_seldom_is_linked_all_the_same() -> None:
    [track] = associate([look(n, box(0.2 * n)) for n in range(1, 18_000, 30)], [])
    assert len(track.keyframes) == 600


places = st.builds(box, st.floats(0, 600), st.floats(0, 400), st.floats(1, 90))


@settings(deadline=None)
@given(
    st.lists(st.lists(places, max_size=3), min_size=1, max_size=12),
    st.dictionaries(st.integers(1, 12), st.tuples(places, st.booleans()), max_size=4),
)
def test_keyframes_of_a_person_are_kept_whatever_is_seen(
    seen: list[list[Box]], keys: dict[int, tuple[Box, bool]]
) -> None:
    looks = [look(n, *boxes) for n, boxes in enumerate(seen, 1)]
    keyframes = tuple(Keyframe(n, *keys[n]) for n in sorted(keys) if n <= len(seen))
    tracks = associate(looks, [drawn(*keyframes)] if keyframes else [])
    for track in tracks:
        assert frames_of(track) == sorted(set(frames_of(track)))
    if keyframes:
        for key in keyframes:
            assert tracks[0].box_at(key.frame) == key.box
        inside = range(keyframes[0].frame, keyframes[-1].frame + 1)
        before = Track("a", keyframes)
        assert [n for n in inside if tracks[0].box_at(n)] == [n for n in inside if before.box_at(n)]
    used = [(key.frame, key.box) for track in tracks for key in track.keyframes]
    assert len(used) <= sum(map(len, seen)) + len(keyframes)
    assert np.isfinite([track.score for track in tracks]).all()
