"""Identity through the frames of a group whose tasks are single images: nobody drew it, so the boxes are linked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from backend.datasets import Item
from backend.instances import NO_TRACK
from backend.learning.tracking.detections import NO_CANDIDATE, Detections, Ints
from backend.learning.tracking.graph import Prior
from backend.learning.tracking.tracker import Tracker
from backend.learning.tracking.tracklets import Tracklet

MIN_FRAMES = 2
"""In which an object is seen that has a track, if there are as many frames."""


def link(items: Iterable[Item]) -> Mapping[tuple[str, str], Sequence[int]]:
    """{key of a frame: the track of each of its objects, from 1} of one group, in order of time; nothing for a group whose
    objects are followed already. What flickers up in one frame of many has no track."""
    # Without masks: those of a long group would not fit into memory.
    frames = [replace(item, objects=item.objects.with_columns(mask=None)) for item in items]
    if any((item.objects.track != NO_TRACK).any() for item in frames):
        return {}
    found = [np.full(len(item.objects.label), NO_TRACK) for item in frames]
    number = 0
    for label in sorted({str(name) for item in frames for name in item.objects.label}):
        own = [np.flatnonzero(item.objects.label == label) for item in frames]
        for track in _tracks(frames, own):
            seen = [(t, c) for t, c in zip(track.frames, track.candidates, strict=True) if c != NO_CANDIDATE]
            if len(seen) >= min(MIN_FRAMES, len(frames)):
                number += 1
                for t, candidate in seen:
                    found[t][own[t][candidate]] = number
    return {item.key: tracks.tolist() for item, tracks in zip(frames, found, strict=True)}


def _tracks(frames: Sequence[Item], own: Sequence[Ints]) -> list[Tracklet]:
    """The tracks through those objects of the frames that have these indices."""
    detections = [
        Detections(
            float(item.number),
            item.objects.xyxy[mine].astype(np.float64).reshape(-1, 4),
            item.objects.score[mine].astype(np.float64),
        )
        for item, mine in zip(frames, own, strict=True)
    ]
    return Tracker().link(detections, (), _nothing_known)


def _nothing_known(orders: Sequence[float]) -> Prior:
    """That an object more is as likely as not."""
    return [[0.0]] * len(orders)
