"""Quality and seconds of detection micro-models on labelled groups, without Label Studio.

    python tests/benchmarks/learning.py ../shared/data/detection [--only NAME ...] [--labels 5] [--set steps=80 ...]

A group is a folder with `frames/` and `labels.json` (width, height, classes, frames: file, objects: label, box). As
many frames as asked for, evenly spread, are labelled; all others are predicted and scored as returned.
"""

import argparse
import dataclasses
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from backend.learning import micro_model, training
from backend.learning.evaluation import evaluate
from backend.learning.recipes import Recipe, recipe_for
from backend.types import Frame, Head, Instance, LabeledFrame


class Group(Sequence[Frame]):
    """The frames of one folder, decoded when indexed."""

    def __init__(self, folder: Path, indices: Sequence[int] | None = None) -> None:
        self.folder = folder
        self.schema = json.loads((folder / "labels.json").read_text())
        self.indices = list(indices if indices is not None else range(len(self.schema["frames"])))

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Frame:  # type: ignore[override]
        at = self.indices[index]
        image = np.array(Image.open(self.folder / "frames" / self.schema["frames"][at]["file"]).convert("RGB"))
        return Frame(at, image, image.shape[1], image.shape[0], float(at))

    def __iter__(self) -> Iterator[Frame]:
        return (self[i] for i in range(len(self)))

    def truth(self, at: int) -> tuple[Instance, ...]:
        objects = self.schema["frames"][at]["objects"]
        return tuple(Instance(o["label"], tuple(o["box"])) for o in objects)


def measure(folder: Path, labels: int, recipe: Recipe, seed: int, dump: Path | None) -> dict[str, float]:
    group = Group(folder)
    count = len(group)
    chosen = sorted({round(float(i)) for i in np.linspace(0, count - 1, labels + 2)[1:-1]})
    labeled = [LabeledFrame(group[i], group.truth(i)) for i in chosen]
    others = Group(folder, [i for i in range(count) if i not in chosen])
    began = time.perf_counter()
    trained = training.train(labeled, others, tuple(group.schema["classes"]), recipe, seed=seed)
    middle = time.perf_counter()
    model = micro_model.load(trained.weights, "auto")
    predictions = model.predict(others, labeled)
    ended = time.perf_counter()
    blank = np.zeros((1, 1, 3), np.uint8)
    truth = [LabeledFrame(Frame(i, blank, 1, 1), group.truth(i)) for i in others.indices]
    if dump:
        dump.mkdir(parents=True, exist_ok=True)
        shown = {p.task: {"score": p.score, "boxes": [[*i.box, i.score] for i in p.instances]} for p in predictions}
        (dump / f"{folder.name}.json").write_text(json.dumps(shown))
    half, strict = evaluate(predictions, truth), evaluate(predictions, truth, 0.7)
    size = sum(array.nbytes for array in trained.weights.arrays.values()) / 1e6
    return {
        "f1": half.f1 or 0.0,
        "recall": half.recall or 0.0,
        "precision": half.precision or 0.0,
        "f1@.7": strict.f1 or 0.0,
        "train_s": middle - began,
        "predict_s": ended - middle,
        "total_s": ended - began,
        "MB": size,
    }


def recipe_with(changes: Sequence[str]) -> Recipe:
    recipe = recipe_for(Head.DETECTION)
    for change in changes:
        name, value = change.split("=")
        kind = type(getattr(recipe, name))
        recipe = dataclasses.replace(recipe, **{name: kind(value) if kind is not tuple else tuple(value.split(","))})
    return recipe


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--labels", type=int, default=5)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--set", nargs="*", default=[], dest="changes")
    parser.add_argument("--dump", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    recipe = recipe_with(args.changes)
    rows: list[dict[str, float]] = []
    for folder in sorted(args.data.iterdir()):
        if args.only and not any(name in folder.name for name in args.only):
            continue
        for seed in args.seeds:
            rows.append(measure(folder, args.labels, recipe, seed, args.dump))
            print(f"{folder.name:18}", *(f"{k} {v:6.3f}" for k, v in rows[-1].items()), flush=True)
    mean = {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
    print(f"{'mean':18}", *(f"{k} {v:6.3f}" for k, v in mean.items()))


if __name__ == "__main__":
    main()
