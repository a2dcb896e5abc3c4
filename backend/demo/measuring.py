"""How good the predictions in Label Studio are, against the labels that were never submitted."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from backend.demo.cases import Measure, Score
from backend.demo.data_set import DataSet
from backend.studio.tags import for_control
from backend.types import Control, Frame, Instance, LabeledFrame, Prediction


@dataclass(frozen=True, slots=True)
class Figures:
    """What the demo measured."""

    seconds: float
    """From the fifth label to predictions on all other frames in Label Studio."""
    labels: int
    predicted: int
    """Frames with a prediction in Label Studio."""
    unlabelled: int
    """Frames that should have one."""
    evaluated: int
    """Frames whose truth is known, and was never submitted."""
    scores: tuple[Score, ...]
    """Over the evaluated frames."""

    def write(self, path: Path) -> None:
        """As JSON, each score under its name."""
        content = asdict(self)
        del content["scores"]
        content |= {score.name: score.value for score in self.scores}
        path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def predicted_instances(
    newest: Mapping[int, Mapping[str, Any]], tasks: Sequence[int], control: Control
) -> dict[int, tuple[Instance, ...]]:
    """Position in the group -> what Label Studio shows there; `newest` is each task's newest prediction."""
    regions = for_control(control)
    shown: dict[int, tuple[Instance, ...]] = {}
    for position, task in enumerate(tasks):
        if task in newest:
            result = newest[task]["result"]
            scores = {region.get("id"): float(region.get("score") or 0.0) for region in result}
            read = regions.read(result, control).instances
            # What hangs together without a region around it, such as points, has none itself.
            shown[position] = tuple(replace(found, score=scores.get(found.region_id, 0.0)) for found in read)
    return shown


def measure(
    data_set: DataSet,
    labelled: tuple[int, ...],
    predicted: Mapping[int, tuple[Instance, ...]],
    seconds: float,
    scores: Measure,
) -> Figures:
    """Figures of these predictions, both by position in the group."""
    evaluated = data_set.evaluation(labelled)
    return Figures(
        seconds=round(seconds, 1),
        labels=len(labelled),
        predicted=len(set(predicted) - set(labelled)),
        unlabelled=len(data_set.frames) - len(labelled),
        evaluated=len(evaluated),
        scores=scores(
            [Prediction(position, predicted.get(position, ()), score=0.0) for position in evaluated],
            [truth_of(data_set, position) for position in evaluated],
        ),
    )


def truth_of(data_set: DataSet, position: int) -> LabeledFrame:
    """What is known of one frame; its pixels play no part."""
    frame = Frame(position, np.zeros((1, 1, 3), np.uint8), data_set.width, data_set.height)
    return LabeledFrame(frame, data_set.frames[position].truth or ())
