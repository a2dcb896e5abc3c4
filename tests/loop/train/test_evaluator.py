from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from backend.learning import methods
from backend.loop.data.training_set import TrainingSet
from backend.loop.train.evaluator import Evaluator
from backend.types import Control, Frame, Head, Instance, LabeledFrame, Prediction, Weights

BOX = (2.0, 2.0, 6.0, 6.0)


def test_labelled_frames_are_no_neighbours_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    class Tempted:
        """Sees nothing where an order tempts it to link what lies far apart."""

        def predict(self, frames: Sequence[Frame], *_: Any) -> list[Prediction]:
            seen = (Instance("disc", BOX, 0.9),)
            return [Prediction(frame.task, seen if frame.order is None else (), 1.0) for frame in frames]

    monkeypatch.setattr(methods, "load", lambda *_: Tempted())
    frames = [Frame(task, np.zeros((8, 8, 3), np.uint8), 8, 8, 20.0 * task) for task in range(3)]
    labeled = tuple(LabeledFrame(frame, (Instance("disc", BOX, 1.0),)) for frame in frames)
    control = Control("label", "image", "RectangleLabels", Head.DETECTION, ("disc",), "image")
    evaluator = Evaluator(TrainingSet(control, labeled, (), {}, (), frozenset(), frozenset(), {}, ()), None, "cpu")
    assert evaluator.quality(evaluator.predict(Weights({}, {}))).score == 1.0
