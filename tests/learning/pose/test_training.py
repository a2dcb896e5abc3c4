import dataclasses

import numpy as np
import pytest
import torch

from backend.errors import TrainingError, TrainingInterrupted
from backend.learning.pose import micro_model, training
from backend.learning.pose.evaluation import evaluate
from backend.learning.pose.recipe import PoseRecipe
from backend.types import Frame, Instance, Keypoint, LabeledFrame, Progress, Weights
from tests.learning.pose.synthetic import NAMES, herd

QUICK = PoseRecipe(crop=64, coarse_crop=64, steps=3, warm_steps=2, pseudo_steps=2, batch=2, views=2)
SHORT = PoseRecipe(crop=96, coarse_crop=96, steps=90, warm_steps=20, pseudo_steps=30)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(min(torch.get_num_threads(), 2))


def test_nothing_to_learn_from() -> None:
    with pytest.raises(TrainingError, match="0 labelled frames"):
        training.train([], [], NAMES, QUICK)
    with pytest.raises(TrainingError, match="0 keypoints"):
        training.train(herd(1), [], (), QUICK)


def _trains(labeled: list[LabeledFrame], names: tuple[str, ...] = NAMES) -> Weights:
    trained = training.train(labeled, [], names, QUICK, device="cpu")
    assert np.isfinite(trained.metrics["loss"])
    assert all(np.isfinite(array).all() for array in trained.weights.arrays.values())
    micro_model.load(trained.weights, "cpu").predict([one.frame for one in labeled])
    return trained.weights


@pytest.mark.parametrize("boxed", [False, True])
def test_frames_without_keypoints_train(boxed: bool) -> None:
    bare = [dataclasses.replace(one, instances=()) for one in herd(2)]
    _trains(bare)
    boxes = tuple(dataclasses.replace(one, keypoints=()) for one in herd(1, boxed=boxed)[0].instances)
    _trains([dataclasses.replace(bare[0], instances=boxes), *herd(1, boxed=boxed, seed=1)])


def test_keypoints_that_are_never_or_seldom_there() -> None:
    frames = herd(3)
    few = [
        dataclasses.replace(one, instances=(dataclasses.replace(one.instances[0], keypoints=one.instances[0].keypoints[:n]),))
        for n, one in enumerate(frames)
    ]  # fmt: skip
    _trains(few)
    _trains(frames, (*NAMES, "ghost"))


def test_odd_labels_cost_nothing_but_themselves() -> None:
    [frame] = herd(1, boxed=True)
    [good] = frame.instances
    points = (Keypoint("unicorn", 1, 1), Keypoint("head", float("nan"), 3), Keypoint("tail", -500, 900))
    odd = [
        Instance("animal", (9, 9, 9, 30), keypoints=good.keypoints),
        Instance("", (0, 0, 0, 0), keypoints=good.keypoints),
        Instance("animal", (3, 3, 40, 40), keypoints=points),
        Instance("animal", (-90, -90, -50, -50), keypoints=(*good.keypoints, good.keypoints[0])),
    ]
    _trains([dataclasses.replace(frame, instances=(good, *odd))])


def test_one_keypoint_grey_small_and_reduced_frames() -> None:
    [frame] = herd(1)
    image = frame.frame.image
    grey = LabeledFrame(Frame(7, np.ascontiguousarray(image[..., 0]), 160, 120), frame.instances)
    small = LabeledFrame(Frame(8, np.ascontiguousarray(image[:9, :7]), 7, 9), ())
    reduced = LabeledFrame(Frame(9, np.ascontiguousarray(image[::2, ::2]), 160, 120), frame.instances)
    _trains([grey, small, reduced], ("head",))


@pytest.mark.parametrize("boxed", [False, True])
def test_same_seed_same_weights(boxed: bool) -> None:
    frames = herd(3, boxed=boxed)
    parents = {frames[1].frame.task: frames[1].instances}
    first, second, other = (
        training.train(
            frames[::2], [frames[1].frame], NAMES, QUICK, seed=seed, device="cpu", parents=parents
        ).weights
        for seed in (1, 1, 2)
    )  # fmt: skip
    assert first.metadata == second.metadata
    assert all(np.array_equal(first.arrays[name], second.arrays[name]) for name in first.arrays)
    assert any(not np.array_equal(first.arrays[name], other.arrays[name]) for name in first.arrays)


def test_interruption_passes_through() -> None:
    def interrupt(progress: Progress) -> None:
        raise TrainingInterrupted("newer labels came")

    with pytest.raises(TrainingInterrupted, match="newer labels"):
        training.train(herd(1), [], NAMES, QUICK, progress=interrupt)


def test_progress_rises_to_the_end() -> None:
    told: list[Progress] = []
    frames = herd(2)
    training.train(frames[:1], [frames[1].frame], NAMES, QUICK, progress=told.append)
    done = [progress.done for progress in told]
    assert done == sorted(done)
    assert done[-1] == 1.0
    assert told[-1].seconds_left == 0.0


def test_a_start_of_other_keypoints_keeps_what_is_shared() -> None:
    frames = herd(2)
    start = training.train(frames[:1], [], NAMES[:2], QUICK).weights
    trained = training.train(frames, [], NAMES, QUICK, start=start)
    assert trained.metrics["warm"] == 1.0
    assert trained.metrics["steps"] == QUICK.warm_steps
    assert micro_model.load(trained.weights, "cpu").labels == NAMES


def test_a_start_that_does_not_fit_is_left_out() -> None:
    for start in (
        Weights({}, {"format": "0"}),
        training.train(herd(1, boxed=True), [], NAMES, QUICK).weights,
    ):
        assert training.train(herd(1), [], NAMES, QUICK, start=start).metrics["warm"] == 0.0


def test_artifact_is_small() -> None:
    assert sum(array.nbytes for array in _trains(herd(1)).arrays.values()) < 4e6


@pytest.mark.slow
@pytest.mark.parametrize("boxed", [False, True])
def test_learns_a_clip_and_again_from_there(boxed: bool) -> None:
    frames = herd(20, animals=1 + boxed, boxed=boxed)
    labeled, others = frames[:6], frames[6:]
    unlabeled, parents = [one.frame for one in others], {one.frame.task: one.instances for one in others}
    first = training.train(labeled, unlabeled, NAMES, SHORT, device="cpu", parents=parents)
    assert _f1(first.weights, others) >= 0.9
    second = training.train(labeled, unlabeled, NAMES, SHORT, device="cpu", parents=parents, start=first.weights)
    assert second.metrics["warm"] == 1.0
    assert _f1(second.weights, others) >= 0.9


def _f1(weights: Weights, others: list[LabeledFrame]) -> float:
    parents = {one.frame.task: one.instances for one in others}
    predicted = micro_model.load(weights, "cpu").predict([one.frame for one in others], (), parents)
    return evaluate(predicted, others).f1 or 0.0
