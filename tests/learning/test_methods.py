"""The contract of all methods: what the loop hands to each, and what it may rely on."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from backend.cancel import CancelToken
from backend.errors import TrainingError, TrainingInterrupted
from backend.learning import methods
from backend.learning.fitting.recipe import FEWEST_STEPS
from backend.learning.fitting.trained import Trained
from backend.learning.fitting.training_input import SAMPLED_FRAMES
from backend.types import Control, Frame, Head, Instance, LabeledFrame, Prediction, Progress, Weights
from tests.learning.cases import CASES, Case, Counting

every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
every_method = pytest.mark.parametrize("method", methods.METHODS, ids=lambda method: method.name)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(min(torch.get_num_threads(), 2))


@pytest.fixture(scope="module")
def trainings() -> dict[int, tuple[Trained, list[Progress]]]:
    """Of each case so far, what a quick training left and told."""
    return {}


@pytest.fixture
def quick(case: Case, trainings: dict[int, tuple[Trained, list[Progress]]]) -> tuple[Trained, list[Progress]]:
    """One of the case, with seed 1."""
    if id(case) not in trainings:
        told: list[Progress] = []
        trainings[id(case)] = case.trained(seed=1, progress=told.append), told
    return trainings[id(case)]


def control(head: Head, **changes: Any) -> Control:
    return Control("label", "image", "Tag", head, ("a",), "image", **changes)


# -- the registry


def test_every_head_has_a_method_and_no_two_have_one_name() -> None:
    assert {methods.method_for(control(head)).head for head in Head} == set(Head)
    assert len({method.name for method in methods.METHODS}) == len(methods.METHODS)
    assert {case.method for case in CASES.values()} == set(methods.METHODS), "each has a case"


def test_what_no_method_serves_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    picky = tuple(dataclasses.replace(method, serves=lambda _: False) for method in methods.METHODS)
    monkeypatch.setattr(methods, "METHODS", picky)
    with pytest.raises(TrainingError, match="No method learns pose for <Tag name='label'>; there are: centre_heatmap"):
        methods.method_for(control(Head.POSE))


def test_of_two_methods_of_a_head_the_first_is_trained_and_both_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    first = methods.method_for(control(Head.SEGMENTATION))
    other = dataclasses.replace(first, name="other", restore=lambda *_: "the other's model")  # type: ignore[arg-type, return-value]
    monkeypatch.setattr(methods, "METHODS", (*methods.METHODS, other))
    assert methods.method_for(control(Head.SEGMENTATION)) is first
    made = [Weights({}, {"head": "segmentation", "method": name}) for name in ("other", first.name)]
    assert [methods.method_of(weights) for weights in made] == [other, first]
    assert methods.method_of(Weights({}, {"head": "segmentation"})) is first, "artifacts of before name none"
    assert methods.load(made[0]) == "the other's model"
    assert methods.ensemble(made[0], made[1]) is made[0]
    monkeypatch.setattr(methods, "METHODS", (other, *methods.METHODS))
    assert methods.method_for(control(Head.SEGMENTATION)) is other
    assert methods.method_of(made[1]) is first, "what was trained before can be rolled back to"


@pytest.mark.parametrize("metadata", [{"head": "smell"}, {}, {"head": "detection", "method": "magic"}])
def test_weights_of_an_unknown_method_are_refused_with_words(metadata: dict[str, str]) -> None:
    with pytest.raises(TrainingError, match="expected one of: detection by centre_heatmap"):
        methods.load(Weights({}, metadata), "cpu")


# -- recipes


@pytest.mark.parametrize("head", Head)
def test_every_recipe_has_the_chosen_backbone(head: Head) -> None:
    assert methods.recipe_for(control(head), "some_backbone").backbone == "some_backbone"


@every_method
def test_effort_is_a_share_of_all_steps(method: Any) -> None:
    full, half, least = (method.recipe_for(control(method.head), "b", effort) for effort in (1.0, 0.5, 0.001))
    steps = [name for name in ("steps", "warm_steps") if hasattr(full, name)]
    assert steps or full == half == least
    for name in steps:
        assert getattr(half, name) == round(getattr(full, name) / 2)
        assert getattr(least, name) == FEWEST_STEPS


@every_method
def test_each_switch_changes_its_recipe(method: Any) -> None:
    recipe = method.recipe_for(control(method.head), "b")
    for name, off in method.ablations(recipe).items():
        assert off != recipe, name


# -- training


@every_case
def test_nothing_to_learn_from(case: Case) -> None:
    with pytest.raises(TrainingError, match="Found 0 labelled frames"):
        case.trained(labeled=[])
    with pytest.raises(TrainingError, match=r"and 0 (labels|keypoints)"):
        case.trained(labels=())


@every_case
def test_the_seed_says_all_and_the_process_keeps_its_own(case: Case, quick: tuple[Trained, list[Progress]]) -> None:
    state = torch.get_rng_state()
    first, second, other = quick[0].weights, case.trained(seed=1).weights, case.trained(seed=2).weights
    assert torch.equal(torch.get_rng_state(), state)
    assert first.metadata == second.metadata
    assert first.arrays.keys() == second.arrays.keys()
    assert all(np.array_equal(first.arrays[n], second.arrays[n]) for n in first.arrays)
    differs = any(not np.array_equal(first.arrays[n], other.arrays[n]) for n in first.arrays)
    assert differs is case.random


@every_case
def test_progress_rises_to_the_end(case: Case, quick: tuple[Trained, list[Progress]]) -> None:
    done = [progress.done for progress in quick[1]]
    assert done == sorted(done)
    assert (done[-1], quick[1][-1].seconds_left) == (1.0, 0.0)


@every_case
def test_interruption_passes_through(case: Case) -> None:
    def interrupt() -> None:
        raise TrainingInterrupted("newer labels came")

    with pytest.raises(TrainingInterrupted, match="newer labels"):
        case.trained(cancel=CancelToken(interrupt))


@every_case
def test_frames_without_objects_train(case: Case) -> None:
    bare = [dataclasses.replace(frame, instances=()) for frame in case.clip(2)]
    trained = case.trained(labeled=bare, unlabeled=())
    assert all(np.isfinite(array).all() for array in trained.weights.arrays.values())
    assert all(np.isfinite(value) for value in trained.metrics.values())


@every_case
def test_grey_small_reduced_and_unordered_frames(case: Case) -> None:
    [frame] = case.clip(1)
    image = frame.frame.image
    odd = [
        LabeledFrame(Frame(7, np.ascontiguousarray(image[..., 0]), frame.frame.width, frame.frame.height), ()),
        LabeledFrame(Frame(8, np.ascontiguousarray(image[:9, :7]), 7, 9), ()),
        LabeledFrame(Frame(9, np.ascontiguousarray(image[::2, ::2]), frame.frame.width, frame.frame.height), ()),
    ]
    trained = case.trained(labeled=[frame, *odd], unlabeled=[one.frame for one in odd])
    boxes = {task: (Instance("animal", (0.0, 0, 5, 5)),) for task in (7, 8, 9)} if case.boxed else None
    found = methods.load(trained.weights, "cpu").predict([one.frame for one in odd], (), boxes)
    assert [one.task for one in found] == [7, 8, 9]
    assert all(0 <= one.score <= 1 for one in found)


@every_case
def test_of_many_unlabelled_frames_few_are_looked_at(case: Case) -> None:
    [one] = case.clip(1)
    many = Counting(dataclasses.replace(one.frame, task=i, order=float(i)) for i in range(5000))
    case.trained(labeled=[one], unlabeled=many)
    most = getattr(case.quick, "group_frames", 2 * SAMPLED_FRAMES)
    assert many.decoded <= most


# -- starts


@every_case
def test_a_start_of_other_labels_keeps_what_is_shared(case: Case) -> None:
    start = case.trained(labels=case.labels[:1]).weights
    trained = case.trained(start=start, unlabeled=())
    assert trained.metrics["warm"] == float(case.method.transfers)
    assert methods.load(trained.weights, "cpu").labels == case.labels  # type: ignore[attr-defined]


@every_case
@pytest.mark.parametrize("metadata", [{}, {"format": "0"}, {"format": "1", "head": "smell", "blueprint": "{}"}])
def test_an_unreadable_start_is_left_out(case: Case, metadata: dict[str, str]) -> None:
    assert case.trained(start=Weights({}, metadata), unlabeled=()).metrics["warm"] == 0.0


@every_case
def test_a_start_of_another_method_is_left_out(case: Case, quick: tuple[Trained, list[Progress]]) -> None:
    other = Weights(quick[0].weights.arrays, {**quick[0].weights.metadata, "method": "other"})
    assert case.trained(start=other, unlabeled=()).metrics["warm"] == 0.0


# -- artifacts


@every_case
def test_an_artifact_is_small_and_names_its_head_and_its_method(
    case: Case, quick: tuple[Trained, list[Progress]]
) -> None:
    weights = quick[0].weights
    assert (weights.metadata["head"], weights.metadata["method"]) == (case.method.head, case.method.name)
    assert all(isinstance(array, np.ndarray) for array in weights.arrays.values())
    assert sum(array.nbytes for array in weights.arrays.values()) < 4e6


@every_case
def test_what_is_loaded_predicts_in_order_and_so_does_it_in_another_group(
    case: Case, quick: tuple[Trained, list[Progress]]
) -> None:
    weights = quick[0].weights
    labeled, others = case.split()
    frames, boxes = [one.frame for one in others[::-1]], case.boxes(others)
    own = methods.load(weights, "cpu").predict(frames, labeled, boxes)
    if case.method is methods.method_for(control(case.method.head)):  # those of before there were methods
        before = Weights(weights.arrays, {name: value for name, value in weights.metadata.items() if name != "method"})
        assert methods.load(before, "cpu").predict(frames, labeled, boxes) == own
    assert [one.task for one in own] == [frame.task for frame in frames]
    abroad = methods.load(methods.for_other_group(weights), "cpu").predict(frames, (), boxes)
    assert [one.task for one in abroad] == [frame.task for frame in frames]


def test_a_frame_without_a_box_has_no_points_in_boxes() -> None:
    case = CASES["points in boxes"]
    model = methods.load(case.trained().weights, "cpu")
    [one, other] = case.split()[1]
    found = model.predict([one.frame, other.frame], (), {other.frame.task: other.instances})
    assert found[0] == Prediction(one.frame.task, (), 1.0)
    assert len(found[1].instances) == len(other.instances)


# -- measures


@pytest.mark.parametrize("head", Head)
def test_nothing_measured_is_no_score(head: Head) -> None:
    assert methods.evaluate(head, [], []).score is None


@every_case
def test_the_truth_scores_one_and_nothing_at_all_zero(case: Case) -> None:
    frames = case.clip(3)
    said = [Prediction(one.frame.task, one.instances, 1.0) for one in frames]
    assert case.method.measure(said, frames).score == 1
    assert case.method.measure([], frames).score == 0


# -- what is learnt


@pytest.mark.slow
@every_case
def test_a_clip_is_learnt_and_again_from_there(case: Case) -> None:
    given = case.given(20, 3)
    labeled, others = case.split(20, 3)
    first = case.method.train(given, case.short)
    again = case.method.train(dataclasses.replace(given, start=first.weights), case.short)
    for trained in (first, again):
        model = methods.load(trained.weights, "cpu")
        found = model.predict([one.frame for one in others], labeled, case.boxes(others))
        assert (case.method.measure(found, others).score or 0.0) >= case.least
    assert (first.metrics["warm"], again.metrics["warm"]) == (0.0, float(case.method.transfers))
    if case.method.transfers:
        assert again.metrics["steps"] < first.metrics["steps"]
