"""Points in boxes: their training is handed what the boxes' own micro-model, trained just before, sees."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from backend.errors import TrainingError
from backend.learning import methods
from backend.learning.fitting.training_input import TrainingInput
from backend.types import Control, Instance
from tests.loop.house import House, box_of, square_of, teach

INSIDE = '<KeyPointLabels name="point" toName="image"><Label value="eye"/><Label value="tail"/></KeyPointLabels>'
BOXES = '<RectangleLabels name="label" toName="image"><Label value="square"/></RectangleLabels>'
IMAGE = '<Image name="image" value="$image"/>'
Handed = list[tuple[str, TrainingInput]]


@pytest.fixture
def handed(quick: None, monkeypatch: pytest.MonkeyPatch) -> Handed:
    """The controls in the order of their trainings, and what each was handed."""
    found: Handed = []

    def train(control: Control, given: TrainingInput, recipe: object) -> Any:
        found.append((control.from_name, given))
        return teach(control, given, recipe)

    monkeypatch.setattr(methods, "train", train)
    return found


def drawn(task: int) -> list[dict[str, Any]]:
    """A box with a point in it."""
    [box] = box_of(task)
    value = {"x": box["value"]["x"] + 5, "y": box["value"]["y"] + 5, "width": 1, "keypointlabels": ["eye"]}
    point = {**box, "id": f"p{task}", "parentID": box["id"], "from_name": "point", "type": "keypointlabels"}
    return [box, {**point, "value": value}]


def labelled(folder: Path, config: str, *labelled: int) -> House:
    house = House(folder, proposals=False)
    house.add_project(config=config)
    for task in range(1, 7):
        house.add_task(task)
    for task in labelled:
        house.label(task, drawn(task))
    house.work()
    return house


def boxes(found: Sequence[Instance]) -> list[tuple[int, ...]]:
    return [tuple(map(round, one.box)) for one in found]


@pytest.mark.parametrize("config", [f"<View>{IMAGE}{BOXES}{INSIDE}</View>", f"<View>{IMAGE}{INSIDE}{BOXES}</View>"])
def test_boxes_are_trained_first_and_found_for_the_points(tmp_path: Path, handed: Handed, config: str) -> None:
    labelled(tmp_path, config, 1, 2)
    assert [name for name, _ in handed] == ["label", "point"]
    (_, first), (_, second) = handed
    assert first.find_boxes is None
    assert [len(one.instances[0].keypoints) for one in second.labeled] == [1, 1]
    assert second.find_boxes is not None
    found = second.find_boxes(second.unlabeled)
    assert {task: boxes(of) for task, of in found.items()} == {task: [square_of(task)] for task in (3, 4, 5, 6)}
    assert all(one.region_id for of in found.values() for one in of)


def test_points_alone_are_handed_no_boxes(tmp_path: Path, handed: Handed) -> None:
    labelled(tmp_path, f"<View>{IMAGE}{INSIDE}</View>", 1, 2)
    assert [(name, given.find_boxes) for name, given in handed] == [("point", None)]


def test_boxes_that_cannot_be_trained_are_not_found(
    tmp_path: Path, handed: Handed, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = methods.train

    def train(control: Control, given: TrainingInput, recipe: Any) -> Any:
        if control.from_name == "label":
            raise TrainingError("The loss became nan")
        return seen(control, given, recipe)

    monkeypatch.setattr(methods, "train", train)
    labelled(tmp_path, f"<View>{IMAGE}{BOXES}{INSIDE}</View>", 1, 2)
    assert [(name, given.find_boxes) for name, given in handed] == [("point", None)]


def test_boxes_that_need_no_training_are_found_as_well(
    tmp_path: Path, handed: Handed, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, failures = methods.train, [MemoryError()]

    def train(control: Control, given: TrainingInput, recipe: Any) -> Any:
        if control.from_name == "point" and failures:
            raise failures.pop()
        return seen(control, given, recipe)

    monkeypatch.setattr(methods, "train", train)
    house = labelled(tmp_path, f"<View>{IMAGE}{BOXES}{INSIDE}</View>", 1, 2)
    house.now += 30
    house.work()
    assert [name for name, _ in handed] == ["label", "point"]
    assert handed[1][1].find_boxes is not None
