"""Comparing: several models on the same labelled frames, as a table."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from backend.errors import TrainingError
from backend.instances import Instances
from backend.objects.actions import actions
from backend.objects.frames import AnyFrames, InputFrame, each_of, input_frame
from backend.objects.micro_model import MicroModel
from backend.objects.model import Model
from backend.objects.truth import head_of, labeled_frame, prediction_of
from backend.types import Head


@dataclass(frozen=True, slots=True)
class Row:
    """One model."""

    name: str
    score: float | None
    """By the table's measure, in [0, 1], higher is better; None where it does not exist."""
    actions: int
    """What a person would do to its predictions until they are right."""
    seconds: float
    """To predict a frame, on average, without the first, for which the network is made."""
    nbytes: int
    """Of its weights."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Models on the same labelled frames; printed as a table."""

    measure: str
    """What the score is, in words."""
    frames: int
    labels: int
    """That people drew in these frames."""
    rows: tuple[Row, ...]

    def __getitem__(self, name: str) -> Row:
        """The row of a model by its name; raises KeyError."""
        for row in self.rows:
            if row.name == name:
                return row
        raise KeyError(
            f"Found no model {name!r} in the table. There are: {', '.join(repr(r.name) for r in self.rows)}."
        )

    def __str__(self) -> str:
        head = ("model", self.measure, f"actions for {self.labels} labels", "ms a frame", "MB")
        lines = [head, *(_cells(row) for row in self.rows)]
        widths = [max(len(line[n]) for line in lines) for n in range(len(head))]
        return "\n".join(
            "  ".join(
                cell.ljust(width) if n == 0 else cell.rjust(width)
                for n, (cell, width) in enumerate(zip(line, widths, strict=True))
            )
            for line in lines
        )


def compare(
    models: Mapping[str, Model],
    frames: AnyFrames,
    labels: Sequence[Instances],
    *,
    head: Head | str | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Comparison:
    """How each of {name: model} does on frames whose labels people drew, each frame by itself.

    By the measure of what the labels ask for (F1 of boxes, J of masks...). Raises TrainingError where frames and labels do not
    fit each other.
    """
    from backend.learning import methods

    given = [input_frame(frame, number) for number, frame in enumerate(each_of(frames))]
    if len(given) != len(labels):
        raise TrainingError(f"Found {len(given)} frames and {len(labels)} labels. Expected one for each frame.")
    asked = Head(head) if head is not None else head_of([one.frame for one in given], labels)
    pairs = enumerate(zip(given, labels, strict=True))
    truth = [labeled_frame(replace(one.frame, task=n), drawn) for n, (one, drawn) in pairs]
    rows, measure = [], ""
    for name, model in models.items():
        found, seconds = _looked(model, given, clock)
        quality = methods.evaluate(asked, [prediction_of(n, one) for n, one in enumerate(found)], truth)
        measure, work = quality.measure, sum(actions(asked, a, b) for a, b in zip(found, labels, strict=True))
        rows.append(Row(name, quality.score, work, seconds, nbytes_of(model)))
    return Comparison(measure, len(given), sum(map(len, labels)), tuple(rows))


def _looked(model: Model, frames: Sequence[InputFrame], clock: Callable[[], float]) -> tuple[list[Instances], float]:
    """What a model finds in each frame, and the seconds that a frame takes once the network is made."""
    found, took = list[Instances](), list[float]()
    for one in frames:
        began = clock()
        [answer] = model.answers([one])
        took.append(clock() - began)
        found.append(answer.found)
    later = took[1:] or took
    return found, sum(later) / max(len(later), 1)


def nbytes_of(model: Model) -> int:
    """Of the weights of a model's micro-models, each once."""
    return sum(one.nbytes for one in set(model.leaves()) if isinstance(one, MicroModel))


def _cells(row: Row) -> tuple[str, ...]:
    score = "-" if row.score is None else f"{row.score:.3f}"
    return row.name, score, str(row.actions), f"{1000 * row.seconds:.0f}", f"{row.nbytes / 1e6:.1f}"
