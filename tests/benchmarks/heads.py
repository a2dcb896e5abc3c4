"""Quality and seconds of segmentation and classification micro-models on labelled groups, without Label Studio.

    python -m tests.benchmarks.heads ../shared/data/segmentation [--only NAME ...] [--labels 5] [--set steps=80 ...]
    python -m tests.benchmarks.heads ../shared/data/classification [--seeds 0 1 2 3 4] [--unordered]

Segmentation labels as many frames as asked for, evenly spread; classification as many of each class at random, as
the acceptance runner does. All others are predicted and scored as returned.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from backend.learning.classification import evaluation as class_evaluation
from backend.learning.classification import micro_model as class_model
from backend.learning.classification import training as class_training
from backend.learning.classification.recipe import ClassificationRecipe
from backend.learning.fitting.training_input import TrainingInput
from backend.learning.segmentation import evaluation as mask_evaluation
from backend.learning.segmentation import micro_model as mask_model
from backend.learning.segmentation import training as mask_training
from backend.learning.segmentation.recipe import SegmentationRecipe
from backend.types import Head
from tests.benchmarks.group import Group, changed, chosen, parser, run


def measure(folder: Path, args: argparse.Namespace, seed: int) -> dict[str, float]:
    group = Group(folder, ordered=not args.unordered)
    labels = group.data_set.classes
    at = chosen(group, args.labels, seed)
    labeled, others = [group.labeled(i) for i in at], group.without(at)
    is_class = group.data_set.head is Head.CLASSIFICATION
    trainer, model_room = (class_training, class_model) if is_class else (mask_training, mask_model)
    recipe: Any = changed(ClassificationRecipe() if is_class else SegmentationRecipe(), args.changes)
    began, spent = time.perf_counter(), time.process_time()
    given = TrainingInput(labeled=labeled, unlabeled=others, labels=labels, seed=seed)
    trained = trainer.train(given, recipe)
    middle_spent = time.process_time()
    predictions = model_room.load(trained.weights, "auto").predict(others, labeled)
    truth = [group.labeled(i) for i in others.indices]
    times = {
        "train_cpu_s": middle_spent - spent,
        "predict_cpu_s": time.process_time() - middle_spent,
        "wall_s": time.perf_counter() - began,
        "MB": sum(array.nbytes for array in trained.weights.arrays.values()) / 1e6,
    }
    if is_class:
        found = class_evaluation.evaluate(predictions, truth)
        right = [class_evaluation.evaluate([p], [t]).accuracy == 1 for p, t in zip(predictions, truth, strict=True)]
        return {"accuracy": found.accuracy or 0.0, "score_auc": _auc([p.score for p in predictions], right), **times}
    masks = mask_evaluation.evaluate(predictions, truth)
    return {"J": masks.overlap or 0.0, "false": masks.false_positives or 0.0, **times}


def _auc(scores: Sequence[float], right: Sequence[bool]) -> float:
    """How well the score tells right from wrong answers; 1 where all are right."""
    pairs = list(zip(scores, right, strict=True))
    good, bad = [s for s, r in pairs if r], [s for s, r in pairs if not r]
    return float(np.mean([(g > b) + (g == b) / 2 for g in good for b in bad])) if good and bad else 1.0


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--unordered", action="store_true", help="as if nobody knew the frames' order in time")
    run(options.parse_args(), measure)


if __name__ == "__main__":
    main()
