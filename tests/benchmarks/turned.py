"""Quality of detection where boxes are drawn turned: frames of labelled groups, each turned about its middle.

    python -m tests.benchmarks.turned ../shared/data/detection --only tud_campus highway_gaps [--set steps=80 ...]

The camera rolls to and fro by 70 degrees over the clip, so that what stood upright lies in all directions; each box is turned
along. Measured are boxes with an angle, and for comparison the upright bounding boxes that come back where none is learnt, both
by IoU with the boxes as they are turned, and the median error of the angle of long boxes.
"""

import argparse
import math
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from backend.learning.detection import micro_model, training
from backend.learning.detection.evaluation import evaluate
from backend.learning.detection.recipe import DetectionRecipe
from backend.learning.detection.rotation import turns_of
from backend.learning.fitting.training_input import TrainingInput
from backend.learning.geometry.rotation import overlaps, upright
from backend.types import Frame, Instance, LabeledFrame, Prediction
from tests.benchmarks.group import Group, changed, chosen, parser, run

ROLL = 70.0
"""Degrees to either side."""
LONG = 1.3
"""Ratio of sides from which a box has an angle worth measuring."""


class Rolled(Group):
    """A group whose camera rolls to and fro, twice in the clip."""

    def degrees(self, at: int) -> float:
        return ROLL * math.sin(4 * math.pi * at / len(self.data_set.frames))

    def __getitem__(self, index: int) -> Frame:  # type: ignore[override]
        frame = super().__getitem__(index)
        turn = cv2.getRotationMatrix2D((frame.width / 2, frame.height / 2), -self.degrees(self.indices[index]), 1.0)
        image = cv2.warpAffine(frame.image, turn, (frame.width, frame.height), borderMode=cv2.BORDER_REFLECT)
        return replace(frame, image=np.asarray(image, np.uint8))

    def truth(self, at: int) -> tuple[Instance, ...]:
        middle = self.data_set.width / 2, self.data_set.height / 2
        rolled = (turned(one, middle, self.degrees(at)) for one in super().truth(at))
        return tuple(one for one in rolled if self.shows(one))

    def shows(self, one: Instance) -> bool:
        x, y = (one.box[0] + one.box[2]) / 2, (one.box[1] + one.box[3]) / 2
        return 0 <= x < self.data_set.width and 0 <= y < self.data_set.height


def turned(one: Instance, middle: tuple[float, float], degrees: float) -> Instance:
    """The box turned clockwise about a point of the picture, its angle brought to (-45, 45]."""
    x0, y0, x1, y1 = one.box
    x, y, turn = (x0 + x1) / 2 - middle[0], (y0 + y1) / 2 - middle[1], math.radians(degrees)
    cx = middle[0] + x * math.cos(turn) - y * math.sin(turn)
    cy = middle[1] + x * math.sin(turn) + y * math.cos(turn)
    width, height = x1 - x0, y1 - y0
    quarters = round(degrees / 90)
    if quarters % 2:
        width, height = height, width
    box = (cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2)
    return replace(one, box=box, angle=degrees - 90 * quarters)


def measure(folder: Path, args: argparse.Namespace, seed: int) -> dict[str, float]:
    group = Rolled(folder)
    at = chosen(group, args.labels)
    labeled, others = [group.labeled(i) for i in at], group.without(at)
    truth = [LabeledFrame(Frame(i, np.zeros((1, 1, 3), np.uint8), 1, 1), group.truth(i)) for i in others.indices]
    recipe, found = changed(DetectionRecipe(), args.changes), dict[str, float]()
    ways = {"before": [upright(one) for one in labeled], "": labeled}
    for name, drawn in ways.items() if args.before else [("", labeled)]:
        began = time.process_time()
        given = TrainingInput(labeled=drawn, labels=group.data_set.classes, unlabeled=others, seed=seed)
        trained = training.train(given, recipe)
        predictions = micro_model.load(trained.weights, "auto").predict(others, drawn)
        half, strict = evaluate(predictions, truth), evaluate(predictions, truth, 0.7)
        found |= {f"{name}f1": half.f1 or 0.0, f"{name}f1@.7": strict.f1 or 0.0}
        found |= {f"{name}cpu_s": time.process_time() - began}
        if not name:
            found["degrees"] = error(predictions, truth)
        print({k: round(v, 3) for k, v in found.items()}, flush=True)
    return found


def error(predictions: list[Prediction], truth: list[LabeledFrame]) -> float:
    """Median difference of the angles of the longer sides, degrees, where a long box was found."""
    off = list[float]()
    for shown, labeled in zip(predictions, truth, strict=True):
        good = np.argwhere(overlaps(shown.instances, labeled.instances) >= 0.3)
        for i, j in good:
            one, other = turns_of([shown.instances[i]])[0], turns_of([labeled.instances[j]])[0]
            if other[0] > LONG * other[1]:
                apart = math.degrees(one[2] - other[2])
                off.append(abs((apart + 90) % 180 - 90))
    return float(np.median(off)) if off else 0.0


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--before", action="store_true", help="also without an angle")
    run(options.parse_args(), measure)


if __name__ == "__main__":
    main()
