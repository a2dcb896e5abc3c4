"""Points that hang on no rectangle: any number of each label, or the named points of one object."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.learning import methods
from backend.loop.data.frames import FrameStore
from backend.loop.data.training_set import TrainingSet, build_training_set
from backend.loop.review.compare import compare
from tests.loop.house import House

CONFIG = """<View><Image name="image" value="$image"/><KeyPointLabels name="label" toName="image" {}>
  <Label value="cell"/><Label value="seed"/></KeyPointLabels></View>"""


def points(*places: tuple[float, float], label: str = "cell") -> list[dict[str, Any]]:
    plain = {"from_name": "label", "to_name": "image", "type": "keypointlabels", "original_width": 64}
    return [
        {**plain, "original_height": 48, "id": f"{label} {n}", "value": {"x": x, "y": y, "keypointlabels": [label]}}
        for n, (x, y) in enumerate(places)
    ]


MANY = points((10, 10), (50, 50), (90, 20))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.registry.close()


def training_set(house: House, results: list[list[dict[str, Any]]], attribute: str = "") -> TrainingSet:
    house.add_project(config=CONFIG.format(attribute))
    for task, result in enumerate(results, start=1):
        house.add_task(task)
        house.label(task, result)
    project = house.registry.projects.seen(1)
    tasks, labels = house.registry.tasks.of_group(1, "clip"), house.registry.labels.of_group(1, "clip")
    [control] = house.services.config(project).require()
    return build_training_set(control, tasks, labels, FrameStore(house.services.media(project), 10))


def test_several_points_of_a_label_are_all_learnt_by_a_method_of_their_own(house: House) -> None:
    found = training_set(house, [MANY, points((20, 20)), [], points((1, 1), (2, 2)) + points((9, 9), label="seed")])
    assert found.problems == ()
    assert [sum(len(i.keypoints) for i in one.instances) for one in found.labeled] == [3, 1, 0, 3]
    assert methods.method_for(found.control).name == "points"
    assert methods.evaluate(found.control, [], found.labeled).score == 0.0


def test_the_named_points_of_one_object_stay_a_pose(house: House) -> None:
    found = training_set(house, [points((10, 10)) + points((50, 50), label="seed")])
    [one] = found.labeled[0].instances
    assert [point.label for point in one.keypoints] == ["cell", "seed"]
    assert methods.method_for(found.control).name == "keypoint_heatmap"


def test_a_click_too_many_makes_no_counting_of_a_pose(house: House) -> None:
    pose = points((10, 10)) + points((50, 50), label="seed")
    found = training_set(house, [points((10, 10), (11, 11)) + points((50, 50), label="seed"), *[pose] * 9])
    assert not found.control.counted
    assert [len(one.instances) for one in found.labeled] == [1] * 10
    [problem] = found.problems
    assert "task 1: region cell 1 of 'label' is a second 'cell'" in problem
    assert 'model_points="many"' in problem


def test_points_on_rectangles_are_counted_by_nobody(house: House) -> None:
    box = {"x": 0, "y": 0, "width": 90, "height": 90, "rotation": 0, "rectanglelabels": ["fly"]}
    plain = {"from_name": "box", "type": "rectanglelabels", "original_width": 64, "original_height": 48, "value": box}
    boxes = [{**plain, "id": "a"}, {**plain, "id": "b"}]
    hung = [{**point, "parentID": id_} for point, id_ in zip(MANY, "ab", strict=False)]
    found = training_set(house, [[*boxes, *hung]])
    assert not found.control.counted
    assert found.problems == ()
    assert [one.region_id for one in found.labeled[0].instances] == ["a", "b"]


@pytest.mark.parametrize(("attribute", "name"), [("one", "keypoint_heatmap"), ("many", "points")])
def test_the_config_decides_before_the_labels(house: House, attribute: str, name: str) -> None:
    found = training_set(house, [MANY, points((1, 1))], f'model_points="{attribute}"')
    assert methods.method_for(found.control).name == name
    assert sum(len(i.keypoints) for i in found.labeled[0].instances) == (3 if attribute == "many" else 1)
    assert len(found.problems) == (0 if attribute == "many" else 2)


def test_each_point_drawn_moved_and_deleted_is_an_action() -> None:
    moved = [MANY[0], {**MANY[1], "value": {**MANY[1]["value"], "x": 52}}, *points((5, 5))]
    moved[2]["id"] = "new"
    [tally] = compare(MANY, moved).values()
    assert (tally.accepted, tally.moved, tally.added, tally.deleted) == (1, 1, 1, 1)
    assert (tally.actions, tally.labels) == (3, 3)
