"""Identities in whole videos: IDF1 and identity switches of tracks, from a few keyframes, on labelled groups of several objects.

    python -m tests.benchmarks.tracking ../shared/data/detection --only tud_campus pets_s3mf1 [--labels 5] [--set steps=80 ...]

Needs `pip install -e '.[bench]'`. Each object has a keyframe in each labelled frame in which it is, and one where it leaves
before the next of these. The identity of an object is its `id` in labels.json; without these, that of its label.
"""

import argparse
import time
from itertools import pairwise
from pathlib import Path

import motmetrics
import numpy as np

from backend.learning.detection import micro_model, training
from backend.learning.detection.evaluation import evaluate
from backend.learning.detection.recipe import DetectionRecipe
from backend.learning.fitting.training_input import TrainingInput
from backend.learning.geometry.boxes import corners, ious
from backend.loop.data.video_frames import Clip
from backend.loop.data.video_training_set import _of_tracks
from backend.loop.predict.video_predict import predict_clips
from backend.tracks import Keyframe, Track, VideoSize
from backend.types import Control, Frame, Head, Instance, LabeledFrame, Media, Prediction
from tests.benchmarks.group import Group, changed, chosen, parser, run

MIN_IOU = 0.5
"""From which a track's box is that of the true object."""
Truth = list[tuple[Instance, ...]]
"""What is in each frame; `region_id` says which object it is."""


def drawn_tracks(truth: Truth, at: list[int]) -> tuple[Track, ...]:
    """What a person draws in the frames `at`, which are in order of time."""
    tracks = list[Track]()
    for name, label in dict.fromkeys((i.region_id, i.label) for t in at for i in truth[t]):
        boxes = {t: i.box for t, found in enumerate(truth) for i in found if (i.region_id, i.label) == (name, label)}
        keyframes = {t: Keyframe(t + 1, boxes[t]) for t in at if t in boxes}
        for t, after in pairwise(at):
            if t in boxes and after not in boxes:
                last = max(n for n in boxes if n < after)
                keyframes[last] = Keyframe(last + 1, boxes[last], enabled=False)
        tracks.append(Track(label, tuple(keyframes[t] for t in sorted(keyframes)), region_id=name))
    return tuple(tracks)


def identities(truth: Truth, tracks: tuple[Track, ...]) -> dict[str, float]:
    """IDF1, and how often an object gets another track."""
    accumulator, names = motmetrics.MOTAccumulator(auto_id=True), dict[tuple[str | None, str], int]()
    for t, true in enumerate(truth):
        shown = [(n, Instance(track.label, box)) for n, track in enumerate(tracks) if (box := track.box_at(t + 1))]
        overlap = ious(corners(true), corners([i for _, i in shown]))
        same = np.array([[a.label == b.label for _, b in shown] for a in true], bool).reshape(overlap.shape)
        distances = np.where((overlap >= MIN_IOU) & same, 1 - overlap, np.nan)
        objects = [names.setdefault((i.region_id, i.label), len(names)) for i in true]
        accumulator.update(objects, [n for n, _ in shown], distances)
    found = motmetrics.metrics.create().compute(accumulator, metrics=["idf1", "num_switches"])
    return {
        "idf1": float(found.idf1.iloc[0]),
        "switches": float(found.num_switches.iloc[0]),
        "objects": float(len(names)),
    }


def measure(folder: Path, args: argparse.Namespace, seed: int) -> dict[str, float]:
    group = Group(folder)
    truth, at = [group.truth(t) for t in range(len(group))], sorted(chosen(group, args.labels))
    recipe = changed(DetectionRecipe(), args.changes)
    labeled, labels = [group.labeled(t) for t in at], group.data_set.classes
    given = TrainingInput(labeled=labeled, unlabeled=group.without(at), labels=labels, seed=seed)
    trained = training.train(given, recipe)
    first = group[0]
    size = VideoSize(first.width, first.height, len(group), 10.0)
    training_set = _of_tracks(Clip(1, size, 0, lambda _, n: _numbered(group[n - 1])), drawn_tracks(truth, at))
    control = Control(
        "box", "video", "VideoRectangle", Head.DETECTION, group.data_set.classes, "video", media=Media.VIDEO
    )
    began = time.perf_counter()
    [prediction] = predict_clips(micro_model.load(trained.weights, "auto"), control, [training_set])
    shown = [
        Prediction(t, tuple(Instance(one.label, box) for one in prediction.tracks if (box := one.box_at(t + 1))), 1.0)
        for t in range(len(group))
        if t not in at
    ]
    others = [LabeledFrame(Frame(one.task, first.image, 1, 1), truth[one.task]) for one in shown]
    return {
        "f1": evaluate(shown, others).f1 or 0.0,
        "f1@.7": evaluate(shown, others, 0.7).f1 or 0.0,
        **identities(truth, prediction.tracks),
        "tracks": float(len(prediction.tracks)),
        "predict_s": time.perf_counter() - began,
    }


def _numbered(frame: Frame) -> Frame:
    """As a frame of a video, counted from 1."""
    return Frame(frame.task + 1, frame.image, frame.width, frame.height, float(frame.task + 1))


if __name__ == "__main__":
    run(parser(__doc__).parse_args(), measure)
