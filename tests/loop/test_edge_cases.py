"""What people really do to a project, each with the sensible outcome."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.loop.events.sweep import sweep_project
from backend.loop.pages.status import project_status
from tests.loop.house import CONFIG, House, box_of

LABELLED = (1, 4, 7)


@pytest.fixture
def house(tmp_path: Path, quick: None) -> Iterator[House]:
    house = House(tmp_path)
    house.add_project()
    for task in range(1, 9):
        house.add_task(task)
    yield house
    house.registry.close()


def group(house: House, name: str = "clip", project: int = 1) -> dict[str, Any]:
    found = {g["group"]: g for g in project_status(house.services, project)["groups"]}
    return found[name]


def label_some(house: House, tasks: tuple[int, ...] = LABELLED) -> None:
    for task in tasks:
        house.label(task)


def test_labels_become_a_version_and_predictions_for_all_others(house: House) -> None:
    assert group(house)["state"] == "idle"
    label_some(house)
    assert group(house)["state"] == "queued"
    house.work()
    state = group(house)
    assert (state["state"], state["trained_labels"], state["version"]) == ("idle", 3, "v1")
    assert state["measure"] == "F1 at IoU 0.5"
    shown = house.shown()
    assert set(shown) == set(range(1, 9)) - set(LABELLED)
    assert all(len(items) == 1 and items[0]["model_version"] == "micro-models" for items in shown.values())


def test_a_second_round_renews_predictions_in_place(house: House) -> None:
    label_some(house)
    house.work()
    before = set(house.studio.predictions)
    house.label(2)
    house.work()
    assert set(house.studio.predictions) == before, "no prediction may vanish or be made twice"
    assert group(house)["version"] == "v2"
    assert group(house)["trained_labels"] == 4
    assert house.studio.calls[0].startswith("import 5")


def test_a_burst_is_one_training(house: House) -> None:
    label_some(house, (1, 2, 3, 4, 5))
    house.work()
    assert group(house)["version"] == "v1"


def test_an_event_that_comes_twice_trains_once(house: House) -> None:
    label_some(house)
    house.work()
    annotation = house.studio.rows[1]["annotations"][0]
    house.send("ANNOTATION_CREATED", annotation=annotation, task={"id": 1, "data": house.studio.rows[1]["data"]})
    assert group(house)["state"] == "idle"


def test_two_projects_with_equally_named_groups_stay_apart(house: House) -> None:
    house.add_project(2)
    for task in range(101, 105):
        house.add_task(task, project=2)
    label_some(house)
    house.work()
    assert group(house)["version"] == "v1"
    assert group(house, project=2)["version"] is None
    assert not set(house.shown()) & set(range(101, 105))
    house.label(101)
    house.work()
    assert group(house, project=2)["trained_labels"] == 1
    assert group(house)["trained_labels"] == 3


def test_a_config_change_makes_the_model_stale_and_retrains_it(house: House) -> None:
    from backend.loop.events.sweep import sweep_project
    from backend.loop.predict.on_demand import Predictor
    from backend.studio.events import TaskData

    label_some(house)
    house.work()
    task = TaskData(2, house.studio.rows[2]["data"])
    predictor = Predictor(house.services)
    assert predictor.predict(1, [task])[0] is not None
    changed = CONFIG.replace('<Label value="disc"/>', '<Label value="circle"/>')
    house.studio.projects[1]["label_config"] = changed
    house.send("PROJECT_UPDATED")
    assert house.queue.projects, "a changed config sends for a sweep"
    assert predictor.predict(1, [task]) == [None], "a stale model predicts nothing rather than something wrong"
    sweep_project(house.services, 1)
    house.work()
    assert group(house)["version"] == "v2"
    assert house.registry.ledger.latest(1, [2])[2].versions == {
        "label": house.registry.versions.history(1, "clip")[0].id
    }
    assert predictor.predict(1, [task])[0] is not None


def test_a_control_that_nobody_uses_has_nothing_trained_again_at_each_sweep(house: House) -> None:
    classes = '<Choices name="place" toName="image"><Choice value="a"/><Choice value="b"/></Choices></View>'
    house.studio.projects[1]["label_config"] = CONFIG.replace("</View>", classes)
    label_some(house)
    house.work()
    versions = len(house.registry.versions.history(1, "clip"))
    for _ in range(2):
        sweep_project(house.services, 1)
        house.work()
    assert len(house.registry.versions.history(1, "clip")) == versions


def test_a_control_that_comes_into_the_config_is_learnt_from_labels_that_are_there(house: House) -> None:
    place = {"id": "p", "from_name": "place", "to_name": "image", "type": "choices", "value": {"choices": ["a"]}}
    label_some(house)
    house.label(5, [*box_of(5), place])
    house.work()
    classes = '<Choices name="place" toName="image"><Choice value="a"/><Choice value="b"/></Choices></View>'
    house.studio.projects[1]["label_config"] = CONFIG.replace("</View>", classes)
    sweep_project(house.services, 1)
    house.work()
    assert set(house.registry.versions.serving(1, "clip")) == {"label", "place"}


def test_a_config_that_asks_for_nothing_we_can_do_is_told(house: House) -> None:
    house.studio.projects[1]["label_config"] = '<View><Text name="t" value="$t"/><TextArea name="a" toName="t"/></View>'
    house.send("PROJECT_UPDATED")
    status = project_status(house.services, 1)
    assert "TextArea" in status["problem"]
    assert "RectangleLabels" in status["problem"]


def test_a_task_without_the_group_field_is_shown_apart(house: House) -> None:
    house.add_task(50, video=None)
    state = group(house, "project")
    assert state["tasks"] == 1
    assert "no well-known group field" in state["rule"]


def test_a_corrupt_jpeg_costs_that_task_alone(house: House) -> None:
    house.add_task(60, image=b"\xff\xd8\xff\xe0 not a jpeg")
    house.add_task(61, image=b"")
    label_some(house)
    house.label(61)
    house.work()
    state = group(house)
    assert (state["state"], state["version"], state["trained_labels"]) == ("idle", "v1", 3)
    assert "task 61" in state["reason"]
    assert set(house.shown()) == {2, 3, 5, 6, 8}
    assert house.registry.tasks.get(1, 60).problem  # type: ignore[union-attr]


@pytest.mark.parametrize("bad", ["zero", "outside", "unknown label", "no value"])
def test_a_bad_region_costs_itself_alone(house: House, bad: str) -> None:
    result = box_of(5) + box_of(5, region="bad")
    match bad:
        case "zero":
            result[1]["value"] |= {"width": 0, "height": 0}
        case "outside":
            result[1]["value"] |= {"x": 150, "y": 150}
        case "unknown label":
            result[1]["value"]["rectanglelabels"] = ["nothing of ours"]
        case "no value":
            del result[1]["value"]
    label_some(house)
    house.label(5, result)
    house.work()
    state = group(house)
    assert (state["state"], state["trained_labels"]) == ("idle", 4)
    assert "task 5" in state["reason"]


def test_a_deleted_task_takes_its_label_along(house: House) -> None:
    label_some(house)
    house.work()
    del house.studio.rows[1]
    house.send("TASKS_DELETED", tasks=[{"id": 1}])
    assert group(house)["state"] == "queued"
    house.work()
    assert group(house)["trained_labels"] == 2
    assert group(house)["tasks"] == 7


def test_a_skipped_annotation_is_no_label(house: House) -> None:
    label_some(house)
    house.work()
    house.label(2, [], was_cancelled=True)
    assert group(house)["state"] == "idle"
    assert group(house)["labelled"] == 3


def test_an_updated_annotation_trains_again(house: House) -> None:
    label_some(house)
    house.work()
    house.label(1, box_of(2), action="ANNOTATION_UPDATED")
    assert group(house)["state"] == "queued"
    house.work()
    assert group(house)["version"] == "v2"
    assert group(house)["trained_labels"] == 3


def test_a_deleted_annotation_is_unlearnt_and_its_task_predicted(house: House) -> None:
    label_some(house)
    house.work()
    number = house.studio.rows[1]["annotations"].pop()["id"]
    house.send("ANNOTATIONS_DELETED", annotations=[{"id": number}])
    house.work()
    assert group(house)["trained_labels"] == 2
    assert 1 in house.shown()


def test_all_labels_deleted_leaves_the_version_serving(house: House) -> None:
    house.label(1)
    house.work()
    number = house.studio.rows[1]["annotations"].pop()["id"]
    house.send("ANNOTATIONS_DELETED", annotations=[{"id": number}])
    house.work()
    assert (group(house)["state"], group(house)["trained_labels"], group(house)["version"]) == ("idle", 0, "v1")


def test_a_task_that_comes_later_is_predicted_too(house: House) -> None:
    label_some(house)
    house.work()
    house.add_task(9)
    assert group(house)["state"] == "queued"
    house.work()
    assert 9 in house.shown()
    assert group(house)["version"] == "v1", "a new task is no reason to train"


def test_lost_events_are_repaired_by_a_sweep(house: House) -> None:
    from backend.loop.events.sweep import sweep_project

    label_some(house)
    house.work()
    rows = house.studio.rows
    rows[2]["annotations"].append(rows[4]["annotations"][0] | {"id": 5000, "task": 2, "result": box_of(2)})
    rows[1]["annotations"].clear()
    del rows[7]
    rows[70] = {"id": 70, "project": 1, "data": rows[3]["data"] | {"frame": 70}, "annotations": []}
    for _ in range(2):  # what is missing once may be missing by mistake
        sweep_project(house.services, 1)
    house.work()
    state = group(house)
    assert (state["trained_labels"], state["tasks"]) == (2, 8)
    assert {1, 70} <= set(house.shown())


def test_manual_training_waits_for_the_button(tmp_path: Path, quick: None) -> None:
    from backend.loop.events.sweep import sweep_project

    house = House(tmp_path, training="manual")
    house.add_project()
    for task in range(1, 5):
        house.add_task(task)
    house.label(1)
    house.work()
    assert group(house)["version"] is None
    assert "Start training" in group(house)["reason"]
    house.send("START_TRAINING")
    sweep_project(house.services, 1)
    house.work()
    assert (group(house)["version"], group(house)["trained_labels"]) == ("v1", 1)
    sweep_project(house.services, 1)
    house.work()
    assert group(house)["version"] == "v1", "the request is used up"
    house.registry.close()


def test_too_few_labels_wait(tmp_path: Path, quick: None) -> None:
    house = House(tmp_path, min_labels=2)
    house.add_project()
    for task in range(1, 5):
        house.add_task(task)
    house.label(1)
    house.work()
    assert (group(house)["state"], group(house)["reason"]) == ("idle", "1 of 2 frames labelled")
    house.label(2)
    house.work()
    assert group(house)["version"] == "v1"
    house.registry.close()


def test_rollback_serves_and_publishes_the_older_version(house: House) -> None:
    label_some(house)
    house.work()
    house.label(2)
    house.work()
    first, second = (v.id for v in reversed(house.registry.versions.history(1, "clip")))
    assert house.registry.ledger.latest(1, [3])[3].versions == {"label": second}
    house.registry.versions.rollback(1, "clip")
    house.work()
    assert house.registry.ledger.latest(1, [3])[3].versions == {"label": first}
    assert group(house)["state"] == "idle"


def test_without_any_task_or_label_nothing_happens(house: House) -> None:
    house.worker.run_group(1, "clip")
    house.worker.run_group(1, "no such group")
    assert house.studio.calls == []
