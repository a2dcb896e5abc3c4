"""Where a micro-model starts: quality and seconds after each kind of start, on labelled groups, without Label Studio.

    python -m tests.benchmarks.starts ../shared/data/detection [--only NAME ...] [--on NAME ...] [--counts 2 5]

All groups of the folder (with --only, these) are taken as one project with one label. Each group (with --on, these) is
trained from each start: the bare backbone; the project's parent, trained on five
frames of every other group; the sibling, which is the nearest other group by what the backbone sees, trained on five
frames. "as it is" is what the start itself proposes, before any label. One that does poorly on the labels is, as in the
product, no sibling: what it learnt is a start like the project's parent.
"""

import argparse
import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backend.learning import methods
from backend.learning.fitting.recipe import HeadRecipe
from backend.learning.fitting.training_input import TrainingInput
from backend.learning.network import features, threads
from backend.loop.review.difficulty import POOR_SCORE
from backend.loop.train.initialization import SAMPLED_FRAMES, as_start, feature_distance
from backend.loop.train.project_model import STEPS_FACTOR
from backend.types import Control, Frame, Head, Instance, LabeledFrame, Start, Weights
from tests.benchmarks.group import Group, changed, chosen, parser
from tests.benchmarks.pose import PoseGroup

BACKBONE = "tf_efficientnet_lite0"
TAUGHT = 5
"""Labelled frames of a group that others start from."""
TAGS = {
    Head.DETECTION: "RectangleLabels",
    Head.SEGMENTATION: "BrushLabels",
    Head.POSE: "KeyPointLabels",
    Head.CLASSIFICATION: "Choices",
}


class Clip:
    """One group, with labels as one project would have them."""

    def __init__(self, folder: Path, changes: Sequence[str]) -> None:
        self.name, self.changes = folder.name, changes
        head = Head(folder.parent.name)
        self.group = PoseGroup(folder) if head is Head.POSE else Group(folder)
        classes = self.group.data_set.classes
        self.renamed = head in (Head.DETECTION, Head.SEGMENTATION) and len(classes) == 1
        labels = ("object",) if self.renamed else classes
        parent = "box" if head is Head.POSE and self.group.parented else None
        self.control = Control("label", "image", TAGS[head], head, labels, "image", boxes_from=parent)

    def truth(self, at: int) -> tuple[Instance, ...]:
        found = self.group.truth(at)
        return tuple(dataclasses.replace(i, label="object") for i in found) if self.renamed else found

    def labeled(self, at: Sequence[int]) -> list[LabeledFrame]:
        return [LabeledFrame(self.group[i], self.truth(i)) for i in at]

    def sample_features(self) -> NDArray[np.float32]:
        at = np.linspace(0, len(self.group) - 1, SAMPLED_FRAMES).round().astype(int)
        return features.vectors((self.group[int(i)] for i in at), BACKBONE).astype(np.float32)

    def recipe(self, effort: float = 1.0) -> HeadRecipe:
        return changed(methods.recipe_for(self.control, BACKBONE, effort), self.changes)


def trained(
    clip: Clip, count: int, start: Weights | None, seed: int, effort: float = 1.0
) -> tuple[Weights, float | None, float]:
    """Weights; quality of the predictions of all other frames; seconds from the labels to them."""
    at = chosen(clip.group, count, seed)
    labeled, others, began = clip.labeled(at), clip.group.without(at), time.perf_counter()
    given = TrainingInput(
        labeled=labeled, unlabeled=others, labels=clip.control.labels, start=start, device="cpu", seed=seed
    )
    done = methods.train(clip.control, given, clip.recipe(effort))
    score, seconds = quality(clip, done.weights, labeled, others, began)
    return done.weights, score, seconds


def quality(
    clip: Clip, weights: Weights, labeled: Sequence[LabeledFrame], others: Group, began: float
) -> tuple[float | None, float]:
    """Of the predictions of these frames, and the seconds since it began."""
    blank, (width, height) = np.zeros((1, 1, 3), np.uint8), (others[0].width, others[0].height)
    truth = [LabeledFrame(Frame(i, blank, width, height), clip.truth(i)) for i in others.indices]
    parents = {t.frame.task: t.instances for t in truth} if clip.control.boxes_from else None
    found = methods.load(weights, "cpu").predict(others, labeled, parents)
    seconds = time.perf_counter() - began
    return methods.evaluate(clip.control.head, found, truth).score, seconds


def parent_of(clips: Sequence[Clip], seed: int) -> Weights:
    """The project's parent over these groups."""
    every = [frame for clip in clips for frame in clip.labeled(chosen(clip.group, TAUGHT, seed))]
    frames = [
        dataclasses.replace(f, frame=dataclasses.replace(f.frame, task=n, order=None)) for n, f in enumerate(every)
    ]
    given = TrainingInput(labeled=frames, labels=clips[0].control.labels, device="cpu", seed=seed)
    return methods.train(clips[0].control, given, clips[0].recipe(STEPS_FACTOR)).weights


def sibling_of(clip: Clip, others: Sequence[Clip], seed: int) -> tuple[Weights, str]:
    """The nearest other group's version, and which that is."""
    own = clip.sample_features()
    distance, near = min(((feature_distance(own, c.sample_features()), c) for c in others), key=lambda pair: pair[0])
    return trained(near, TAUGHT, None, seed)[0], f"{near.name}, {distance:.2f} away"


def measure(clip: Clip, clips: Sequence[Clip], counts: Sequence[int], kinds: Sequence[str], seed: int) -> None:
    others = [c for c in clips if c is not clip and c.control == clip.control]
    for kind in kinds:
        weights, note = None, ""
        if kind == Start.PROJECT and len(others) > 1:
            weights, note = parent_of(others, seed), f"{len(others)} other groups"
        elif kind == Start.SIBLING and others:
            weights, note = sibling_of(clip, others, seed)
        if weights is None and kind != Start.BACKBONE:
            continue
        start = None if weights is None else as_start(weights, Start(kind))
        if start is not None:
            found = quality(clip, methods.for_other_group(start), (), clip.group, time.perf_counter())
            told(clip, kind, 0, *found, f"as it is; {note}")
        for count in counts:
            stranger = kind == Start.SIBLING and start is not None and not fits_labels(clip, start, count, seed)
            chosen_start = as_start(start, Start.PROJECT) if start is not None and stranger else start
            shown = f"{note}; does poorly on the labels" if stranger else note
            told(clip, kind, count, *trained(clip, count, chosen_start, seed)[1:], shown)


def fits_labels(clip: Clip, weights: Weights, count: int, seed: int) -> bool:
    """Whether what another group's version says about the labelled frames, each by itself, is not poor."""
    labeled = clip.labeled(chosen(clip.group, count, seed))
    frames = [dataclasses.replace(one.frame, order=None) for one in labeled]
    parents = {one.frame.task: one.instances for one in labeled} if clip.control.boxes_from else None
    found = methods.load(methods.for_other_group(weights), "cpu").predict(frames, (), parents)
    return (methods.evaluate(clip.control.head, found, labeled).score or 0.0) >= POOR_SCORE


def told(clip: Clip, kind: str, count: int, score: float | None, seconds: float, note: str) -> None:
    shown = "    -" if score is None else f"{score:.3f}"
    print(f"{clip.name:18} {kind:10} {count} labels  {shown}  {seconds:5.0f} s  {note}", flush=True)


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--on", nargs="*", default=[])
    arguments.add_argument("--counts", nargs="*", type=int, default=[2, 5])
    arguments.add_argument("--starts", nargs="*", default=[kind for kind in Start if kind is not Start.SERVING])
    args: argparse.Namespace = arguments.parse_args()
    threads.use_threads(args.threads)
    folders = sorted(p for p in args.data.iterdir() if (p / "labels.json").exists())
    clips = [Clip(p, args.changes) for p in folders if not args.only or any(name in p.name for name in args.only)]
    for clip in clips:
        if not args.on or any(name in clip.name for name in args.on):
            for seed in args.seeds:
                measure(clip, clips, args.counts, args.starts, seed)


if __name__ == "__main__":
    main()
