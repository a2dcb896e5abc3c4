"""Quality and seconds of pose micro-models on labelled groups, without Label Studio.

    python tests/benchmarks/pose.py ../shared/data/pose [--only NAME ...] [--labels 5] [--set steps=80 ...]

A group is a folder with `frames/` and `labels.json` (keypoints; frames: file, objects: label, box, keypoints x, y, v).
As many frames as asked for, evenly spread, are labelled; all others are predicted and scored as returned. Where frames
hold several objects their true boxes, or with --boxes those of a detection micro-model, are the parents.
"""

import argparse
import dataclasses
import pickle
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment

from backend.learning import micro_model as boxes_model
from backend.learning import training as boxes_training
from backend.learning.pose import micro_model, training
from backend.learning.pose.recipe import PoseRecipe
from backend.learning.recipes import DetectionRecipe
from backend.types import Frame, Instance, Keypoint, LabeledFrame, Prediction
from tests.benchmarks.learning import Group

Places = dict[str, tuple[float, float]]


class PoseGroup(Group):
    """The frames of one folder, decoded when indexed."""

    def truth(self, at: int) -> tuple[Instance, ...]:
        names, objects = self.schema["keypoints"], self.schema["frames"][at]["objects"]
        return tuple(
            Instance(
                o["label"] if self.parented else "",
                tuple(o["box"]),
                region_id=f"{at}-{i}",
                keypoints=tuple(
                    Keypoint(name, k[0], k[1]) for name, k in zip(names, o["keypoints"], strict=True) if k[2] > 0
                ),
            )
            for i, o in enumerate(objects)
        )

    @property
    def parented(self) -> bool:
        return max(len(frame["objects"]) for frame in self.schema["frames"]) > 1


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


def predicted_boxes(labeled: Sequence[LabeledFrame], others: Sequence[Frame], seed: int) -> dict[int, Any]:
    """As the rectangle control's own micro-model gives them."""
    kinds = tuple(sorted({i.label for f in labeled for i in f.instances}))
    trained = boxes_training.train(labeled, others, kinds, DetectionRecipe(), seed=seed)
    return {p.task: p.instances for p in boxes_model.load(trained.weights).predict(others, labeled)}


def measure(
    folder: Path, labels: int, recipe: PoseRecipe, seed: int, boxes: bool, dump: Path | None
) -> dict[str, float]:
    group = PoseGroup(folder)
    count = len(group)
    chosen = sorted({round(float(i)) for i in np.linspace(0, count - 1, labels + 2)[1:-1]})
    labeled = [LabeledFrame(group[i], group.truth(i)) for i in chosen]
    others = PoseGroup(folder, [i for i in range(count) if i not in chosen])
    truth = {i: group.truth(i) for i in others.indices}
    parents = predicted_boxes(labeled, others, seed) if boxes and group.parented else truth
    began, cpu = time.perf_counter(), time.process_time()
    trained = training.train(
        labeled,
        others,
        tuple(group.schema["keypoints"]),
        recipe,
        seed=seed,
        parents=parents if group.parented else {},
    )
    middle, cpu_middle = time.perf_counter(), time.process_time()
    predictions = micro_model.load(trained.weights).predict(others, labeled, parents if group.parented else {})
    if dump:
        dump.mkdir(parents=True, exist_ok=True)
        (dump / f"{folder.name}.pickle").write_bytes(pickle.dumps((predictions, truth, trained.weights)))
    return {
        **scored(predictions, truth),
        "train_s": middle - began,
        "predict_s": time.perf_counter() - middle,
        "train_cpu": cpu_middle - cpu,
        "predict_cpu": time.process_time() - cpu_middle,
        "MB": sum(array.nbytes for array in trained.weights.arrays.values()) / 1e6,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--labels", type=int, default=5)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--boxes", action="store_true", help="parents from a detection micro-model, not the true ones")
    parser.add_argument("--set", nargs="*", default=[], dest="changes")
    parser.add_argument("--dump", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    recipe = PoseRecipe()
    for change in args.changes:
        name, value = change.split("=")
        recipe = dataclasses.replace(recipe, **{name: type(getattr(recipe, name))(value)})
    for folder in sorted(args.data.iterdir()):
        if args.only and not any(name in folder.name for name in args.only):
            continue
        for seed in args.seeds:
            row = measure(folder, args.labels, recipe, seed, args.boxes, args.dump)
            print(f"{folder.name:16}", *(f"{k} {v:.3f}" for k, v in row.items()), flush=True)


if __name__ == "__main__":
    main()
