"""Quality and seconds of pose micro-models on labelled groups, without Label Studio.

    python -m tests.benchmarks.pose ../shared/data/pose [--only NAME ...] [--labels 5] [--set steps=80 ...]

A group is a folder as `backend.demo.folder` reads it. As many frames as asked for, evenly spread, are labelled; all
others are predicted and scored as returned. Where frames hold several objects their true boxes, or with --boxes those
of a detection micro-model, are the parents.
"""

import argparse
import dataclasses
import pickle
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment

from backend.learning.detection import micro_model as boxes_model
from backend.learning.detection import training as boxes_training
from backend.learning.detection.recipe import DetectionRecipe
from backend.learning.fitting.training_input import EnclosingBoxes, TrainingInput
from backend.learning.pose import micro_model, training
from backend.learning.pose.recipe import PoseRecipe
from backend.types import Frame, Instance, LabeledFrame, Prediction
from tests.benchmarks.group import Group, changed, chosen, parser, run

Places = dict[str, tuple[float, float]]


class PoseGroup(Group):
    """The frames of one folder, with objects that points can hang on."""

    def truth(self, at: int) -> tuple[Instance, ...]:
        return tuple(dataclasses.replace(one, region_id=f"{at}-{i}") for i, one in enumerate(super().truth(at)))


def scored(predictions: Sequence[Prediction], truth: Mapping[int, Sequence[Instance]]) -> dict[str, float]:
    """Mean error in pixels over keypoints that both have, and the shares of true ones that are found."""
    errors: list[float] = []
    relative: list[float] = []
    true = shown = 0
    for one in predictions:
        drawn = truth[one.task]
        true += sum(len(i.keypoints) for i in drawn)
        shown += sum(len(i.keypoints) for i in one.instances)
        cost = np.array([[_distance(p, t) for t in drawn] for p in one.instances]).reshape(-1, len(drawn))
        for i, j in zip(*linear_sum_assignment(cost), strict=True):
            if cost[i, j] < 1e9:
                x0, y0, x1, y1 = drawn[j].box
                found = _errors(one.instances[i], drawn[j])
                errors += found
                relative += [e / float(np.hypot(x1 - x0, y1 - y0)) for e in found]
    return {
        "error_px": float(np.mean(errors)) if errors else float("nan"),
        "median_px": float(np.median(errors)) if errors else float("nan"),
        "p95_px": float(np.percentile(errors, 95)) if errors else float("nan"),
        "pck@5": sum(e <= 0.05 for e in relative) / true,
        "pck@10": sum(e <= 0.1 for e in relative) / true,
        "missed": 1 - len(errors) / true,
        "surplus": 1 - len(errors) / max(shown, 1),
    }


def _places(instance: Instance) -> Places:
    return {point.label: (point.x, point.y) for point in instance.keypoints}


def _errors(a: Instance, b: Instance) -> list[float]:
    left, right = _places(a), _places(b)
    return [float(np.hypot(*np.subtract(left[name], right[name]))) for name in left.keys() & right.keys()]


def _distance(a: Instance, b: Instance) -> float:
    return float(np.mean(errors)) if (errors := _errors(a, b)) else 1e9


def boxes_by_detection(labeled: Sequence[LabeledFrame], others: Sequence[Frame], seed: int) -> EnclosingBoxes:
    """As the rectangle control's own micro-model gives them, trained just before, as the loop does."""
    kinds = tuple(sorted({i.label for f in labeled for i in f.instances}))
    given = TrainingInput(labeled=labeled, unlabeled=others, labels=kinds, seed=seed)
    model = boxes_model.load(boxes_training.train(given, DetectionRecipe()).weights)
    return {p.task: p.instances for p in model.predict(others, labeled)}


def measure(folder: Path, args: argparse.Namespace, seed: int) -> dict[str, float]:
    group = PoseGroup(folder)
    at = chosen(group, args.labels)
    labeled, others = [group.labeled(i) for i in at], group.without(at)
    truth = {i: group.truth(i) for i in others.indices}
    parents: EnclosingBoxes | None = None
    if group.parented:
        parents = boxes_by_detection(labeled, others, seed) if args.boxes else truth
    recipe = changed(PoseRecipe(), args.changes)
    began, cpu = time.perf_counter(), time.process_time()
    given = TrainingInput(labeled=labeled, unlabeled=others, labels=group.data_set.classes, seed=seed)
    trained = training.train(given, recipe)
    middle, cpu_middle = time.perf_counter(), time.process_time()
    predictions = micro_model.load(trained.weights).predict(others, labeled, parents)
    if args.dump:
        args.dump.mkdir(parents=True, exist_ok=True)
        (args.dump / f"{folder.name}.pickle").write_bytes(pickle.dumps((predictions, truth, trained.weights)))
    return {
        **scored(predictions, truth),
        "train_s": middle - began,
        "predict_s": time.perf_counter() - middle,
        "train_cpu": cpu_middle - cpu,
        "predict_cpu": time.process_time() - cpu_middle,
        "MB": sum(array.nbytes for array in trained.weights.arrays.values()) / 1e6,
    }


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--boxes", action="store_true", help="parents from a detection micro-model, not the true ones")
    options.add_argument("--dump", type=Path)
    run(options.parse_args(), measure)


if __name__ == "__main__":
    main()
