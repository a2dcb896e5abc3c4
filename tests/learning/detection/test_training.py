import dataclasses

import numpy as np
import pytest
import torch

from backend.errors import TrainingError, TrainingInterrupted
from backend.learning.detection import micro_model, training
from backend.learning.detection.evaluation import evaluate
from backend.learning.detection.recipe import DetectionRecipe
from backend.types import Frame, Instance, LabeledFrame, Progress, Weights
from tests.learning.synthetic import LABELS, Clip, clip

QUICK = DetectionRecipe(steps=3, warm_steps=2, pseudo_steps=2, batch=2, crop=96, frame_pixels=20_000)
SHORT = DetectionRecipe(steps=40, warm_steps=12, pseudo_steps=15, batch=4, crop=128, frame_pixels=80_000)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(min(torch.get_num_threads(), 2))


def test_nothing_to_learn_from() -> None:
    with pytest.raises(TrainingError, match="0 labelled frames"):
        training.train([], [], LABELS, QUICK)
    with pytest.raises(TrainingError, match="0 labels"):
        training.train(clip(1).labeled(0), [], (), QUICK)


def test_same_seed_same_weights() -> None:
    frames = clip(3)
    first, second, other = (
        training.train(frames.labeled(0, 2), [frames.frames[1].frame], LABELS, QUICK, seed=seed, device="cpu").weights
        for seed in (1, 1, 2)
    )
    assert first.metadata == second.metadata
    assert all(np.array_equal(first.arrays[name], second.arrays[name]) for name in first.arrays)
    assert any(not np.array_equal(first.arrays[name], other.arrays[name]) for name in first.arrays)


def test_global_randomness_is_left_alone() -> None:
    torch.manual_seed(5)
    state = torch.get_rng_state()
    training.train(clip(1).labeled(0), [], LABELS, QUICK)
    assert torch.equal(torch.get_rng_state(), state)


def test_frames_without_objects_train() -> None:
    bare = [dataclasses.replace(frame, instances=()) for frame in clip(2).frames]
    trained = training.train(bare, [], LABELS, QUICK)
    assert all(np.isfinite(array).all() for array in trained.weights.arrays.values())


def test_odd_boxes_cost_nothing_but_themselves() -> None:
    [frame] = clip(1).frames
    odd = [
        Instance("disc", (5, 5, 5, 9)),
        Instance("disc", (-300, -200, -250, -150)),
        Instance("unicorn", (1, 1, 9, 9)),
    ]
    trained = training.train([dataclasses.replace(frame, instances=(*frame.instances, *odd))], [], LABELS, QUICK)
    assert np.isfinite(trained.metrics["loss"])


def test_grey_and_differently_sized_frames() -> None:
    [frame] = clip(1).frames
    grey = np.ascontiguousarray(frame.frame.image[..., 0])
    small = np.ascontiguousarray(frame.frame.image[:60, :50])
    odd = [LabeledFrame(Frame(7, grey, 160, 120), ()), LabeledFrame(Frame(8, small, 50, 60), ())]
    trained = training.train([frame, *odd], [], LABELS, QUICK)
    model = micro_model.load(trained.weights, "cpu")
    assert [p.task for p in model.predict(f.frame for f in odd)] == [7, 8]


def test_interruption_passes_through() -> None:
    def interrupt(progress: Progress) -> None:
        raise TrainingInterrupted("newer labels came")

    with pytest.raises(TrainingInterrupted, match="newer labels"):
        training.train(clip(1).labeled(0), [], LABELS, QUICK, progress=interrupt)


def test_progress_rises_to_the_end() -> None:
    told: list[Progress] = []
    frames = clip(3)
    training.train(frames.labeled(0, 2), [frames.frames[1].frame], LABELS, QUICK, progress=told.append)
    done = [progress.done for progress in told]
    assert done == sorted(done)
    assert done[-1] == 1.0
    assert told[-1].seconds_left == 0.0


class Lazy(list[Frame]):
    """Counts how often frames are decoded."""

    decoded = 0

    def __getitem__(self, index: object) -> Frame:  # type: ignore[override]
        self.decoded += 1
        return super().__getitem__(index)  # type: ignore[index]


def test_of_many_unlabelled_frames_few_are_decoded() -> None:
    frames = clip(2)
    many = Lazy(dataclasses.replace(frames.frames[1].frame, task=i, order=float(i)) for i in range(5000))
    training.train(frames.labeled(0), many, LABELS, dataclasses.replace(QUICK, pseudo_frames=6))
    assert 0 < many.decoded <= 6


def test_a_start_of_other_labels_keeps_what_is_shared() -> None:
    frames = clip(2)
    start = training.train(frames.labeled(0), [], ("disc",), QUICK).weights
    model = micro_model.load(training.train(frames.labeled(0, 1), [], LABELS, QUICK, start=start).weights, "cpu")
    assert model.labels == LABELS


def test_an_unreadable_start_is_left_out() -> None:
    trained = training.train(clip(1).labeled(0), [], LABELS, QUICK, start=Weights({}, {"format": "0"}))
    assert trained.metrics["warm"] == 0.0


def test_artifact_is_small() -> None:
    weights = training.train(clip(1).labeled(0), [], LABELS, QUICK).weights
    assert sum(array.nbytes for array in weights.arrays.values()) < 4e6
    assert all(isinstance(array, np.ndarray) for array in weights.arrays.values())


def _f1(weights: Weights, frames: Clip, chosen: tuple[int, ...]) -> float:
    others = frames.others(*chosen)
    predicted = micro_model.load(weights, "cpu").predict([f.frame for f in others], frames.labeled(*chosen))
    return evaluate(predicted, others).f1 or 0.0


@pytest.mark.slow
def test_learns_a_clip_and_again_from_there() -> None:
    frames, chosen = clip(24, discs=1, squares=2), (3, 7, 12, 16, 20)
    unlabeled = [f.frame for f in frames.others(*chosen)]
    first = training.train(frames.labeled(*chosen), unlabeled, LABELS, SHORT, device="cpu")
    assert _f1(first.weights, frames, chosen) >= 0.85
    assert first.metrics["warm"] == 0.0
    more = (*chosen, 0)
    second = training.train(frames.labeled(*more), unlabeled, LABELS, SHORT, start=first.weights, device="cpu")
    assert second.metrics["warm"] == 1.0
    assert second.metrics["steps"] < first.metrics["steps"]
    assert _f1(second.weights, frames, more) >= 0.85


@pytest.mark.slow
def test_an_empty_clip_stays_empty() -> None:
    frames, chosen = clip(12, discs=0), (2, 6, 9)
    bare = [f.frame for f in frames.others(*chosen)]
    trained = training.train(frames.labeled(*chosen), bare, LABELS, SHORT, device="cpu")
    assert not any(p.instances for p in micro_model.load(trained.weights, "cpu").predict(bare, frames.labeled(*chosen)))


def test_mistakes_are_looked_for_where_there_is_least_to_see_and_all_over_time() -> None:
    one = Instance(LABELS[0], (1.0, 1.0, 9.0, 9.0))
    image = np.zeros((16, 16, 3), np.uint8)
    frames = [LabeledFrame(Frame(i, image, 16, 16, float(i)), () if i in (7, 25) else (one,)) for i in range(30)]
    tasks = [found.frame.task for found in training.telling(frames, 12)]
    assert {7, 25} <= set(tasks)
    assert len(tasks) <= 12
    assert tasks == sorted(tasks)
    assert max(np.diff([*tasks, 30])) <= 6
    assert training.telling(frames[:5], 12) == frames[:5]
    assert training.telling([], 12) == []


def test_mistakes_are_looked_for_in_bare_frames_that_are_half_of_all() -> None:
    image = np.zeros((16, 16, 3), np.uint8)
    frames = [LabeledFrame(Frame(i, image, 16, 16, float(i)), ()) for i in range(100)]
    assert len(training.telling(frames, 12)) == 12
