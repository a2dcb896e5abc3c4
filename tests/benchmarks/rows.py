"""Rows: the figures of single trials as lines of JSON, so that a long measurement can be resumed and its tables made again."""

import argparse
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from backend.types import Head
from tests.benchmarks.trial import Trial

ALL_ON = "all on"
"""The micro-model as it is."""
FIGURES = {
    Head.DETECTION: ("F1@0.5", "F1@0.7"),
    Head.SEGMENTATION: ("J",),
    Head.POSE: ("PCK 10 %", "PCK 5 %"),
    Head.CLASSIFICATION: ("accuracy",),
}
"""What a head is compared by, the main figure first."""
Kind = Literal["off", "baseline"]
Key = tuple[str, int, Kind, str]


@dataclass(frozen=True, slots=True)
class Row:
    """One training (or baseline) on one group, and its predictions."""

    head: Head
    group: str
    seed: int
    kind: Kind
    """What `name` names: the mechanism of the micro-model that is off, or a baseline."""
    name: str
    figures: dict[str, float | None]
    """Those of `Trial.figures`, its `auc`, and `cpu` in seconds."""

    @property
    def key(self) -> Key:
        """What no two rows have in common."""
        return self.group, self.seed, self.kind, self.name

    @classmethod
    def of(cls, group: str, seed: int, kind: Kind, name: str, trial: Trial) -> "Row":
        """Of a trial, with its figures rounded."""
        figures = {**trial.figures, "auc": trial.auc, "cpu": trial.seconds}
        return cls(
            trial.head, group, seed, kind, name, {k: None if v is None else round(v, 4) for k, v in figures.items()}
        )

    @classmethod
    def from_json(cls, line: str) -> "Row":
        """Of a line that `to_json` wrote."""
        data: dict[str, Any] = json.loads(line)
        kind: Kind = "baseline" if "baseline" in data else "off"
        head, group, seed, name = (data.pop(key) for key in ("head", "group", "seed", kind))
        return cls(Head(head), group, seed, kind, name, data)

    def to_json(self) -> str:
        """One line."""
        return json.dumps(
            {"head": self.head, "group": self.group, "seed": self.seed, self.kind: self.name, **self.figures}
        )

    def __str__(self) -> str:
        shown = "  ".join(f"{key} {value:.3f}" for key, value in self.figures.items() if value is not None)
        return f"{self.group:20} seed {self.seed}  {self.name:32} {shown}"


class Rows(Sequence[Row]):
    """Those measured so far; with a file, each is kept in it as soon as it is measured."""

    def __init__(self, out: Path | None = None) -> None:
        self._out = out
        self._rows = read([out]) if out is not None and out.exists() else []

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Row:  # type: ignore[override]
        return self._rows[index]

    def has(self, *key: str | int) -> bool:
        """Whether (group, seed, kind, name) was measured."""
        return any(row.key == key for row in self._rows)

    def add(self, row: Row) -> None:
        """Keep, and print."""
        self._rows.append(row)
        print(row, flush=True)
        if self._out is not None:
            with self._out.open("a") as file:
                file.write(row.to_json() + "\n")


def read(files: Iterable[Path]) -> list[Row]:
    """All rows of some files; those of trials that failed (`error`) are left out."""
    lines = [line for file in files for line in file.read_text().splitlines() if line.strip()]
    return [Row.from_json(line) for line in lines if "error" not in json.loads(line)]


def parser(description: str | None) -> argparse.ArgumentParser:
    """What the commands that measure rows, or tell of them, have in common."""
    options = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("data", type=Path, nargs="?")
    options.add_argument("--out", type=Path)
    options.add_argument("--table", type=Path, nargs="*", default=[])
    options.add_argument("--groups", nargs="*", default=[])
    options.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    options.add_argument("--effort", type=float, default=1.0)
    options.add_argument("--labels", type=int, default=5)
    return options
