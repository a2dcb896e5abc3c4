"""What a micro-model says of each track of a whole video: one class for all of its frames, as the editor keeps it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import mean
from typing import TYPE_CHECKING

import numpy as np

from backend.loop.data.video_frames import ClipFrames
from backend.loop.data.video_training_set import VideoTrainingSet
from backend.tracks import Track, VideoPrediction
from backend.types import Control, Instance, Prediction

if TYPE_CHECKING:
    from backend.learning.method import MicroModel

LOOKS = 8
"""Frames of a track that are looked at, evenly spread: neighbours look alike."""
LIKELY = 0.5
"""Mean probability from which one of several classes is shown."""


def predict_attributes(
    model: "MicroModel",
    control: Control,
    training_sets: Sequence[VideoTrainingSet],
    tracks: Mapping[int, Sequence[Track]],
) -> list[VideoPrediction]:
    """One prediction for each video: the classes of these tracks of it, by task. What a person said of one stays."""
    return [_predict(model, control, one, tracks.get(one.clip.task, ())) for one in training_sets]


def _predict(
    model: "MicroModel", control: Control, training_set: VideoTrainingSet, tracks: Sequence[Track]
) -> VideoPrediction:
    clip, drawn = training_set.clip, {one.region_id for one in training_set.tracks}
    said = [one for one in training_set.tracks if one.region_id in {track.region_id for track in tracks}]
    boxes = defaultdict[int, list[Instance]](list)
    for track in tracks:
        if track.region_id not in drawn:
            for number in _looks(track, clip.size.frames):
                if (at := track.at(number)) is not None:
                    boxes[clip.start + number].append(Instance(track.label, at.bounds, region_id=track.region_id))
    frames = ClipFrames([(clip, key - clip.start) for key in sorted(boxes)])
    found = model.predict(frames, (), boxes) if len(frames) else []
    open_ = [track for track in tracks if track.region_id not in drawn]
    said += [
        one for track in open_ for one in _classes(track, found, control.multiple, len(_looks(track, clip.size.frames)))
    ]
    return VideoPrediction(clip.task, clip.size, tuple(said), mean(one.score for one in found) if found else 1.0)


def _looks(track: Track, frames: int) -> list[int]:
    """Numbers of frames in which the track is seen."""
    seen = [n for first, last in track.lifespans(frames) for n in range(first, last + 1)]
    return sorted({seen[int(at)] for at in np.linspace(0, len(seen) - 1, LOOKS).round()}) if seen else []


def _classes(track: Track, found: Sequence[Prediction], multiple: bool, looks: int) -> list[Track]:
    """The track with each class that it has, by the mean over so many looks."""
    scores = defaultdict[str, float](float)
    for one in (one for p in found for one in p.instances if one.region_id == track.region_id):
        scores[one.label] += one.score / looks
    ranked = sorted(scores, key=lambda label: -scores[label])
    shown = [label for label in ranked if scores[label] >= LIKELY] if multiple else ranked[:1]
    return [Track(label, track.keyframes, min(scores[label], 1.0), track.region_id) for label in shown]
