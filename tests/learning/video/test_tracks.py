import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.learning.video.frames import VideoFrame
from backend.learning.video.tracks import to_tracks
from backend.tracks import Keyframe, Track
from backend.types import Box, Instance


def box(x: float, y: float = 0.0, side: float = 20.0) -> Box:
    return (x, y, x + side, y + side)


def frame(number: int, *seen: tuple[int, Box], label: str = "a", score: float = 0.9) -> VideoFrame:
    """With instances as (track, box)."""
    return VideoFrame(number, tuple(Instance(label, one, score, track=track) for track, one in seen))


def drawn(*keyframes: Keyframe, region: str = "r") -> Track:
    return Track("a", keyframes, region_id=region)


def frames_of(track: Track) -> list[int]:
    return [one.frame for one in track.keyframes]


def test_nothing() -> None:
    assert to_tracks([], []) == []
    assert to_tracks([frame(1), frame(2)], []) == []


def test_instances_of_one_track_become_one_to_the_end() -> None:
    [track] = to_tracks([frame(n, (4, box(3 * n))) for n in range(1, 9)], [])
    assert frames_of(track) == list(range(1, 9))
    assert all(one.enabled for one in track.keyframes)
    assert track.score == pytest.approx(0.9)
    assert track.region_id is None


def test_an_object_that_leaves_ends_where_it_was_last_seen() -> None:
    [track] = to_tracks([frame(n, *([(0, box(3 * n))] if 3 <= n <= 6 else [])) for n in range(1, 30)], [])
    assert track.lifespans(29) == [(3, 6)]


def test_a_flicker_is_no_track() -> None:
    frames = [frame(n, (0, box(2 * n)), *([(1, box(400, 300))] if n == 5 else [])) for n in range(1, 11)]
    assert len(to_tracks(frames, [])) == 1
    assert len(to_tracks([frame(1, (0, box(1)))], [])) == 1  # of one frame nothing more can be asked


def test_what_is_rather_no_object_is_no_track_unless_a_person_drew_it() -> None:
    frames = [frame(n, (0, box(2 * n)), score=0.4) for n in range(2, 12)]
    assert to_tracks(frames, []) == []
    [track] = to_tracks(frames, [drawn(Keyframe(1, box(2)), Keyframe(12, box(24)))])
    assert len(track.keyframes) == 12


def test_an_instance_without_a_track_is_none() -> None:
    assert to_tracks([VideoFrame(n, (Instance("a", box(0)),)) for n in (1, 2, 3)], []) == []


def test_labels_are_kept() -> None:
    frames = [VideoFrame(n, (Instance("a", box(0), track=0), Instance("b", box(1), track=1))) for n in range(1, 5)]
    assert [track.label for track in to_tracks(frames, [])] == ["a", "b"]


def test_a_drawn_track_goes_through_its_keyframes_and_follows_what_is_seen() -> None:
    keyframes = (Keyframe(5, box(26, 1)), Keyframe(15, box(74, -1)))
    frames = [frame(n, *([] if n in (5, 15) else [(0, box(5 * n))])) for n in range(1, 21)]
    [track] = to_tracks(frames, [drawn(*keyframes)])
    assert frames_of(track) == list(range(1, 21))
    assert track.region_id == "r"
    assert set(keyframes) <= set(track.keyframes)


def test_unseen_between_keyframes_means_that_the_line_stays() -> None:
    [track] = to_tracks([frame(n) for n in range(1, 40)], [drawn(Keyframe(5, box(0)), Keyframe(30, box(50)))])
    assert track.lifespans(39) == [(5, 30)]
    assert frames_of(track) == [5, 30]


def test_an_end_that_a_person_drew_holds_though_something_is_seen() -> None:
    frames = [frame(n, (0, box(3 * n))) for n in range(1, 31)]
    tracks = to_tracks(frames, [drawn(Keyframe(5, box(15)), Keyframe(10, box(30), False))])
    assert [track.lifespans(30) for track in tracks] == [[(1, 10)]]
    again = to_tracks(frames, [drawn(Keyframe(5, box(15), False), Keyframe(20, box(60)))])
    assert [track.lifespans(30) for track in again] == [[(1, 5), (20, 30)]]


def test_drawn_tracks_come_first_in_their_order() -> None:
    frames = [frame(n, (2, box(9)), (1, box(2)), (0, box(1))) for n in range(1, 6)]
    tracks = to_tracks(frames, [drawn(Keyframe(1, box(1)), region="x"), drawn(Keyframe(1, box(2)), region="y")])
    assert [(track.region_id, track.keyframes[-1].box[0]) for track in tracks] == [("x", 1), ("y", 2), (None, 9)]


places = st.builds(box, st.floats(0, 600), st.floats(0, 400), st.floats(1, 90))


@given(
    st.lists(st.dictionaries(st.integers(0, 3), places, max_size=3), min_size=1, max_size=12),
    st.dictionaries(st.integers(1, 12), st.tuples(places, st.booleans()), max_size=4),
)
def test_keyframes_of_a_person_are_kept_whatever_is_seen(
    seen: list[dict[int, Box]], keys: dict[int, tuple[Box, bool]]
) -> None:
    keyframes = tuple(Keyframe(n, *keys[n]) for n in sorted(keys) if n <= len(seen))
    tracks = to_tracks(
        [frame(n, *one.items()) for n, one in enumerate(seen, 1)], [drawn(*keyframes)] if keyframes else []
    )
    for track in tracks:
        assert frames_of(track) == sorted(set(frames_of(track)))
    if keyframes:
        assert all(tracks[0].box_at(key.frame) == key.box for key in keyframes)
        inside, before = range(keyframes[0].frame, keyframes[-1].frame + 1), Track("a", keyframes)
        assert [n for n in inside if tracks[0].box_at(n)] == [n for n in inside if before.box_at(n)]
    assert np.isfinite([track.score for track in tracks]).all()
