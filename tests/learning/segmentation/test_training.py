import dataclasses

import numpy as np
import pytest
import torch

from backend.errors import TrainingError, TrainingInterrupted
from backend.learning.segmentation import micro_model, training
from backend.learning.segmentation.evaluation import evaluate
from backend.learning.segmentation.recipe import SegmentationRecipe
from backend.types import Frame, LabeledFrame, Progress, Weights
from tests.learning.segmentation.masked import masked_clip, rectangle, without_objects
from tests.learning.synthetic import LABELS

QUICK = SegmentationRecipe(steps=3, warm_steps=2, pseudo_steps=2, batch=2, crop=64, frame_pixels=10_000, width=16)
SHORT = SegmentationRecipe(steps=60, warm_steps=20, pseudo_steps=20, batch=3, crop=128, frame_pixels=40_000)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(min(torch.get_num_threads(), 2))


def test_nothing_to_learn_from() -> None:
    with pytest.raises(TrainingError, match="0 labelled frames"):
        training.train([], [], LABELS, QUICK)
    with pytest.raises(TrainingError, match="0 labels"):
        training.train(masked_clip(1).labeled(0), [], (), QUICK)


def test_same_seed_same_weights() -> None:
    frames = masked_clip(3)
    first, second, other = (
        training.train(frames.labeled(0, 2), [frames.frames[1].frame], LABELS, QUICK, seed=seed, device="cpu").weights
        for seed in (1, 1, 2)
    )
    assert first.metadata == second.metadata
    assert all(np.array_equal(first.arrays[name], second.arrays[name]) for name in first.arrays)
    assert any(not np.array_equal(first.arrays[name], other.arrays[name]) for name in first.arrays)


def test_global_randomness_is_left_alone() -> None:
    state = torch.get_rng_state()
    training.train(masked_clip(1).labeled(0), [], LABELS, QUICK)
    assert torch.equal(torch.get_rng_state(), state)


def test_frames_without_objects_and_overlapping_labels_train() -> None:
    [frame] = masked_clip(1).frames
    both = dataclasses.replace(frame, instances=(*frame.instances, rectangle(160, 120, 0, 0, 159, 119, "square")))
    trained = training.train([without_objects(frame), both], [], LABELS, QUICK)
    assert all(np.isfinite(array).all() for array in trained.weights.arrays.values())
    assert np.isfinite(training.train([without_objects(frame)], [], LABELS, QUICK).metrics["loss"])


def test_grey_and_differently_sized_frames() -> None:
    [frame] = masked_clip(1).frames
    grey = np.ascontiguousarray(frame.frame.image[..., 0])
    small = np.ascontiguousarray(frame.frame.image[:61, :51])
    odd = [
        LabeledFrame(Frame(7, grey, 160, 120), ()),
        LabeledFrame(Frame(8, small, 51, 61), (rectangle(51, 61, 5, 5, 20, 20),)),
        LabeledFrame(Frame(9, small, 510, 610), (rectangle(510, 610, 50, 50, 200, 200),)),
    ]
    model = micro_model.load(training.train([frame, *odd], [], LABELS, QUICK).weights, "cpu")
    assert [p.task for p in model.predict(f.frame for f in odd)] == [7, 8, 9]


def test_interruption_passes_through() -> None:
    def interrupt(progress: Progress) -> None:
        raise TrainingInterrupted("newer labels came")

    with pytest.raises(TrainingInterrupted, match="newer labels"):
        training.train(masked_clip(1).labeled(0), [], LABELS, QUICK, progress=interrupt)


def test_progress_rises_to_the_end() -> None:
    told: list[Progress] = []
    frames = masked_clip(3)
    training.train(frames.labeled(0, 2), [frames.frames[1].frame], LABELS, QUICK, progress=told.append)
    done = [progress.done for progress in told]
    assert done == sorted(done)
    assert done[-1] == 1.0


def test_a_start_of_other_labels_keeps_what_is_shared() -> None:
    frames = masked_clip(2)
    start = training.train(frames.labeled(0), [], ("square", "disc"), QUICK).weights
    trained = training.train(frames.labeled(0, 1), [], ("disc", "star"), QUICK, start=start)
    assert trained.metrics["warm"] == 1.0
    assert micro_model.load(trained.weights, "cpu").labels == ("disc", "star")


@pytest.mark.parametrize("metadata", [{"format": "0"}, {"format": "1", "head": "detection", "blueprint": "{}"}])
def test_an_unreadable_start_is_left_out(metadata: dict[str, str]) -> None:
    trained = training.train(masked_clip(1).labeled(0), [], LABELS, QUICK, start=Weights({}, metadata))
    assert trained.metrics["warm"] == 0.0


def _overlap(weights: Weights, chosen: tuple[int, ...]) -> float:
    frames = masked_clip(16, discs=1, squares=1)
    others = frames.others(*chosen)
    predicted = micro_model.load(weights, "cpu").predict([f.frame for f in others], frames.labeled(*chosen))
    return evaluate(predicted, others).overlap or 0.0


@pytest.mark.slow
def test_learns_a_clip_and_again_from_there() -> None:
    frames, chosen = masked_clip(16, discs=1, squares=1), (2, 5, 8, 11, 14)
    unlabeled = [f.frame for f in frames.others(*chosen)]
    first = training.train(frames.labeled(*chosen), unlabeled, LABELS, SHORT, device="cpu")
    assert _overlap(first.weights, chosen) >= 0.8
    second = training.train(frames.labeled(*chosen, 0), unlabeled, LABELS, SHORT, start=first.weights, device="cpu")
    assert second.metrics["steps"] < first.metrics["steps"]
    assert _overlap(second.weights, (*chosen, 0)) >= 0.8


@pytest.mark.slow
def test_an_empty_clip_stays_empty() -> None:
    frames = masked_clip(6, discs=0)
    bare = [f.frame for f in frames.others(2, 4)]
    trained = training.train(frames.labeled(2, 4), bare, LABELS, SHORT, device="cpu")
    assert not any(p.instances for p in micro_model.load(trained.weights, "cpu").predict(bare, frames.labeled(2, 4)))
