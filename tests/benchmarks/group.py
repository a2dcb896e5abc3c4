"""The frames of one labelled folder, and what the benchmarks of the heads have in common on the command line."""

import argparse
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from PIL import Image

from backend.bench.replay import first_frames
from backend.demo.folder import from_folder, read_labels
from backend.types import Frame, Instance, LabeledFrame

Recipe = TypeVar("Recipe")


class Group(Sequence[Frame]):
    """Frames of one folder, decoded when indexed; all of them where no positions are named."""

    def __init__(self, folder: Path, indices: Sequence[int] | None = None, ordered: bool = True) -> None:
        self.folder, self.ordered = folder, ordered
        self.schema: dict[str, Any] = read_labels(folder / "labels.json")
        self.data_set = from_folder(folder)
        self.indices = list(indices if indices is not None else range(len(self.data_set.frames)))

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Frame:  # type: ignore[override]
        at = self.indices[index]
        with Image.open(self.data_set.frames[at].path) as picture:
            image = np.array(picture.convert("RGB"))
        return Frame(at, image, image.shape[1], image.shape[0], float(at) if self.ordered else None)

    def __iter__(self) -> Iterator[Frame]:
        return (self[i] for i in range(len(self)))

    def truth(self, at: int) -> tuple[Instance, ...]:
        return self.data_set.frames[at].truth or ()

    def labeled(self, at: int) -> LabeledFrame:
        return LabeledFrame(self[self.indices.index(at)], self.truth(at))

    def without(self, chosen: Sequence[int]) -> "Group":
        return type(self)(self.folder, [i for i in self.indices if i not in chosen], self.ordered)

    @property
    def parented(self) -> bool:
        """Of points: whether frames hold several objects, each with a box."""
        return bool(self.data_set.objects)


def chosen(group: Group, labels: int, seed: int = 0) -> list[int]:
    """Positions of the frames that are labelled: spread evenly; of a classification so many of each class, by lot."""
    return list(first_frames(group.data_set, labels, seed))


def changed(recipe: Recipe, changes: Sequence[str]) -> Recipe:
    """The recipe with fields replaced, each as `name=value`."""
    for change in changes:
        name, value = change.split("=")
        kind = type(getattr(recipe, name))
        recipe = dataclasses.replace(  # type: ignore[type-var]
            recipe, **{name: kind(value) if kind is not tuple else tuple(value.split(","))}
        )
    return recipe


def parser(description: str | None) -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("data", type=Path)
    found.add_argument("--only", nargs="*", default=[])
    found.add_argument("--labels", type=int, default=5)
    found.add_argument("--seeds", type=int, nargs="*", default=[0])
    found.add_argument("--threads", type=int, default=torch.get_num_threads())
    found.add_argument("--set", nargs="*", default=[], dest="changes")
    return found


def run(args: argparse.Namespace, measure: Callable[[Path, argparse.Namespace, int], dict[str, float]]) -> None:
    """Measure every folder with every seed, and print each and the mean."""
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
