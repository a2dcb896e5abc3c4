"""Identity through the frames of a group whose tasks are single images: nobody drew it, so the boxes are linked."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from backend.datasets import Item
from backend.instances import NO_TRACK, Instances
from backend.learning.tracking.detections import Detections
from backend.learning.tracking.graph import Prior
from backend.learning.tracking.rules import TrackerRules
from backend.learning.tracking.tracker import Tracker

KNOWN = TrackerRules(score_threshold=0.01, prior_weight=0.0)
"""What is exported is there, however sure a micro-model was of it: the tracker has only to say what is the same object."""


def link(items: Iterable[Item]) -> Mapping[tuple[str, str], Sequence[int]]:
    """{key of a frame: the track of each of its objects, from 1} of one group, in order of time; nothing for a group whose
    objects are followed already."""
    keys, numbers, objects = list[tuple[str, str]](), list[int](), list[Instances]()
    for item in items:
        if (item.objects.track != NO_TRACK).any():
            return {}
        keys.append(item.key)
        numbers.append(item.number)
        objects.append(item.objects.with_columns(mask=None))
    tracks, count = [np.full(len(one), NO_TRACK) for one in objects], 0
    for label in dict.fromkeys(label for one in objects for label in one.label.tolist()):
        rows = [np.flatnonzero(one.label == label) for one in objects]
        frames = [
            Detections(float(number), one.xyxy[mine], one.score[mine])
            for number, one, mine in zip(numbers, objects, rows, strict=True)
        ]
        for tracklet in Tracker(KNOWN).link(frames, (), _no_prior):
            count += 1
            for frame, candidate in zip(tracklet.frames.tolist(), tracklet.candidates.tolist(), strict=True):
                if candidate >= 0:  # others fill gaps
                    tracks[frame][rows[frame][candidate]] = count
    return {key: found.tolist() for key, found in zip(keys, tracks, strict=True)}


def _no_prior(orders: Sequence[float]) -> Prior:
    """Any number of objects is as probable."""
    return [[0.0]] * len(orders)
