"""Predictions for whole videos: detections in single frames, put together over time."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

from backend.learning.video.frames import VideoFrame
from backend.learning.video.keyframes import reduce_keyframes
from backend.learning.video.ranges import ranges
from backend.learning.video.rotation import has_angles, restore_angles, upright_track
from backend.learning.video.tracks import to_tracks
from backend.loop.data.video_frames import ClipFrames
from backend.loop.data.video_training_set import VideoTrainingSet
from backend.tracks import VideoPrediction
from backend.types import Control, Head, Prediction

if TYPE_CHECKING:
    from backend.learning.method import MicroModel


def predict_clips(
    model: "MicroModel", control: Control, training_sets: Sequence[VideoTrainingSet]
) -> list[VideoPrediction]:
    """One prediction for each video, labelled or not: a few keyframes are drawn, the whole is wanted."""
    return [_predict(model, control, training_set) for training_set in training_sets]


def _predict(model: "MicroModel", control: Control, training_set: VideoTrainingSet) -> VideoPrediction:
    clip = training_set.clip
    frames = ClipFrames([(clip, number) for number in training_set.rest])
    found = model.predict(frames, training_set.anchors) if len(frames) else []
    seen = _frames(training_set, found)
    if control.head is Head.CLASSIFICATION:
        tracks = ranges(seen, training_set.tracks, clip.size.frames)
    else:
        # The drawn tracks come first, in their order.
        kept = [{one.frame for one in track.keyframes} for track in training_set.tracks]
        size = clip.size.width, clip.size.height
        whole = to_tracks(seen, [upright_track(track, size) for track in training_set.tracks])
        tracks = [reduce_keyframes(track, kept[n] if n < len(kept) else ()) for n, track in enumerate(whole)]
        as_seen = {one.task - clip.start: one.instances for one in found}
        if has_angles(training_set.tracks, as_seen):
            tracks = [restore_angles(track, as_seen, own) for track, own in zip_longest(tracks, training_set.tracks)]
    score = sum(one.score for one in found) / len(found) if found else 1.0
    return VideoPrediction(clip.task, clip.size, tuple(tracks), score)


def _frames(training_set: VideoTrainingSet, found: Sequence[Prediction]) -> list[VideoFrame]:
    """What is seen, and where a person has seen everything, in order of time."""
    seen = [
        VideoFrame(one.task - training_set.clip.start, tuple(instance.upright() for instance in one.instances))
        for one in found
    ]
    return sorted(
        [*seen, *(VideoFrame(n, (), complete=True) for n in training_set.certain)], key=lambda one: one.number
    )
