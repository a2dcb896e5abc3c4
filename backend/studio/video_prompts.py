"""Prompts on whole videos: the track that somebody has just drawn is answered in the frame of its last keyframe alone.

The editor asks when a region gets its label, accepts the answer at once and deletes what was drawn (1.23.2). So the answer
is the drawn track with that keyframe snapped; its other keyframes and where it ends stay as the person has them.
"""

from dataclasses import replace

from backend.studio import tags
from backend.studio.prompts import VIDEO, Question, Result, signed
from backend.studio.regions.item import value_of
from backend.tracks import Track, VideoSize
from backend.types import Box


def drawn_track(asked: Question, size: VideoSize) -> Track | None:
    """What was drawn last, with the label that is asked for; None where nothing of it is in the video."""
    item = {**asked.items[-1], "type": VIDEO, "from_name": asked.control.from_name}
    item["value"] = {**value_of(item), "labels": [asked.label]}
    tracks = tags.for_video(asked.control).read([item], asked.control, size).tracks
    return tracks[0] if tracks else None


def write_track(asked: Question, track: Track, box: Box, size: VideoSize, who: str) -> Result:
    """The result item of the drawn track with its last keyframe at a box, with a fresh id, and in its meta who found it."""
    snapped = replace(track.keyframes[-1], box=box, angle=0.0)
    answer = Track(asked.label, (*track.keyframes[:-1], snapped))
    return signed(tags.for_video(asked.control).write([answer], asked.control, size), who)
