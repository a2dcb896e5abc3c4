"""The loop with every head, whose networks a parrot stands in for: in a scene that stands still it is always right."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from backend.bench.run import Plan, bench
from backend.learning import methods
from backend.learning.fitting.trained import Trained
from backend.learning.fitting.training_input import TrainingInput
from backend.settings import Settings
from backend.types import Control, Frame, Instance, LabeledFrame, Prediction, Weights

FRAMES = 7


@dataclass(frozen=True)
class Parrot:
    """Says in every frame what the first labelled one had."""

    heard: tuple[Instance, ...]
    nbytes: int = 1

    def predict(
        self, frames: Iterable[Frame], _: Sequence[LabeledFrame] = (), boxes: Mapping[int, Any] | None = None
    ) -> list[Prediction]:
        return [Prediction(frame.task, self._words(frame.task, boxes), 0.9) for frame in frames]

    def _words(self, task: int, boxes: Mapping[int, Any] | None) -> tuple[Instance, ...]:
        heard = tuple(
            replace(one, region_id=None, keypoints=tuple(replace(p, region_id=None) for p in one.keypoints))
            for one in self.heard
        )
        if boxes is None:
            return heard
        return tuple(replace(box, keypoints=one.keypoints) for box, one in zip(boxes[task], heard, strict=True))


@pytest.fixture
def parrots(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: dict[str, tuple[Instance, ...]] = {}

    def train(control: Control, given: TrainingInput, recipe: object) -> Trained:
        heard[str(given.labels)] = given.labeled[0].instances
        return Trained(Weights({"w": np.zeros(3, np.float32)}, {"labels": str(given.labels)}), {}, 0.01)

    monkeypatch.setattr(methods, "train", train)
    monkeypatch.setattr(methods, "load", lambda weights, device="auto": Parrot(heard[weights.metadata["labels"]]))


def fly(x: float) -> dict[str, Any]:
    points = [[x + 2, 12, 1], [x + 8, 18, 1], [0, 0, 0]]
    return {"label": "fly", "box": [x, 10, x + 10, 20], "keypoints": points}


CASES = {
    "detection": ({"objects": [{"label": "a", "box": [4, 4, 20, 20], "id": 3}]}, 1),
    "segmentation": ({"mask": "mask.png"}, 2),
    "classification": ({"class": "a"}, 1),
    "pose": ({"objects": [fly(4)]}, 2),
    "poses": ({"objects": [fly(4), fly(30)]}, 6),
}
"""What every frame shows, and how many labels that is."""


@pytest.mark.usefixtures("parrots")
@pytest.mark.parametrize("name", CASES)
def test_what_stands_still_needs_no_mending(name: str, tmp_path: Path) -> None:
    shown, labels = CASES[name]
    folder = tmp_path / "still"
    (folder / "frames").mkdir(parents=True)
    mask = np.zeros((48, 64), np.uint8)
    mask[5:20, 5:20], mask[30:40, 30:60] = 1, 2
    Image.fromarray(mask).save(folder / "mask.png")
    for n in range(FRAMES):
        Image.fromarray(np.full((48, 64, 3), 9 * n, np.uint8)).save(folder / "frames" / f"{n}.png")
    described = {
        "task": "pose" if name == "poses" else name, "width": 64, "height": 48, "keypoints": ["p", "q", "r"],
        "classes": ["fly"] if name.startswith("pose") else ["a"] if name == "classification" else ["a", "b"],
        "frames": [{"file": f"{n}.png", "index": n, **shown} for n in range(FRAMES)],
    }  # fmt: skip
    (folder / "labels.json").write_text(json.dumps(described))
    rows = bench([folder], Plan(labels=2, rounds=1, per_round=3), Settings(), None, Console())
    for row in rows:
        assert (row.labels, row.actions, row.left) == (FRAMES * labels, 2 * labels, 0), row
        assert row.efficiency == pytest.approx(1 - 2 / FRAMES)
        assert row.quality == pytest.approx(1.0)
    assert [row.frames for row in rows if row.method == "micro-model"] == [2, 5]
