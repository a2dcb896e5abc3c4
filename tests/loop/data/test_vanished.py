"""What happens when Label Studio's answers lack what is known: a bad answer wipes nothing, a true deletion counts."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from backend.errors import StudioForbidden, StudioMissing, StudioUnreachable
from backend.loop.data.projects import setup
from backend.loop.data.vanished import PATIENCE_SECONDS
from backend.loop.events.sweep import GONE_SWEEP_SECONDS, Reconciler, sweep_project
from tests.loop.house import CONFIG, House, box_of

DAY = PATIENCE_SECONDS


@pytest.fixture
def house(tmp_path: Path, quick: None) -> Iterator[House]:
    """Project 1 with tasks 1 to 6; 1 to 3 are labelled by 101 to 103, and all was learnt and published."""
    house = House(tmp_path)
    house.add_project()
    for task in range(1, 7):
        house.add_task(task)
    for task in (1, 2, 3):
        house.label(task)
    house.work()
    yield house
    house.registry.close()


def known(house: House) -> tuple[set[int], set[int]]:
    registry = house.registry
    return registry.tasks.ids(1), {task for task in registry.labels.tasks(1).values() if task}


ALL = ({1, 2, 3, 4, 5, 6}, {1, 2, 3})


def listing(house: House, monkeypatch: pytest.MonkeyPatch, change: Callable[[list[dict[str, Any]]], Any]) -> None:
    """Has Label Studio's lists show something else than what it has."""
    rows = list(house.studio.rows.values())
    monkeypatch.setattr(house.studio, "listed", lambda: change(rows))


def without_annotations(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row | {"annotations": []} for row in rows]


@pytest.mark.parametrize("change", [lambda rows: [], lambda rows: rows[:2], lambda rows: rows[4:], without_annotations])
def test_a_list_that_lacks_things_wipes_nothing_that_is_there(
    house: House, monkeypatch: pytest.MonkeyPatch, change: Callable[[list[dict[str, Any]]], Any]
) -> None:
    group = house.registry.groups.get(1, "clip")
    with monkeypatch.context() as patch:
        listing(house, patch, change)
        for _ in range(4):
            sweep_project(house.services, 1)
    assert known(house) == ALL
    sweep_project(house.services, 1)
    house.now += 2 * DAY
    sweep_project(house.services, 1)
    assert known(house) == ALL
    assert house.registry.groups.get(1, "clip") == group, "nothing was trained or published for it"


@pytest.mark.parametrize(
    "answer", [{"tasks": [], "total": 6}, {"tasks": [], "total": None}, {"tasks": [None], "total": 1}]
)
def test_a_page_that_is_cut_short_wipes_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any]
) -> None:
    from backend.studio.task_list import TaskList

    # Even where whatever answers knows of nothing.
    monkeypatch.setattr(house.studio, "tasks", lambda project: TaskList(project, 100, lambda last: answer))
    monkeypatch.setattr(house.studio, "has_task", lambda *_: False)
    monkeypatch.setattr(house.studio, "has_annotation", lambda *_: False)
    for _ in range(3):
        sweep_project(house.services, 1)
        house.now += 2 * DAY
    assert known(house) == ALL


def test_the_projects_own_row_speaks_against_a_short_list(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.studio.projects[1]["task_number"] = 6
    monkeypatch.setattr(house.studio, "has_task", lambda *_: False)
    with monkeypatch.context() as patch:
        listing(house, patch, lambda rows: rows[1:])
        for _ in range(3):
            sweep_project(house.services, 1)
    assert known(house) == ALL
    del house.studio.rows[1]
    house.studio.projects[1]["task_number"] = 5
    for _ in range(2):
        sweep_project(house.services, 1)
    assert known(house) == ({2, 3, 4, 5, 6}, {2, 3})


def test_what_was_deleted_while_nobody_heard_goes_with_the_second_sweep(house: House) -> None:
    del house.studio.rows[1]
    house.studio.rows[2]["annotations"].clear()
    sweep_project(house.services, 1)
    assert known(house) == ALL
    sweep_project(house.services, 1)
    assert known(house) == ({2, 3, 4, 5, 6}, {3})
    house.work()
    group = house.registry.groups.get(1, "clip")
    assert group
    assert (group.state(house.now), group.trained_labels) == ("idle", 1)


def test_what_is_back_in_between_stays(house: House) -> None:
    row = house.studio.rows.pop(1)
    sweep_project(house.services, 1)
    house.studio.rows[1] = row
    sweep_project(house.services, 1)
    del house.studio.rows[1]
    sweep_project(house.services, 1)
    assert known(house) == ALL


def test_what_was_deleted_and_comes_back_is_learnt_again(house: House) -> None:
    row = house.studio.rows.pop(1)
    house.send("TASKS_DELETED", tasks=[{"id": 1}])
    assert known(house) == ({2, 3, 4, 5, 6}, {2, 3}), "an event counts at once"
    house.studio.rows[1] = row
    sweep_project(house.services, 1)
    assert known(house) == ALL


def test_an_emptied_project_is_empty_after_a_day_or_when_its_counts_say_so(house: House) -> None:
    house.studio.rows.clear()
    for _ in range(3):
        sweep_project(house.services, 1)
    assert known(house) == ALL
    house.now += DAY
    sweep_project(house.services, 1)
    assert known(house) == (set(), set())


def test_counts_of_zero_bear_an_empty_list_out(house: House) -> None:
    house.studio.rows.clear()
    house.studio.projects[1] |= {"task_number": 0, "total_annotations_number": 0, "skipped_annotations_number": 0}
    for _ in range(2):
        sweep_project(house.services, 1)
    assert known(house) == (set(), set())


def test_one_answer_against_a_list_is_enough_not_to_believe_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(house.studio, "has_task", lambda _, task: asked.append(task) or task == 3)
    listing(house, monkeypatch, lambda rows: rows[3:])
    for _ in range(2):
        sweep_project(house.services, 1)
    assert asked == [1, 2, 3]
    assert known(house) == ALL


def test_a_label_of_a_task_that_another_project_has_goes_with_the_second_sweep(house: House) -> None:
    """Its event named the wrong project."""
    house.add_project(2)
    house.add_task(50, project=2)
    annotation = {
        "id": 900,
        "task": 50,
        "result": box_of(50),
        "was_cancelled": False,
        "updated_at": "2026-01-01T00:00:00Z",
    }
    house.send("ANNOTATION_CREATED", 1, annotation=annotation)
    assert 900 in house.registry.labels.known(1)
    for _ in range(2):
        sweep_project(house.services, 1)
    assert 900 not in house.registry.labels.known(1)
    assert known(house) == ALL


def test_an_annotation_that_moved_to_another_task_is_learnt_there(house: House) -> None:
    moved = house.studio.rows[1]["annotations"].pop() | {"task": 4}
    house.studio.rows[4]["annotations"].append(moved)
    sweep_project(house.services, 1)
    assert known(house)[1] == {2, 3, 4}


def test_the_clock_of_label_studio_is_an_hour_ahead_for_a_while(house: House) -> None:
    ahead = datetime.fromtimestamp(house.now + 3600, UTC).isoformat()
    first, second = house.label(4, updated_at=ahead), house.label(5, updated_at=ahead)
    house.label(4, box_of(1), action="ANNOTATION_UPDATED")
    house.studio.rows[5]["annotations"].clear()
    house.send("ANNOTATIONS_DELETED", annotations=[{"id": second}])
    results = {label.id: label.result for label in house.registry.labels.of_group(1, "clip")}
    assert results[first] == box_of(1)
    assert second not in results
    for _ in range(2):
        sweep_project(house.services, 1)
    results = {label.id: label.result for label in house.registry.labels.of_group(1, "clip")}
    assert results[first] == box_of(1)
    assert second not in results


# -- the project


def missing(house: House) -> None:
    del house.studio.projects[1]


def counts(house: House) -> tuple[int, ...]:
    registry = house.registry
    return (
        len(registry.tasks.ids(1)), len(registry.labels.known(1)), len(registry.versions.history(1, "clip")),
        len(registry.ledger.latest(1, range(10))),
    )  # fmt: skip


def test_a_project_that_is_gone_for_a_day_is_left_alone_and_nothing_of_it_is_deleted(house: House) -> None:
    before, row = counts(house), house.studio.projects[1]
    missing(house)
    sweep_project(house.services, 1)
    record = house.registry.projects.require(1)
    assert (record.missing_since is not None, record.gone) == (True, False)
    house.now += DAY / 2
    sweep_project(house.services, 1)
    assert not house.registry.projects.require(1).gone
    house.now += DAY
    sweep_project(house.services, 1)
    assert house.registry.projects.require(1).gone
    house.registry.groups.force(1, "clip")
    assert house.registry.groups.pending(house.now) == []
    house.worker.run_group(1, "clip")
    assert counts(house) == before
    house.studio.projects[1] = row
    sweep_project(house.services, 1)
    assert house.registry.projects.require(1).missing_since is None
    house.work()
    assert len(house.registry.versions.history(1, "clip")) == before[2] + 1


def answer(error: Exception) -> Callable[..., Any]:
    def fail(*_: Any) -> Any:
        raise error

    return fail


@pytest.mark.parametrize(
    ("project", "listed"),
    [
        (answer(StudioUnreachable("HTML 404")), lambda _: False),
        (answer(StudioForbidden("401")), lambda _: False),
        (answer(StudioMissing("JSON 404")), lambda _: True),
        (answer(StudioMissing("JSON 404")), answer(StudioUnreachable("500, or a web page"))),
        (answer(StudioMissing("JSON 404")), answer(StudioForbidden("401"))),
        (answer(StudioMissing("JSON 404")), answer(StudioMissing("the list, too: nothing of Label Studio is there"))),
    ],
)
def test_anything_less_than_label_studios_own_word_says_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch, project: Any, listed: Any
) -> None:
    before = counts(house)
    monkeypatch.setattr(house.studio, "project", project)
    monkeypatch.setattr(house.studio, "lists_project", listed)
    for _ in range(3):
        sweep_project(house.services, 1)
        house.now += 2 * DAY
    assert house.registry.projects.require(1).missing_since is None
    assert counts(house) == before


def test_another_database_behind_the_address_is_not_taken_over(house: House) -> None:
    """It has a project of the same number, and tasks and annotations of the same numbers with other content."""
    sweep_project(house.services, 1)
    house.studio.projects[1]["created_at"] = "2026-01-01T00:00:00Z"
    sweep_project(house.services, 1)
    before, rows = house.registry.labels.of_group(1, "clip"), dict(house.studio.rows)
    house.studio.projects[1] |= {"created_at": "2026-07-07T00:00:00Z", "label_config": "<View/>"}
    number = rows[1]["annotations"][0]["id"]
    other = {"id": number, "task": 1, "result": [], "was_cancelled": False, "updated_at": "2030-01-01T00:00:00Z"}
    house.studio.rows = {1: rows[1] | {"data": {"image": "other"}, "annotations": [other]}}
    for _ in range(3):
        sweep_project(house.services, 1)
    assert house.registry.labels.of_group(1, "clip") == before
    assert house.registry.projects.require(1).config != "<View/>"
    assert known(house) == ALL
    house.studio.projects[1] |= {"created_at": "2026-01-01T01:00:00.000000+01:00"}
    house.studio.rows = rows
    sweep_project(house.services, 1)
    assert house.registry.projects.require(1).missing_since is None


def test_a_project_that_is_gone_is_asked_for_less_often_and_at_once_when_it_speaks(house: House) -> None:
    missing_row = house.studio.projects.pop(1)
    sweep_project(house.services, 1)
    house.now += DAY
    sweep_project(house.services, 1)
    look = Reconciler(house.services)
    look()
    asked = len(house.queue.projects)
    house.now += house.settings.sweep_seconds * 2
    look()
    assert len(house.queue.projects) == asked
    house.now += GONE_SWEEP_SECONDS
    look()
    assert len(house.queue.projects) == asked + 1
    house.studio.projects[1] = missing_row
    house.label(6)
    assert len(house.queue.projects) == asked + 2
    setup(house.services, 1, CONFIG, None)
    assert len(house.queue.projects) == asked + 3


def test_a_list_of_backends_that_cannot_be_had_costs_itself_alone(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.registry.projects.configure(1, settings={"title": "mine"})
    monkeypatch.setattr(house.studio, "backends", answer(StudioUnreachable("HTTP 500")))
    house.studio.rows[4]["annotations"] = [house.studio.rows[1]["annotations"][0] | {"id": 7000, "task": 4}]
    sweep_project(house.services, 1)
    assert 7000 in house.registry.labels.known(1)
    assert house.registry.projects.require(1).settings["title"] == "mine"
