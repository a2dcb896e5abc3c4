from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.learning import methods
from backend.learning.fitting.training_input import TrainingInput
from backend.loop.train.train_group import SOUND_LABELS
from backend.types import Control, Weights
from model_registry import GroupRecord
from tests.loop.house import House, box_of, teach

Lessons = list[dict[int, list[bool]]]
"""{task: of each box, whether it was a prediction that was accepted}, for each training."""


@pytest.fixture
def training_sets(monkeypatch: pytest.MonkeyPatch) -> Lessons:
    found: Lessons = []

    def train(control: Control, given: TrainingInput, recipe: object) -> Any:
        found.append({one.frame.task: [instance.accepted for instance in one.instances] for one in given.labeled})
        return teach(control, given, recipe)

    monkeypatch.setattr(methods, "train", train)
    return found


@pytest.fixture
def house(quick: None, tmp_path: Path, training_sets: Lessons) -> House:
    """A group of twelve frames; SOUND_LABELS of them are labelled and learnt."""
    made = labelled(tmp_path, SOUND_LABELS, of=12)
    training_sets.clear()
    return made


def labelled(folder: Path, count: int, of: int) -> House:
    """A group of so many frames, of which the first `count` are labelled and learnt."""
    made = House(folder, proposals=False)
    made.add_project()
    for task in range(1, of + 1):
        made.add_task(task)
    for task in range(1, count + 1):
        made.label(task)
    made.work()
    return made


def group(house: House) -> GroupRecord:
    [found] = house.registry.groups.all(1)
    return found


def accept(house: House, task: int, **moved: float) -> None:
    """Submit what is shown, its first region changed where `moved` says so."""
    result = [dict(item) for item in house.shown()[task][0]["result"]]
    result[0] = {**result[0], "value": {**result[0]["value"], **moved}}
    house.label(task, result, parent_prediction=1)


def test_what_people_accept_teaches_nothing_that_the_version_does_not_know(
    house: House, training_sets: Lessons
) -> None:
    accept(house, 7)
    accept(house, 8)
    house.work()
    assert training_sets == []
    assert group(house).trained_labels == SOUND_LABELS + 2
    assert [version.number for version in house.registry.versions.history(1, group(house).name)] == [1]
    assert group(house).state(house.now) == "idle"
    # Published all the same: what is known of some frames helps the others.
    assert group(house).published == group(house).trained == group(house).wanted


def test_with_something_mended_all_is_learnt_and_what_was_accepted_is_known(
    house: House, training_sets: Lessons
) -> None:
    accept(house, 7)
    house.work()
    accept(house, 8, width=30.0)
    house.label(9, [])
    shown, [drawn] = house.shown()[10][0]["result"][0], box_of(10, region="drawn")
    house.label(10, [shown, drawn], parent_prediction=1)
    house.work()
    [learnt] = training_sets
    assert learnt == {task: [False] for task in range(1, SOUND_LABELS + 1)} | {
        7: [True],
        8: [False],
        9: [],
        10: [True, False],
    }


def test_start_training_trains_whatever_was_accepted(house: House, training_sets: Lessons) -> None:
    accept(house, 7)
    house.registry.groups.force(1, group(house).name)
    house.work()
    [learnt] = training_sets
    assert learnt[7] == [True]


def test_a_changed_or_withdrawn_label_is_something_new(house: House, training_sets: Lessons) -> None:
    accept(house, 7)
    house.label(2, [], action="ANNOTATION_UPDATED")
    house.work()
    assert len(training_sets) == 1
    house.send("ANNOTATIONS_DELETED", annotations=[{"id": house.studio.rows[3]["annotations"][0]["id"]}])
    house.work()
    assert len(training_sets) == 2


def test_of_few_frames_each_one_more_is_learnt(quick: None, tmp_path: Path, training_sets: Lessons) -> None:
    house = labelled(tmp_path, SOUND_LABELS - 1, of=5)
    accept(house, SOUND_LABELS)
    house.work()
    assert [len(learnt) for learnt in training_sets][-2:] == [SOUND_LABELS - 1, SOUND_LABELS]


def test_the_version_before_goes_on_speaking_while_what_it_learnt_holds(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    befores: list[Weights | None] = []

    def ensemble(weights: Weights, before: Weights | None) -> Weights:
        befores.append(before)
        return Weights({**weights.arrays, "joined": np.ones(1, np.float32)}, weights.metadata)

    monkeypatch.setattr(methods, "ensemble", ensemble)
    serving = house.registry.versions.serving(1, group(house).name)["label"]
    house.label(7, [])
    house.work()
    newer = house.registry.versions.serving(1, group(house).name)["label"]
    assert newer.number == 2
    assert serving.artifact is not None
    assert newer.artifact is not None
    assert befores[0] is not None
    assert befores[0].metadata == house.registry.artifacts.read(serving.artifact).metadata
    assert "joined" in house.registry.artifacts.read(newer.artifact).arrays
    house.label(2, [], action="ANNOTATION_UPDATED")
    house.work()
    assert befores[1:] == [None]


def test_a_version_that_learnt_few_frames_falls_silent(
    quick: None, tmp_path: Path, training_sets: Lessons, monkeypatch: pytest.MonkeyPatch
) -> None:
    befores: list[Weights | None] = []
    monkeypatch.setattr(methods, "ensemble", lambda weights, before: (befores.append(before), weights)[1])
    house = labelled(tmp_path, SOUND_LABELS - 1, of=5)
    house.label(SOUND_LABELS, [])
    house.work()
    assert befores == [None, None]
