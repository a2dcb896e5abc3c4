"""Which frames of a video are learnt from; the video itself is not read here."""

import numpy as np

from backend.loop.data.video_frames import LOOKED_AT, Clip
from backend.loop.data.video_training_set import (
    FROM_RANGE,
    INTERPOLATED_WEIGHT,
    MAX_LEARNT_FRAMES,
    VideoTrainingSet,
    _of_ranges,
    _of_tracks,
)
from backend.tracks import Keyframe, Track, VideoSize
from backend.types import Box, Frame

BOX: Box = (0.0, 0.0, 10.0, 10.0)
FAR: Box = (40.0, 0.0, 50.0, 10.0)


def clip(frames: int = 100, start: int = 0) -> Clip:
    def read(one: Clip, number: int) -> Frame:
        key = one.start + number
        return Frame(key, np.zeros((1, 1, 3), np.uint8), 64, 48, float(key))

    return Clip(1, VideoSize(64, 48, frames, 10.0), start, read)


def track(*keyframes: Keyframe, label: str = "a") -> Track:
    return Track(label, keyframes)


def span(label: str, start: int, end: int) -> Track:
    return track(Keyframe(start, BOX), Keyframe(end, BOX, False), label=label)


def learnt(training_set: VideoTrainingSet) -> dict[int, tuple[float, list[str]]]:
    return {
        one.frame.task - training_set.clip.start: (one.weight, [i.label for i in one.instances])
        for one in training_set.labeled
    }


def test_nothing_drawn() -> None:
    for training_set in (_of_tracks(clip(), ()), _of_ranges(clip(), ())):
        assert training_set.labeled == ()
        assert training_set.rest == training_set.unlabeled == list(range(1, 101))


def test_short_videos_are_looked_at_frame_by_frame_and_long_ones_now_and_then() -> None:
    assert clip(LOOKED_AT).looks == list(range(1, LOOKED_AT + 1))
    looks = clip(18_000).looks
    assert len(looks) == LOOKED_AT + 1
    assert (looks[0], looks[1], looks[-1]) == (1, 31, 18_000)


def test_names_of_frames_are_their_places_in_the_groups_time() -> None:
    training_set = _of_tracks(clip(start=5000), (track(Keyframe(7, BOX)),))
    [one] = training_set.labeled
    assert (one.frame.task, one.frame.order) == (5007, 5007.0)
    assert 7 not in training_set.rest


def test_interpolated_boxes_fill_frames_in_which_others_are_drawn_and_count_less() -> None:
    one = track(Keyframe(10, BOX), Keyframe(30, FAR))
    other = track(Keyframe(20, BOX), Keyframe(30, BOX), label="b")
    training_set = _of_tracks(clip(), (one, other))
    assert learnt(training_set) == {10: (1.0, ["a"]), 20: (INTERPOLATED_WEIGHT, ["a", "b"]), 30: (1.0, ["a", "b"])}
    assert training_set.labeled[1].instances[0].box == (20.0, 0.0, 30.0, 10.0)
    assert training_set.certain == {10, 30}
    assert 20 in training_set.rest
    assert 20 not in training_set.unlabeled


def test_a_box_that_the_player_only_holds_is_not_learnt() -> None:
    training_set = _of_tracks(clip(), (track(Keyframe(10, BOX)), track(Keyframe(5, BOX), Keyframe(40, BOX), label="b")))
    assert set(learnt(training_set)) == {5, 10}
    ended = _of_tracks(clip(), (track(Keyframe(10, BOX, False)), track(Keyframe(5, BOX), Keyframe(40, BOX), label="b")))
    assert learnt(ended)[40] == (1.0, ["b"])


def test_an_accepted_prediction_is_not_learnt_from_in_every_keyframe() -> None:
    training_set = _of_tracks(clip(500), (track(*(Keyframe(n, BOX) for n in range(1, 401))),))
    assert len(training_set.labeled) == MAX_LEARNT_FRAMES
    assert len(training_set.certain) == 400


def test_some_frames_of_each_range_are_learnt_and_none_outside() -> None:
    training_set = _of_ranges(clip(), (span("a", 1, 40), span("b", 50, 52)))
    found = learnt(training_set)
    assert [labels for _, labels in found.values()] == [["a"]] * FROM_RANGE + [["b"]] * 3
    assert all(1 <= n <= 40 or 50 <= n <= 52 for n in found)
    assert training_set.rest == [*range(41, 50), *range(53, 101)]


def test_ranges_may_overlap() -> None:
    found = learnt(_of_ranges(clip(), (span("a", 1, 4), span("b", 3, 6))))
    assert [labels for _, labels in found.values()] == [["a"]] * 2 + [["a", "b"]] * 2 + [["b"]] * 2


def test_a_class_drawn_alone_is_told_from_what_lies_outside() -> None:
    found = learnt(_of_ranges(clip(), (span("a", 21, 40),)))
    inside = {n for n, (_, labels) in found.items() if labels}
    assert len(inside) == len(found) - len(inside) == FROM_RANGE
    assert all(21 <= n <= 40 for n in inside)
    assert not any(21 <= n <= 40 for n in set(found) - inside)
