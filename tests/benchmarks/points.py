"""Quality and seconds of micro-models of points, on the centres of the boxes of labelled groups.

    python -m tests.benchmarks.points ../shared/data/detection --only blood_cells nuclei_many [--set steps=80 ...]

A point in the middle of each box, as somebody who counts would set it. As many frames as asked for, evenly spread, are
labelled; all others are predicted and scored as returned, within half the spacing and within a quarter.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from backend.learning.fitting.training_input import TrainingInput
from backend.learning.points import micro_model, training
from backend.learning.points.evaluation import evaluate, matches
from backend.learning.points.recipe import PointsRecipe
from backend.types import Frame, Instance, Keypoint, LabeledFrame, Prediction
from tests.benchmarks.group import Group, changed, chosen, parser, run


class Centres(Group):
    """A group with a point in the middle of each box."""

    def truth(self, at: int) -> tuple[Instance, ...]:
        return tuple(centred(one) for one in super().truth(at))


def centred(one: Instance) -> Instance:
    x0, y0, x1, y1 = one.box
    return Instance(one.label, one.box, keypoints=(Keypoint(one.label, (x0 + x1) / 2, (y0 + y1) / 2),))


def counted(predictions: list[Prediction], truth: list[LabeledFrame]) -> float:
    """Mean error of a frame's number of points, as a share of the mean number."""
    wrong = [abs(len(p.instances) - len(t.instances)) for p, t in zip(predictions, truth, strict=True)]
    return float(np.sum(wrong) / max(sum(len(t.instances) for t in truth), 1))


def measure(folder: Path, args: argparse.Namespace, seed: int) -> dict[str, float]:
    group = Centres(folder, ordered=not args.unordered)
    at = chosen(group, args.labels)
    labeled, others = [group.labeled(i) for i in at], group.without(at)
    began = time.process_time()
    recipe = changed(PointsRecipe(), args.changes)
    given = TrainingInput(labeled=labeled, labels=group.data_set.classes, unlabeled=others, seed=seed)
    trained = training.train(given, recipe)
    middle = time.process_time()
    model = micro_model.load(trained.weights, "auto")
    predictions = model.predict(others, labeled)
    blank, size = np.zeros((1, 1, 3), np.uint8), (group.data_set.width, group.data_set.height)
    truth = [LabeledFrame(Frame(i, blank, *size), group.truth(i)) for i in others.indices]
    near, nearer = evaluate(predictions, truth), evaluate(predictions, truth, 0.25)
    inside = [_off(p, t, size) for p, t in zip(predictions, truth, strict=True)]
    return {
        "f1": near.f1 or 0.0,
        "recall": near.recall or 0.0,
        "precision": near.precision or 0.0,
        "f1@.25": nearer.f1 or 0.0,
        "off_px": float(np.mean([one for row in inside for one in row] or [0.0])),
        "count_err": counted(predictions, truth),
        "side": model.side,
        "train_cpu_s": middle - began,
        "predict_cpu_s": time.process_time() - middle,
    }


def _off(prediction: Prediction, truth: LabeledFrame, size: tuple[int, int]) -> list[float]:
    """Distances of the points that are right, pixels."""
    found = [p for one in prediction.instances for p in one.keypoints]
    wanted = [p for one in truth.instances for p in one.keypoints]
    pairs = matches(prediction.instances, truth.instances, size)
    return [float(np.hypot(found[i].x - wanted[j].x, found[i].y - wanted[j].y)) for i, j in pairs]


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--unordered", action="store_true", help="as if nobody knew the frames' order in time")
    run(options.parse_args(), measure)


if __name__ == "__main__":
    main()
