import dataclasses

import numpy as np
import pytest

from backend.learning.classification import micro_model, training
from backend.learning.classification.evaluation import ClassificationMetrics, evaluate
from backend.learning.fitting.training_input import TrainingInput
from backend.types import Frame, Instance, LabeledFrame, Prediction
from tests.learning.cases import CASES
from tests.learning.classification.classes import LABELS, clip, frame, split


def predict(
    labeled: list[LabeledFrame], others: list[LabeledFrame], labels: tuple[str, ...] = LABELS, multiple: bool = False
) -> list[Prediction]:
    bare = [one.frame for one in others]
    given = TrainingInput(labeled=labeled, unlabeled=bare, labels=labels, device="cpu")
    trained = training.train(given, dataclasses.replace(CASES["classes"].quick, multiple=multiple))
    return micro_model.load(trained.weights, "cpu").predict(bare, labeled)


@pytest.mark.parametrize("ordered", [True, False])
def test_two_frames_a_class_do(ordered: bool) -> None:
    labeled, others = split(clip(ordered=ordered), 1, 8, 14, 22)
    predictions = predict(labeled, others)
    assert evaluate(predictions, others).accuracy == 1.0
    assert all(0 < p.score <= 1 for p in predictions)


@pytest.mark.parametrize("labels", [("one",), ("one", "unseen")])
def test_only_one_label_was_chosen(labels: tuple[str, ...]) -> None:
    predictions = predict([frame(0, "one")], [frame(1, "one"), frame(2, "one")], labels)
    assert [i.label for p in predictions for i in p.instances] == ["one", "one"]


def test_frames_without_a_choice_are_a_class_of_their_own() -> None:
    labeled = [frame(i, kind) for i, kind in enumerate(["one", "", "one", "", "two", "two"])]
    others = [frame(i + 10, kind) for i, kind in enumerate(["one", "", "two", ""])]
    assert evaluate(predict(labeled, others), others).accuracy == 1.0


def test_several_labels_a_frame() -> None:
    def both(at: int) -> LabeledFrame:
        one, two = frame(at, "one"), frame(at, "two")
        image = np.maximum(one.frame.image, 0)
        image[:, 48:] = two.frame.image[:, 48:]
        return LabeledFrame(dataclasses.replace(one.frame, image=image), (*one.instances, *two.instances))

    kinds = ["one", "two", "", "one", "two", ""]
    labeled = [*(frame(i, kind) for i, kind in enumerate(kinds)), both(6), both(7)]
    others = [frame(20, "one"), frame(21, "two"), both(22)]
    assert evaluate(predict(labeled, others, multiple=True), others).accuracy == 1.0
    assert evaluate(predict(labeled, others), others).accuracy == 1.0


def test_other_sizes_and_grey() -> None:
    grey = LabeledFrame(Frame(5, np.zeros((40, 30), np.uint8), 300, 400), ())
    predictions = predict([frame(0, "one"), frame(1, "two")], [grey, frame(2, "two", size=(200, 64))])
    assert [p.task for p in predictions] == [5, 2]
    assert predictions[0].instances[0].box == (0, 0, 300, 400)


def test_evaluation() -> None:
    right, wrong = Prediction(0, (Instance("one", (0, 0, 1, 1)),), 1.0), Prediction(1, (), 1.0)
    assert evaluate([], []) == ClassificationMetrics(0, None)
    assert evaluate([right, wrong], [frame(0, "one"), frame(1, "two")]) == ClassificationMetrics(2, 0.5)
    assert evaluate([wrong], [frame(1, "")]).accuracy == 1.0
