"""From candidates to detections: count prior, and tracking where the frames are a film."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from backend.learning.detection.candidates import Candidates
from backend.learning.detection.config import DetectionConfig
from backend.learning.detection.count_prior import (
    VANISHED_FACTOR,
    no_more,
    nothing_missed,
    odds_in_time,
    odds_of_counts,
    odds_of_frames,
    vanished,
)
from backend.learning.detection.rotation import instance_of
from backend.learning.detection.turned import turned
from backend.learning.geometry.boxes import corners
from backend.learning.score import BOXES, IDENTITY, Calibration, frame_score
from backend.learning.tracking.detections import NO_TRACK, Detections
from backend.learning.tracking.film import is_film
from backend.learning.tracking.graph import Prior
from backend.learning.tracking.rules import TrackerRules
from backend.learning.tracking.tracker import Tracker
from backend.learning.tracking.tracklets import Tracklet
from backend.types import Box, Instance, LabeledFrame, Prediction

Array = NDArray[np.float64]
Boxes = TypeVar("Boxes", NDArray[np.float32], NDArray[np.float64])

GAP_SCORE_FACTOR = 0.7
"""Probability that a box that fills a gap is right, as a share of the weaker end's."""


@dataclass(frozen=True, slots=True, eq=False)
class FrameCandidates:
    """What the network sees in one frame."""

    task: int
    order: float | None
    size: tuple[int, int]
    """Width and height of the original frame, pixels."""
    candidates: Candidates


@dataclass(frozen=True, slots=True, eq=False)
class FrameDetections:
    """What is shown in one frame."""

    frame: FrameCandidates
    by_label: tuple[Detections, ...]
    """For each label, by its index."""
    calibration: Calibration = IDENTITY
    nothing_missed: float = 1.0
    """The probability that there are no more objects than are shown, as the labelled frames' counts and, of a film, the
    neighbours tell."""


def decide(
    frames: Sequence[FrameCandidates], labeled: Sequence[LabeledFrame], config: DetectionConfig
) -> list[FrameDetections]:
    """What to show in each frame, in the frames' order.

    Frames are compared as if all had the size of the first: what keeps its place in a frame stays where it is.
    """
    if not frames:
        return []
    canvas = frames[0].size
    alike, drawn = [_on_canvas(one, canvas) for one in frames], [_drawn_on_canvas(one, canvas) for one in labeled]
    found = [[_detections(one, index, config) for one in alike] for index in range(len(config.labels))]
    anchors = [_anchors(drawn, label, {one.order for one in alike}) for label in config.labels]
    film = config.linking and is_film(found, anchors)
    numbers = count(
        1 + max((i.track for one in labeled for i in one.instances if i.track is not None), default=NO_TRACK)
    )
    by_label = []
    for index, (own, labelled) in enumerate(zip(found, anchors, strict=True)):
        by_label.append(_linked(own, labelled, config, index, film, numbers))
    complete = _nothing_missed(frames, by_label, labeled, config, film)
    calibration = BOXES if config.calibration else IDENTITY
    return [
        FrameDetections(
            one,
            tuple(_inside(shown[i], canvas, one.size, config.turned) for shown in by_label),
            calibration,
            complete[i],
        )
        for i, one in enumerate(frames)
    ]


def _nothing_missed(
    frames: Sequence[FrameCandidates],
    by_label: Sequence[Sequence[Detections]],
    labeled: Sequence[LabeledFrame],
    config: DetectionConfig,
    film: bool,
) -> list[float]:
    """For each frame the probability that it holds no more objects of any label than are shown."""
    probable, orders = np.ones(len(frames)), [one.order for one in frames]
    whole = [one for one in labeled if one.complete]
    for label, detections, counts in zip(config.labels, by_label, config.counts, strict=True):
        shown = [len(one) for one in detections]
        known = [(one.frame.order, sum(i.label == label for i in one.instances)) for one in whole]
        odds = odds_of_frames(orders, known, counts) if config.count_prior else None
        if odds is not None:
            probable *= [nothing_missed(no_more(own, count)) for own, count in zip(odds, shown, strict=True)]
        if film:
            probable *= VANISHED_FACTOR ** vanished([one.order for one in detections], shown)
    return [float(one) for one in probable]


def _on_canvas(frame: FrameCandidates, canvas: tuple[int, int]) -> FrameCandidates:
    """The frame's candidates as if it had the size of the canvas."""
    if frame.size == canvas:
        return frame
    boxes = _stretched(frame.candidates.boxes, frame.size, canvas)
    return replace(frame, size=canvas, candidates=replace(frame.candidates, boxes=boxes))


def _drawn_on_canvas(labeled: LabeledFrame, canvas: tuple[int, int]) -> LabeledFrame:
    """The labelled boxes as if their frame had the size of the canvas."""
    size = labeled.frame.width, labeled.frame.height
    boxes = _stretched(corners(labeled.instances), size, canvas)
    moved = (replace(i, box=_box(row)) for i, row in zip(labeled.instances, boxes, strict=True))
    return labeled if size == canvas else replace(labeled, instances=tuple(moved))


def _stretched(boxes: Boxes, size: tuple[int, int], to: tuple[int, int]) -> Boxes:
    """(n, 4) boxes of a frame of this size, in one of the other."""
    return boxes * np.array([to[0] / size[0], to[1] / size[1]] * 2, boxes.dtype)


def _inside(shown: Detections, canvas: tuple[int, int], size: tuple[int, int], turned: bool) -> Detections:
    """Back in the frame's own size, and within it, which the smooth course of what leaves it may not be; a bounding box
    stays whole, since its middle is that of the box in it."""
    boxes = _stretched(shown.boxes, canvas, size)
    return replace(shown, boxes=boxes if turned else np.clip(boxes, 0, [*size, *size]))


def predictions(decided: Sequence[FrameDetections], labels: Sequence[str]) -> list[Prediction]:
    """As the other rooms see them."""
    by_label = [_turned(decided, index) for index in range(len(labels))]
    return [
        _prediction(one, labels, [None if turns is None else turns[at] for turns in by_label])
        for at, one in enumerate(decided)
    ]


def _turned(decided: Sequence[FrameDetections], index: int) -> list[Array] | None:
    """For each frame (n, 3) how the boxes of a label are turned that are shown in it; None: they are upright."""
    seen = [one.frame.candidates for one in decided]
    if any(one.turned is None for one in seen):
        return None
    own = [np.asarray(one.turned, np.float64)[one.classes == index] for one in seen]
    shown = [one.by_label[index] for one in decided]
    return turned([one.boxes for one in shown], [one.candidates for one in shown], own)


def _linked(
    frames: Sequence[Detections],
    anchors: Sequence[Detections],
    config: DetectionConfig,
    index: int,
    film: bool,
    numbers: Iterator[int],
) -> list[Detections]:
    """What is shown of one label in each frame; of a film with tracks, to which `numbers` give new identities."""
    known = [(one.order, len(one)) for one in anchors if one.complete]

    def prior(orders: Sequence[float]) -> Prior:
        if film and known and config.count_prior:
            return odds_in_time(orders, known)
        return [odds_of_counts(config.counts[index] if config.count_prior else ())] * len(orders)

    rules = TrackerRules(score_threshold=config.score_threshold, smooth=config.smoothing)
    tracks = Tracker(rules).link(frames, anchors, prior, film=film)
    return _by_frame(frames, [_numbered(track, numbers) for track in tracks] if film else tracks)


def _numbered(track: Tracklet, numbers: Iterator[int]) -> Tracklet:
    return track if track.identity != NO_TRACK else replace(track, identity=next(numbers))


def _by_frame(frames: Sequence[Detections], tracks: Sequence[Tracklet]) -> list[Detections]:
    """What the tracks show in each of the frames."""
    at: list[list[tuple[Tracklet, int]]] = [[] for _ in frames]
    for track in tracks:
        for n, t in enumerate(track.frames):
            at[t].append((track, n))
    return [
        Detections(
            order=frame.order,
            boxes=np.array([track.boxes[n] for track, n in shown]).reshape(-1, 4),
            scores=np.array([track.scores[n] for track, n in shown]),
            tracks=np.array([track.identity for track, _ in shown], np.int64),
            candidates=np.array([track.candidates[n] for track, n in shown], np.int64),
        )
        for frame, shown in zip(frames, at, strict=True)
    ]


def _detections(frame: FrameCandidates, index: int, config: DetectionConfig) -> Detections:
    own = np.flatnonzero(frame.candidates.classes == index)[: config.candidates(index)]
    boxes, scores = frame.candidates.boxes[own].astype(np.float64), frame.candidates.scores[own].astype(np.float64)
    return Detections(frame.order if frame.order is not None else np.nan, boxes, scores)


def _anchors(labeled: Sequence[LabeledFrame], label: str, taken: set[float | None]) -> list[Detections]:
    """What a person labelled: whole frames at times that are not taken, and keyframes of single objects at any time."""
    placed = [(one, one.frame.order) for one in labeled if one.frame.order is not None]
    found = [_anchor(one, order, label) for one, order in placed if not (one.complete and order in taken)]
    return [one for one in found if one.complete or len(one)]


def _anchor(labeled: LabeledFrame, order: float, label: str) -> Detections:
    own = [i for i in labeled.instances if i.label == label]
    return Detections(
        order=float(order),
        boxes=corners(own),
        scores=np.ones(len(own)),
        complete=labeled.complete,
        drawn=np.array([not i.accepted for i in own], bool),
        tracks=np.array([NO_TRACK if i.track is None else i.track for i in own], np.int64),
    )


def _box(row: Array) -> Box:
    return float(row[0]), float(row[1]), float(row[2]), float(row[3])


def _prediction(decided: FrameDetections, labels: Sequence[str], turns: Sequence[Array | None]) -> Prediction:
    instances = list[Instance]()
    for label, shown, own in zip(labels, decided.by_label, turns, strict=True):
        scores = decided.calibration.shown(shown.scores)
        for n, (box, score, track) in enumerate(zip(shown.boxes, scores, shown.tracks, strict=True)):
            identity = None if track == NO_TRACK else int(track)
            if own is not None:
                instances.append(replace(instance_of(box, own[n], label, float(score)), track=identity))
            elif box[2] > box[0] and box[3] > box[1]:
                instances.append(Instance(label, _box(box), float(score), track=identity))
    return Prediction(decided.frame.task, tuple(instances), _untouched(decided))


def _untouched(decided: FrameDetections) -> float:
    """How probable it is that every shown box is right, no other candidate is, and nothing is missing."""
    right, wrong, candidates = list[Array](), list[Array](), decided.frame.candidates
    for index, shown in enumerate(decided.by_label):
        own = candidates.scores[candidates.classes == index].astype(np.float64)
        rejected = np.delete(own, shown.candidates[shown.candidates >= 0])
        right.append(decided.calibration.shown(shown.scores) * np.where(shown.candidates < 0, GAP_SCORE_FACTOR, 1.0))
        wrong.append(decided.calibration.rejected(rejected))
    return frame_score(np.concatenate(right), np.concatenate(wrong), decided.nothing_missed)
