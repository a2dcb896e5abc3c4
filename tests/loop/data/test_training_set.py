from pathlib import Path
from typing import Any

import pytest

from backend.errors import TrainingError
from backend.loop.data.frames import FrameStore
from backend.loop.data.memory import FITTING_BYTES
from backend.loop.data.training_set import TrainingSet, build_training_set
from backend.loop.review.compare import Accepted
from backend.studio.regions.limits import MOST_REGIONS
from tests.loop.house import CONFIG, House, box_of


@pytest.fixture
def house(tmp_path: Path) -> House:
    """Three frames, each with one box."""
    made = House(tmp_path)
    made.add_project()
    for task in (1, 2, 3):
        made.add_task(task)
        made.label(task)
    return made


def training_set(house: House, accepted: Accepted, room: int | None = None) -> TrainingSet:
    registry, project = house.registry, house.registry.projects.seen(1)
    [group] = registry.groups.all(1)
    tasks, labels = registry.tasks.of_group(1, group.name), registry.labels.of_group(1, group.name)
    [control] = house.services.config(project).require()
    return build_training_set(
        control, tasks, labels, FrameStore(house.services.media(project), 10, room=room), accepted, 0.25
    )


def annotation_of(house: House, task: int) -> int:
    return int(house.studio.rows[task]["annotations"][0]["id"])


def test_what_people_drew_counts_in_full(house: House) -> None:
    learnt = training_set(house, Accepted()).labeled
    assert [one.weight for one in learnt] == [1.0, 1.0, 1.0]
    assert not any(instance.accepted for one in learnt for instance in one.instances)


def test_accepted_frames_weigh_less_and_accepted_regions_are_marked(house: House) -> None:
    first, second, third = (annotation_of(house, task) for task in (1, 2, 3))
    regions = {first: frozenset({"r1"}), second: frozenset({"r2"}), third: frozenset({"another"})}
    found = training_set(house, Accepted(frozenset({first}), regions))
    assert {one.frame.task: one.weight for one in found.labeled} == {1: 0.25, 2: 1.0, 3: 1.0}
    marks = {one.frame.task: [i.accepted for i in one.instances] for one in found.labeled}
    assert marks == {1: [True], 2: [True], 3: [False]}
    assert found.accepted == {1}


def test_an_empty_frame_has_no_outline_that_could_drift(house: House) -> None:
    house.label(1, [], action="ANNOTATION_UPDATED")
    found = training_set(house, Accepted(frozenset({annotation_of(house, 1)}), {}))
    assert {one.frame.task: one.weight for one in found.labeled} == {1: 1.0, 2: 1.0, 3: 1.0}


def test_an_annotation_that_holds_too_much_is_that_tasks_problem_alone(house: House) -> None:
    [one] = box_of(2)
    house.label(2, [{**one, "id": f"r{n}"} for n in range(MOST_REGIONS + 1)], action="ANNOTATION_UPDATED")
    found = training_set(house, Accepted())
    assert [frame.frame.task for frame in found.labeled] == [1, 3]
    assert found.learnt == {1, 3}
    assert [frame.task for frame in found.rest] == []
    assert "more than 2,000 regions" in found.unreadable[2]
    assert [problem.split(":")[0] for problem in found.problems] == ["task 2"]


@pytest.mark.parametrize("bad", [{"rectanglelabels": ["unicorn"]}, {"x": 400}, {"width": None}])
def test_a_frame_in_which_nothing_drawn_can_be_used_is_not_learnt_as_empty(house: House, bad: dict[str, Any]) -> None:
    [one] = box_of(2)
    house.label(2, [one | {"value": one["value"] | bad}], action="ANNOTATION_UPDATED")
    found = training_set(house, Accepted())
    assert [frame.frame.task for frame in found.labeled] == [1, 3]
    assert set(found.unreadable) == {2}


def test_a_box_that_is_no_more_than_a_click_leaves_an_empty_frame(house: House) -> None:
    [one] = box_of(2)
    house.label(2, [one | {"value": one["value"] | {"width": 0, "height": 0}}], action="ANNOTATION_UPDATED")
    found = training_set(house, Accepted())
    assert {frame.frame.task: len(frame.instances) for frame in found.labeled} == {1: 1, 2: 0, 3: 1}
    assert len(found.problems) == 1


def test_what_is_drawn_with_a_label_that_is_left_alone_is_no_mistake(house: House) -> None:
    config = CONFIG.replace('<Label value="disc"/>', '<Label value="disc" model_skip="true"/>')
    house.studio.projects[1]["label_config"] = config
    house.label(2, box_of(2, "disc"), action="ANNOTATION_UPDATED")
    found = training_set(house, Accepted())
    assert {frame.frame.task: len(frame.instances) for frame in found.labeled} == {1: 1, 2: 0, 3: 1}
    assert found.problems == ()


def test_frames_that_do_not_fit_into_memory_are_refused_before_they_are_held(house: House) -> None:
    with pytest.raises(TrainingError, match=r"Too little memory: 3 labelled frames.*MICRO_MODELS_TRAINING_MB"):
        training_set(house, Accepted(), room=FITTING_BYTES + 2 * 48 * 64 * 3)
    assert len(training_set(house, Accepted(), room=FITTING_BYTES + 3 * 48 * 64 * 3).labeled) == 3
