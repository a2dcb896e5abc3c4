import dataclasses

import numpy as np
import pytest

from backend.errors import TrainingError, TrainingInterrupted
from backend.learning.classification import micro_model, training
from backend.learning.classification.evaluation import ClassificationMetrics, evaluate
from backend.learning.classification.recipe import ClassificationRecipe
from backend.types import Frame, Instance, LabeledFrame, Prediction, Progress, Weights
from tests.learning.classification.classes import LABELS, clip, frame, split

QUICK = ClassificationRecipe(side=64)


def predict(
    labeled: list[LabeledFrame], others: list[LabeledFrame], labels: tuple[str, ...] = LABELS, multiple: bool = False
) -> list[Prediction]:
    bare = [one.frame for one in others]
    recipe = dataclasses.replace(QUICK, multiple=multiple)
    return micro_model.load(training.train(labeled, bare, labels, recipe).weights, "cpu").predict(bare, labeled)


def test_nothing_to_learn_from() -> None:
    with pytest.raises(TrainingError, match="0 labelled frames"):
        training.train([], [], LABELS, QUICK)
    with pytest.raises(TrainingError, match="0 labels"):
        training.train(clip(1), [], (), QUICK)


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


def test_same_frames_same_weights() -> None:
    labeled, others = split(clip(8), 1, 7)
    bare = [one.frame for one in others]
    first, second = (training.train(labeled, bare, LABELS, QUICK, seed=seed).weights for seed in (0, 1))
    assert first.metadata == second.metadata
    assert all(np.array_equal(first.arrays[n], second.arrays[n], equal_nan=True) for n in first.arrays if n != "orders")


def test_interruption_passes_through() -> None:
    def interrupt(progress: Progress) -> None:
        raise TrainingInterrupted("newer labels came")

    with pytest.raises(TrainingInterrupted, match="newer labels"):
        training.train(clip(1), [], LABELS, QUICK, progress=interrupt)


def test_progress_rises_to_the_end() -> None:
    told: list[Progress] = []
    labeled, others = split(clip(8), 1, 7)
    training.train(labeled, [one.frame for one in others], LABELS, QUICK, progress=told.append)
    done = [progress.done for progress in told]
    assert done == sorted(done)
    assert done[-1] == 1.0


def test_of_many_unlabelled_frames_few_are_looked_at() -> None:
    told: list[Progress] = []
    [one] = [frame(3, "one").frame]
    many = [dataclasses.replace(one, task=i) for i in range(500)]
    recipe = dataclasses.replace(QUICK, group_frames=4)
    training.train(clip(1), many, LABELS, recipe, progress=told.append)
    assert len(told) <= 5


def test_a_start_changes_nothing() -> None:
    assert training.train(clip(2), [], LABELS, QUICK, start=Weights({}, {})).metrics["warm"] == 0.0


def test_evaluation() -> None:
    right, wrong = Prediction(0, (Instance("one", (0, 0, 1, 1)),), 1.0), Prediction(1, (), 1.0)
    assert evaluate([], []) == ClassificationMetrics(0, None)
    assert evaluate([right, wrong], [frame(0, "one"), frame(1, "two")]) == ClassificationMetrics(2, 0.5)
    assert evaluate([wrong], [frame(1, "")]).accuracy == 1.0
