"""Quality and seconds of detection micro-models on labelled groups, without Label Studio.

    python -m tests.benchmarks.learning ../shared/data/detection [--only NAME ...] [--labels 5] [--set steps=80 ...]

A group is a folder as `backend.demo.folder` reads it. As many frames as asked for, evenly spread, are labelled; all
others are predicted and scored as returned.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np

from backend.learning.detection import micro_model, training
from backend.learning.detection.evaluation import evaluate
from backend.learning.detection.recipe import DetectionRecipe
from backend.learning.fitting.training_input import TrainingInput
from backend.types import Frame, LabeledFrame
from tests.benchmarks.group import Group, changed, chosen, parser, run


def measure(folder: Path, args: argparse.Namespace, seed: int) -> dict[str, float]:
    group = Group(folder)
    at = chosen(group, args.labels)
    labeled, others = [group.labeled(i) for i in at], group.without(at)
    began = time.perf_counter()
    recipe = changed(DetectionRecipe(), args.changes)
    given = TrainingInput(labeled=labeled, unlabeled=others, labels=group.data_set.classes, seed=seed)
    trained = training.train(given, recipe)
    middle = time.perf_counter()
    model = micro_model.load(trained.weights, "auto")
    predictions = model.predict(others, labeled)
    ended = time.perf_counter()
    blank = np.zeros((1, 1, 3), np.uint8)
    truth = [LabeledFrame(Frame(i, blank, 1, 1), group.truth(i)) for i in others.indices]
    if args.dump:
        args.dump.mkdir(parents=True, exist_ok=True)
        shown = {p.task: {"score": p.score, "boxes": [[*i.box, i.score] for i in p.instances]} for p in predictions}
        (args.dump / f"{folder.name}.json").write_text(json.dumps(shown))
    half, strict = evaluate(predictions, truth), evaluate(predictions, truth, 0.7)
    return {
        "f1": half.f1 or 0.0,
        "recall": half.recall or 0.0,
        "precision": half.precision or 0.0,
        "f1@.7": strict.f1 or 0.0,
        "train_s": middle - began,
        "predict_s": ended - middle,
        "total_s": ended - began,
        "MB": sum(array.nbytes for array in trained.weights.arrays.values()) / 1e6,
    }


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--dump", type=Path)
    run(options.parse_args(), measure)


if __name__ == "__main__":
    main()
