"""Quality and seconds of segmentation and classification micro-models on labelled groups, without Label Studio.

    python tests/benchmarks/heads.py ../shared/data/segmentation [--only NAME ...] [--labels 5] [--set steps=80 ...]
    python tests/benchmarks/heads.py ../shared/data/classification [--seeds 0 1 2 3 4] [--unordered]

Segmentation labels as many frames as asked for, evenly spread; classification as many of each class at random, as
the acceptance runner does. All others are predicted and scored as returned.
"""

import argparse
import dataclasses
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from backend.learning.classification import evaluation as class_evaluation
from backend.learning.classification import micro_model as class_model
from backend.learning.classification import training as class_training
from backend.learning.classification.recipe import ClassificationRecipe
from backend.learning.segmentation import evaluation as mask_evaluation
from backend.learning.segmentation import micro_model as mask_model
from backend.learning.segmentation import training as mask_training
from backend.learning.segmentation.recipe import SegmentationRecipe
from backend.types import Frame, Instance, LabeledFrame


class Group(Sequence[Frame]):
    """Frames of one folder, decoded when indexed."""

    def __init__(self, folder: Path, indices: Sequence[int] | None = None, ordered: bool = True) -> None:
        self.folder, self.ordered = folder, ordered
        self.schema: dict[str, Any] = json.loads((folder / "labels.json").read_text())
        self.indices = list(indices if indices is not None else range(len(self.schema["frames"])))

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Frame:  # type: ignore[override]
        at = self.indices[index]
        image = np.array(Image.open(self.folder / "frames" / self.schema["frames"][at]["file"]).convert("RGB"))
        return Frame(at, image, image.shape[1], image.shape[0], float(at) if self.ordered else None)

    def __iter__(self) -> Iterator[Frame]:
        return (self[i] for i in range(len(self)))

    def truth(self, at: int) -> tuple[Instance, ...]:
        row, box = self.schema["frames"][at], (0.0, 0.0, float(self.schema["width"]), float(self.schema["height"]))
        if "class" in row:
            return (Instance(row["class"], box),) if row["class"] else ()
        if not row.get("mask"):
            return ()
        index = np.array(Image.open(self.folder / row["mask"]))
        index = index[..., 0] if index.ndim == 3 else index
        if len(self.schema["classes"]) == 1:
            index = (index > 0).astype(np.uint8)
        masks = [(name, index == i + 1) for i, name in enumerate(self.schema["classes"])]
        return tuple(Instance(name, box, mask=mask) for name, mask in masks if mask.any())

    def labeled(self, at: int) -> LabeledFrame:
        return LabeledFrame(Group(self.folder, [at], self.ordered)[0], self.truth(at))


def chosen(group: Group, labels: int, seed: int) -> list[int]:
    count = len(group.schema["frames"])
    if group.schema["task"] != "classification":
        return sorted({round(float(i)) for i in np.linspace(0, count - 1, labels + 2)[1:-1]})
    rng, out = np.random.default_rng(seed), list[int]()
    for name in group.schema["classes"]:
        own = [i for i, row in enumerate(group.schema["frames"]) if row["class"] == name]
        out += [int(i) for i in rng.choice(own, min(labels, len(own)), replace=False)]
    return sorted(out)


def measure(folder: Path, args: argparse.Namespace, seed: int) -> dict[str, float]:
    group = Group(folder, ordered=not args.unordered)
    labels = tuple(group.schema["classes"])
    at = chosen(group, args.labels, seed)
    labeled = [group.labeled(i) for i in at]
    others = Group(folder, [i for i in group.indices if i not in at], group.ordered)
    is_class = group.schema["task"] == "classification"
    trainer, model_room = (class_training, class_model) if is_class else (mask_training, mask_model)
    began, spent = time.perf_counter(), time.process_time()
    trained = trainer.train(labeled, others, labels, changed(is_class, args.changes), seed=seed)  # type: ignore[arg-type]
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


def changed(is_class: bool, changes: Sequence[str]) -> SegmentationRecipe | ClassificationRecipe:
    recipe: Any = ClassificationRecipe() if is_class else SegmentationRecipe()
    for change in changes:
        name, value = change.split("=")
        kind = type(getattr(recipe, name))
        recipe = dataclasses.replace(recipe, **{name: kind(value) if kind is not tuple else tuple(value.split(","))})
    return recipe  # type: ignore[no-any-return]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--labels", type=int, default=5)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--unordered", action="store_true", help="as if nobody knew the frames' order in time")
    parser.add_argument("--set", nargs="*", default=[], dest="changes")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    rows: list[dict[str, float]] = []
    for folder in sorted(args.data.iterdir()):
        if args.only and not any(name in folder.name for name in args.only):
            continue
        for seed in args.seeds:
            rows.append(measure(folder, args, seed))
            print(f"{folder.name:20} {seed}", *(f"{k} {v:6.3f}" for k, v in rows[-1].items()), flush=True)
    mean = {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
    print(f"{'mean':22}", *(f"{k} {v:6.3f}" for k, v in mean.items()))


if __name__ == "__main__":
    main()
