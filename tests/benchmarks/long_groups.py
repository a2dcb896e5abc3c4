"""CPU seconds from five labels to all predictions, by how many frames a group has and how many objects a frame.

    python -m tests.benchmarks.long_groups [--frames 100 500 1500 10000] [--objects 1 10 150]

Coloured discs wander over a rough ground (`tests.benchmarks.scenes`). A film of `FILMED` frames runs forwards and backwards
until the group is full. One training for each number of objects; then the network sees every frame, and what it saw is linked.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from backend.learning.detection import evaluation
from backend.learning.detection.decision import decide, predictions
from backend.learning.detection.method import METHOD
from backend.learning.detection.micro_model import load
from backend.learning.fitting.training_input import TrainingInput
from backend.types import Control, Frame, Head, LabeledFrame
from tests.benchmarks.group import Group, chosen
from tests.benchmarks.scenes import Scene, make
from tests.benchmarks.trial import BACKBONE

FILMED = 200
SIZE = (640, 360)
RADII = {1: 24.0, 10: 16.0, 150: 6.5}
"""Of the discs, pixels, by how many there are: a crowd must fit in."""


class LongFilm(Sequence[Frame]):
    """A folder's frames forwards and backwards, until there are `count`."""

    def __init__(self, group: Group, count: int) -> None:
        self._group, self._count = group, count

    def __len__(self) -> int:
        return self._count

    def file_at(self, number: int) -> int:
        """Which of the folder's frames is shown."""
        period = 2 * (FILMED - 1)
        return min(number % period, period - number % period)

    def __getitem__(self, number: int) -> Frame:  # type: ignore[override]
        if number >= self._count:
            raise IndexError(number)
        return replace(self._group[self.file_at(number)], task=number, order=float(number))

    def __iter__(self) -> Iterator[Frame]:
        return (self[number] for number in range(self._count))

    def labeled(self, number: int) -> LabeledFrame:
        return LabeledFrame(self[number], self._group.truth(self.file_at(number)))


def measure(objects: int, counts: Sequence[int], folder: Path) -> Iterator[str]:
    """A row of the table for each number of frames."""
    make(Scene("detection", objects, FILMED, SIZE, RADII.get(objects, 10.0), squares=30), folder)
    group = Group(folder)
    control = Control("label", "image", "", Head.DETECTION, group.data_set.classes, "image")
    film = LongFilm(group, FILMED)
    labeled = [film.labeled(number) for number in chosen(group, 5)]
    began = time.process_time()
    weights = METHOD.train(
        TrainingInput(labeled=labeled, unlabeled=film, labels=control.labels, device="cpu", seed=0),
        METHOD.recipe_for(control, BACKBONE, 1.0),
    ).weights
    trained = time.process_time() - began
    model = load(weights, "cpu")
    for count in counts:
        film = LongFilm(group, count)
        began = time.process_time()
        seen = list(model.see(film))
        looked = time.process_time() - began
        answers = predictions(decide(seen, labeled, model.config), model.labels)
        linked = time.process_time() - began - looked
        truth = [film.labeled(number) for number in range(min(count, FILMED))]
        f1 = evaluation.evaluate(answers[: len(truth)], truth, 0.5).f1
        each = 1000 / count
        yield (
            f"| {count} | {objects} | {trained:.0f} | {looked:.0f} | {linked:.1f} | {each * looked:.0f} | "
            f"{each * linked:.1f} | {f1:.3f} |"
        )


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--frames", type=int, nargs="+", default=[100, 500, 1500, 10_000])
    options.add_argument("--objects", type=int, nargs="+", default=[1, 10, 150])
    args = options.parse_args()
    torch.set_num_threads(1)
    print("| frames | objects | training | seeing | linking | ms a frame, seeing | linking | F1 at IoU 0.5 |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for objects in args.objects:
        with tempfile.TemporaryDirectory() as folder:
            for row in measure(objects, args.frames, Path(folder)):
                print(row, flush=True)


if __name__ == "__main__":
    main()
