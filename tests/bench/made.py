"""Data sets made up for the tests of the benchmark, and a method that shows what it is told to."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from backend.bench.methods import Shown
from backend.bench.scenario import Scenario, scenario_of
from backend.demo.data_set import DataSet, DemoFrame
from backend.types import Head, Instance

SIZE = 100, 100
"""So that percent are pixels."""


def box(label: str, x: float, y: float, side: float = 20, **more: Any) -> Instance:
    return Instance(label, (x, y, x + side, y + side), **more)


def frames_of(
    *truth: Sequence[Instance], head: Head = Head.DETECTION, classes: tuple[str, ...] = ("a", "b"), name: str = "made",
    objects: tuple[str, ...] = (),
) -> DataSet:  # fmt: skip
    """A data set of these frames, without any image."""
    made = tuple(DemoFrame(Path(f"{n}.png"), n, tuple(one)) for n, one in enumerate(truth))
    return DataSet(name, *SIZE, classes, made, head=head, objects=objects)


def scenario(head: Head = Head.DETECTION, objects: tuple[str, ...] = ()) -> Scenario:
    return scenario_of([frames_of((), head=head, objects=objects)])


class Scripted:
    """Shows the same predictions whatever it is taught."""

    def __init__(
        self, scenario: Scenario, shown: Mapping[int, Sequence[Instance]], scores: Mapping[int, float]
    ) -> None:
        self.name = "scripted"
        self.submitted: dict[int, list[dict[str, Any]]] = {}
        self._shown = {n: Shown(scenario.write(one), scores.get(n, 0.5)) for n, one in shown.items()}

    def submit(self, position: int, result: list[dict[str, Any]]) -> None:
        self.submitted[position] = result

    def work(self) -> float:
        return 1.5

    def shown(self) -> Mapping[int, Shown]:
        return {n: one for n, one in self._shown.items() if n not in self.submitted}


def folder_of_squares(path: Path, count: int, width: int = 64) -> Path:
    """A folder of frames with one bright square each, which `tests.loop.house.EyeForColour` finds exactly."""
    (path / "frames").mkdir(parents=True)
    entries = []
    for n in range(count):
        x, y = 4 + 3 * (n % 12), 6 + 2 * (n % 9)
        picture = np.full((48, width, 3), 40, np.uint8)
        picture[y : y + 12, x : x + 14] = (250, 200, 60)
        Image.fromarray(picture).save(path / "frames" / f"{n}.png")
        entries.append(
            {"file": f"{n}.png", "index": n, "objects": [{"label": "square", "box": [x, y, x + 14, y + 12]}]}
        )
    described = {"task": "detection", "width": width, "height": 48, "classes": ["square"], "frames": entries}
    (path / "labels.json").write_text(json.dumps(described))
    return path
