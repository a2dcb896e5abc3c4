"""From a submitted annotation to its review, through the registry."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.loop.events.sweep import sweep_project
from backend.loop.pages.status import project_status
from backend.loop.review.reviewing import review_pending
from model_registry import ReviewRecord
from tests.loop.house import House, box_of

FIRST = (1, 4, 7)


@pytest.fixture
def house(tmp_path: Path, quick: None) -> Iterator[House]:
    """Three labelled frames, five predicted ones."""
    house = House(tmp_path)
    house.add_project()
    for task in range(1, 9):
        house.add_task(task)
    for task in FIRST:
        house.label(task, completed_by=5)
    house.work()
    yield house
    house.registry.close()


def predicted(house: House, task: int) -> list[dict[str, Any]]:
    """The regions shown for a task, as the editor hands them back untouched."""
    [item] = house.shown()[task]
    return [{**region, "origin": "prediction"} for region in item["result"]]


def reviews(house: House) -> dict[int, ReviewRecord]:
    """By task; every frame of the house holds one label at most."""
    review_pending(house.services, 1)
    return {one.task: one for one in house.registry.reviews.of_group(1, "clip")}


def counted(one: ReviewRecord) -> tuple[int, int, int, int, int]:
    return one.accepted, one.moved, one.relabelled, one.added, one.deleted


def test_first_labels_are_drawn(house: House) -> None:
    found = reviews(house)
    assert set(found) == set(FIRST)
    assert all(counted(one) == (0, 0, 0, 1, 0) and one.round == 0 and one.annotator == "5" for one in found.values())
    assert (found[1].control, found[1].label, found[1].labels, found[1].group) == ("label", "square", 1, "clip")


def test_a_prediction_accepted_costs_nothing(house: House) -> None:
    house.label(2, predicted(house, 2), parent_prediction=1)
    assert counted(reviews(house)[2]) == (1, 0, 0, 0, 0)
    assert reviews(house)[2].round == 1


def test_what_was_shown_is_told_by_its_regions_although_it_was_renewed_meanwhile(house: House) -> None:
    open_in_the_editor = predicted(house, 2)
    house.label(3, predicted(house, 3))
    house.work()
    assert open_in_the_editor[0]["id"] != predicted(house, 2)[0]["id"]
    house.label(2, open_in_the_editor, parent_prediction=1)
    assert counted(reviews(house)[2]) == (1, 0, 0, 0, 0)


def test_all_regions_deleted_are_counted_where_a_prediction_was_shown(house: House) -> None:
    house.label(2, [], parent_prediction=1)
    assert counted(reviews(house)[2]) == (0, 0, 0, 0, 1)


def test_drawn_beside_a_prediction_that_was_not_shown(house: House) -> None:
    house.label(2)
    assert counted(reviews(house)[2]) == (0, 0, 0, 1, 0)


def test_an_empty_frame_has_a_review_too(house: House) -> None:
    house.label(2, [])
    assert counted(reviews(house)[2]) == (0, 0, 0, 0, 0)
    assert reviews(house)[2].control == ""


def test_an_update_is_compared_with_what_was_shown_first(house: House) -> None:
    shown = predicted(house, 2)
    house.label(2, shown, parent_prediction=1)
    assert reviews(house)[2].actions == 0
    shown[0]["value"] = {**shown[0]["value"], "x": 1.0}
    house.label(2, shown, "ANNOTATION_UPDATED", parent_prediction=1)
    assert counted(reviews(house)[2]) == (0, 1, 0, 0, 0)
    shown[0]["value"] = {**shown[0]["value"], "x": 2.0, "rectanglelabels": ["disc"]}
    house.label(2, shown, "ANNOTATION_UPDATED", parent_prediction=1)
    assert counted(reviews(house)[2]) == (0, 1, 1, 0, 0)
    house.work()
    assert counted(reviews(house)[2]) == (0, 1, 1, 0, 0)


def test_the_same_event_again_changes_no_review(house: House) -> None:
    house.label(2, predicted(house, 2), parent_prediction=1)
    before = reviews(house)
    house.send(
        "ANNOTATION_CREATED",
        annotation=house.studio.rows[2]["annotations"][0],
        task={"id": 2, "data": house.studio.rows[2]["data"]},
    )
    assert reviews(house) == before


def test_a_deleted_annotation_takes_its_review_along(house: House) -> None:
    number = house.label(2)
    assert 2 in reviews(house)
    house.send("ANNOTATIONS_DELETED", annotations=[{"id": number}])
    assert 2 not in reviews(house)


def test_a_skipped_annotation_has_none(house: House) -> None:
    house.label(2, [], was_cancelled=True)
    assert 2 not in reviews(house)


def test_a_deleted_task_takes_its_reviews_along(house: House) -> None:
    house.send("TASKS_DELETED", tasks=[{"id": 1}])
    assert 1 not in reviews(house)


def test_predictions_made_annotations_in_bulk_are_accepted(house: House) -> None:
    """Label Studio's 'Create annotations from predictions': no origin, and the event is lost."""
    rows = house.studio.rows
    for task in (2, 3):
        result = [{k: v for k, v in region.items() if k != "origin"} for region in predicted(house, task)]
        rows[task]["annotations"] = [
            {"id": 7000 + task, "task": task, "result": result, "was_cancelled": False, "parent_prediction": 1,
             "updated_at": "2030-01-01T00:00:00Z"}
        ]  # fmt: skip
    sweep_project(house.services, 1)
    assert [counted(reviews(house)[task]) for task in (2, 3)] == [(1, 0, 0, 0, 0)] * 2


def test_an_import_with_annotations_is_drawn(house: House) -> None:
    house.studio.rows[2]["annotations"] = [
        {"id": 7000, "task": 2, "result": box_of(2), "was_cancelled": False, "updated_at": "2030-01-01T00:00:00Z"}
    ]
    sweep_project(house.services, 1)
    assert counted(reviews(house)[2]) == (0, 0, 0, 1, 0)


def test_two_annotators_of_one_task(house: House) -> None:
    house.label(2, predicted(house, 2), parent_prediction=1, completed_by=1)
    house.label(2, [], parent_prediction=1, completed_by=2)
    review_pending(house.services, 1)
    found = [one for one in house.registry.reviews.of_project(1) if one.task == 2]
    assert [(one.annotator, one.actions) for one in found] == [("1", 0), ("2", 1)]


def test_a_task_that_moves_to_another_group_takes_its_reviews_along(house: House) -> None:
    assert 1 in reviews(house)
    data = house.studio.rows[1]["data"] | {"video": "other"}
    house.send("TASKS_CREATED", tasks=[{"id": 1, "data": data}])
    assert 1 not in reviews(house)
    assert [one.task for one in house.registry.reviews.of_group(1, "other")] == [1]


def test_the_status_counts_as_soon_as_the_group_is_idle(house: House) -> None:
    for task in (2, 3):
        house.label(task, predicted(house, task), parent_prediction=1)
    moved = predicted(house, 5)
    moved[0]["value"] = {**moved[0]["value"], "y": 0.0}
    house.label(5, moved, parent_prediction=1)
    house.work()
    [group] = project_status(house.services, 1)["groups"]
    assert (group["state"], group["actions"]) == ("idle", 4)
    assert 0 < group["expected_left"] < 2
    assert group["efficiency"] == pytest.approx(1 - (4 + group["expected_left"]) / 8)
    assert "1 of the last 3 predictions" in group["advice"]


def test_what_was_predicted_on_demand_is_known_too(house: House) -> None:
    """Label Studio asks for a task that it has not told of, and stores the answer."""
    from backend.loop.predict.on_demand import Predictor
    from backend.studio.events import TaskData

    data = house.studio.rows[2]["data"]
    task = TaskData(77, data)
    predictor = Predictor(house.services)
    [answer] = predictor.predict(1, [task])
    assert answer is not None
    assert predictor.predict(1, [task]) == [answer], "the same regions when asked again"
    house.studio.rows[77] = {"id": 77, "project": 1, "data": data, "annotations": []}
    house.label(77, answer["result"], parent_prediction=1)
    assert counted(reviews(house)[77]) == (1, 0, 0, 0, 0)


def test_labels_of_before_this_was_counted_are_reviewed(house: House) -> None:
    """As the migration leaves them: pending, with nothing counted."""
    from sqlalchemy import update

    from model_registry.tables import reviews as table

    before = reviews(house)
    with house.registry._database.writing() as connection:
        connection.execute(update(table).values(pending=True, tallies=[], actions=0))
    assert reviews(house) == before
