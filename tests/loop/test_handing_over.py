"""A task never gets a second prediction of ours, whatever Label Studio's lists say."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.loop.events.sweep import sweep_project
from tests.loop.house import House


@pytest.fixture
def house(tmp_path: Path, quick: None) -> Iterator[House]:
    """Tasks 1 to 6, one of them labelled, nothing trained yet."""
    house = House(tmp_path)
    house.add_project()
    for task in range(1, 7):
        house.add_task(task)
    house.label(1)
    yield house
    house.registry.close()


def shown(house: House) -> dict[int, int]:
    """{task: how many predictions of ours it has}"""
    return {task: len(items) for task, items in house.shown().items()}


def later(house: House) -> None:
    house.now += 4000
    house.work()


def state(house: House) -> str:
    group = house.registry.groups.get(1, "clip")
    assert group
    return group.state(house.now)


def nothing(*_: Any) -> dict[int, list[int]]:
    return {}


@pytest.mark.parametrize("first", [True, False])
def test_an_empty_task_list_makes_no_doubles_and_loses_no_prediction(
    house: House, monkeypatch: pytest.MonkeyPatch, first: bool
) -> None:
    if not first:
        house.work()
        house.label(2)
    before = shown(house)
    with monkeypatch.context() as patch:
        patch.setattr(house.studio, "listed", list)
        patch.setattr(house.studio, "predictions_of", nothing)
        house.work(1)
        assert (state(house), shown(house)) == ("failed", before)
    later(house)
    assert state(house) == "idle"
    assert set(shown(house).values()) == {1}
    assert set(shown(house)) >= {3, 4, 5, 6}


def test_a_list_without_the_predictions_that_are_there_makes_no_doubles(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.work()
    house.label(2)
    with monkeypatch.context() as patch:
        patch.setattr(house.studio, "predictions_of", nothing)
        house.work(1)
        assert state(house) == "failed"
    later(house)
    assert (state(house), set(shown(house).values())) == ("idle", {1})


def test_predictions_that_somebody_deleted_are_made_again(house: House) -> None:
    house.work()
    house.studio.predictions.clear()
    house.label(2)
    house.work()
    assert (state(house), shown(house)) == ("idle", dict.fromkeys((3, 4, 5, 6), 1))


def test_a_task_that_is_gone_without_word_stops_no_other(house: House) -> None:
    del house.studio.rows[6]
    house.work()
    assert (state(house), shown(house)) == ("idle", dict.fromkeys((2, 3, 4, 5), 1))


def test_a_list_that_lacks_a_task_which_is_there_is_not_believed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(house.studio, "listed", lambda: [row for row in house.studio.rows.values() if row["id"] != 5])
        house.work(1)
        assert (state(house), shown(house)) == ("failed", {})
    later(house)
    assert (state(house), shown(house)) == ("idle", dict.fromkeys((2, 3, 4, 5, 6), 1))


def test_all_tasks_gone_without_word_is_settled_by_the_sweeps(house: House) -> None:
    house.studio.rows.clear()
    house.studio.projects[1] |= {"task_number": 0, "total_annotations_number": 0, "skipped_annotations_number": 0}
    house.work(1)
    assert state(house) == "failed"
    for _ in range(2):
        sweep_project(house.services, 1)
    later(house)
    assert state(house) == "idle"


def test_two_predictions_of_one_task_are_renewed_alike_and_none_is_deleted(house: House) -> None:
    house.work()
    double = dict(next(iter(house.studio.predictions.values())))
    house.studio.predictions[5000] = double
    house.label(2 if double["task"] != 2 else 3)
    house.work()
    both = list(house.shown()[double["task"]])
    assert len(both) == 2
    assert both[0] == both[1]


def test_nothing_is_handed_to_a_project_that_label_studio_says_it_does_not_have(house: House) -> None:
    row = house.studio.projects.pop(1)
    sweep_project(house.services, 1)
    house.work(1)
    assert (state(house), shown(house)) == ("failed", {})
    house.studio.projects[1] = row
    sweep_project(house.services, 1)
    later(house)
    assert (state(house), len(shown(house))) == ("idle", 5)


def test_only_some_of_many_are_asked_for_one_by_one(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from backend.loop.predict import publish

    house.work()
    house.studio.predictions.clear()
    house.label(2)
    asked: list[int] = []
    monkeypatch.setattr(publish, "ASKED", 2)
    monkeypatch.setattr(house.studio, "has_prediction", lambda _, task, __: asked.append(task))
    house.work()
    assert asked == [3, 4]


def test_a_task_that_label_studio_lacked_for_a_while_gets_its_prediction(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.work()
    rows = house.studio.rows
    house.add_task(7)
    yesterday = [row for row in rows.values() if row["id"] != 7]
    with monkeypatch.context() as patch:
        patch.setattr(house.studio, "listed", lambda: yesterday)
        patch.setattr(house.studio, "has_task", lambda project, task: task in {row["id"] for row in yesterday})
        house.work(1)
        assert 7 not in shown(house)
    later(house)
    sweep_project(house.services, 1)
    later(house)
    assert shown(house)[7] == 1
