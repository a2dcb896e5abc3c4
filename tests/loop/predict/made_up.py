"""Micro-models that are made up, one for each kind of control tag: what they say follows from where the bright square lies, how
many labelled frames they were given, and the boxes that their regions hang on. No number hangs on the machine."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from backend.learning.fitting.training_input import TrainingInput
from backend.types import Box, Control, Frame, Head, Instance, Keypoint, LabeledFrame, Prediction, Weights
from tests.untrained import Trained

Boxes = Mapping[int, Sequence[Instance]]


@dataclass(frozen=True)
class MadeUp:
    """As `backend.learning.method.MicroModel`."""

    weights: Weights
    nbytes: int = 1

    def predict(
        self, frames: Iterable[Frame], labeled: Sequence[LabeledFrame] = (), enclosing_boxes: Boxes | None = None
    ) -> list[Prediction]:
        return [self._one(frame, len(labeled), enclosing_boxes) for frame in frames]

    def _one(self, frame: Frame, labeled: int, boxes: Boxes | None) -> Prediction:
        square = square_in(frame)
        x = int(square[0])
        hosts = None if boxes is None else boxes.get(frame.task, ())
        found = tuple(self._instances(frame, square, x, hosts))
        return Prediction(frame.task, found, 0.5 + (x % 10) / 20 + labeled / 1000)

    def _instances(self, frame: Frame, square: Box, x: int, hosts: Sequence[Instance] | None) -> Iterable[Instance]:
        about = self.weights.metadata
        labels = about["labels"].split(",")
        match about["head"]:
            case Head.DETECTION:
                x0, y0, x1, y1 = square
                angle = 20.0 if x % 4 == 1 else 0.0
                yield Instance(labels[0], square, 0.9, angle=angle, track=0)
                yield Instance(labels[-1], (x0 / 2, y0 / 2, x0 / 2 + 9, y0 / 2 + 7), 0.3 + (x % 5) / 10, track=1)
                if x % 3 == 0:
                    yield Instance(labels[0], (float("nan"), y0, x1, y1), 0.8)
            case Head.SEGMENTATION:
                for n, label in enumerate(labels):
                    yield Instance(label, square, 0.7 - n / 10, mask=mask_of(frame, square, n))
            case Head.POSE if hosts is not None:
                for host in hosts:
                    x0, y0, x1, y1 = host.box
                    points = [Keypoint(labels[0], x0 + 1, y0 + 2, 0.8), Keypoint(labels[-1], x1 - 1, y1 - 2, 0.6)]
                    kept = tuple(points[: 1 + x % 2])
                    yield Instance(host.label, host.box, 0.7, host.region_id, keypoints=kept)
            case Head.POSE:
                yield Instance("", square, 0.7, keypoints=(Keypoint(labels[0], square[0], square[1], 0.9),))
            case _ if hosts is not None:
                for n, host in enumerate(hosts):
                    label = labels[int(host.box[0] + n) % len(labels)]
                    yield replace(host, label=label, score=0.55 + n / 10, mask=None, keypoints=())
            case _:
                whole = (0.0, 0.0, float(frame.width), float(frame.height))
                yield Instance(labels[x // 2 % len(labels)], whole, 0.65)


def square_in(frame: Frame) -> Box:
    ys, xs = np.nonzero(frame.image[..., 0] > 128)
    return float(xs.min()), float(ys.min()), float(xs.max() + 1), float(ys.max() + 1)


def mask_of(frame: Frame, box: Box, shift: int = 0) -> np.ndarray:
    found = np.zeros((frame.height, frame.width), np.bool_)
    x0, y0, x1, y1 = map(int, box)
    found[y0 + shift : y1 - shift, x0 + 2 * shift : x1] = True
    return found


def made_up(control: Control, given: TrainingInput, recipe: object) -> Trained:
    """A training that needs no time."""
    blueprint = json.dumps({"labels": control.labels, "parented": bool(control.hangs_on)})
    about = {"head": str(control.head), "labels": ",".join(control.labels), "blueprint": blueprint}
    return Trained(Weights({"w": np.zeros(3, np.float32)}, about), {"loss": 0.1}, 0.01)
