"""Micro-models that are made up: they answer from arrays, and need no torch."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from backend.instances import Instances
from backend.objects.card import Card
from backend.objects.micro_model import MicroModel
from backend.types import Frame, Instance, Keypoint, LabeledFrame, Prediction, Weights

SIDE = 40


@dataclass(frozen=True)
class MadeUp:
    """Boxes stand where the arrays say, moved by the brightness of the frame's first pixel; points are their middles; the
    class is the first label in dark frames, the last in bright ones."""

    weights: Weights
    nbytes: int = 1

    def predict(
        self,
        frames: Iterable[Frame],
        labeled: Sequence[LabeledFrame] = (),
        enclosing_boxes: Mapping[int, Sequence[Instance]] | None = None,
    ) -> list[Prediction]:
        score = float(json.loads(self.weights.metadata["blueprint"]).get("score", 0.75))
        return [
            Prediction(one.task, tuple(self._in(one, (enclosing_boxes or {}).get(one.task, ()))), score)
            for one in frames
        ]

    def _in(self, frame: Frame, boxes: Sequence[Instance]) -> Iterable[Instance]:
        labels = json.loads(self.weights.metadata["blueprint"])["labels"]
        moved = float(frame.image[0, 0, 0]) / 255
        match self.weights.metadata["head"]:
            case "detection":
                for n, (x, y, score, label) in enumerate(self.weights.arrays["boxes"].tolist()):
                    box = (x + moved, y + moved, x + moved + 8, y + moved + 8)
                    yield Instance(labels[int(label)], box, score, track=n if frame.order is not None else None)
            case "pose":
                for one in boxes:
                    x, y = (one.box[0] + one.box[2]) / 2, (one.box[1] + one.box[3]) / 2
                    points = tuple(Keypoint(name, x + n, y, 0.4 + 0.4 * n) for n, name in enumerate(labels))
                    yield Instance(one.label, one.box, 0.5, one.region_id, keypoints=points)
            case _ if boxes:
                for one in boxes:
                    yield replace(one, label=labels[int(one.box[0]) % len(labels)], score=0.7)
            case _:
                label = labels[0] if frame.image.mean() < 128 else labels[-1]
                yield Instance(label, (0, 0, frame.width, frame.height), 0.6)


def micro_model(head: str, labels: Sequence[str], boxes: Any = (), group: str = "a", **blueprint: Any) -> MicroModel:
    arrays = {"boxes": np.asarray(boxes, np.float32).reshape(-1, 4)}
    metadata = {"head": head, "method": "made up", "blueprint": json.dumps({"labels": list(labels), **blueprint})}
    return MicroModel(Weights(arrays, metadata), Card(group=group, control=head, version=1))


def boxes(labels: Sequence[str], rows: Any = ((3, 4, 0.9, 0),), group: str = "a") -> MicroModel:
    """`rows`: x, y, score, number of the label."""
    return micro_model("detection", labels, rows, group)


def points(*names: str) -> MicroModel:
    return micro_model("pose", names, parented=True)


def classes(*labels: str) -> MicroModel:
    return micro_model("classification", labels)


def frame(brightness: int = 0, side: int = SIDE) -> np.ndarray:
    return np.full((side, side, 3), brightness, np.uint8)


def in_any_order(found: Instances) -> list[tuple[Any, ...]]:
    return sorted(zip(found.label.tolist(), found.score.tolist(), map(tuple, found.xyxy.tolist()), strict=True))
