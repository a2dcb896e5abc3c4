"""An event changes its own project alone, and makes none known."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.hooks import MicroModelBackend
from backend.loop.events.draining import drain
from backend.loop.events.on_event import on_event
from backend.loop.predict.on_demand import Predictor
from backend.studio import events
from tests.loop.house import CONFIG, House

FAR = "2099-01-01T00:00:00Z"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Project 1 with tasks 1 to 3, all labelled; project 2 is connected and empty."""
    house = House(tmp_path)
    house.add_project(1)
    house.add_project(2)
    for task in (1, 2, 3):
        house.add_task(task)
        house.label(task)
    yield house
    house.registry.close()


def send(house: House, action: str, project: object, vouched: bool = False, **payload: Any) -> str:
    row = {"id": project, "label_config": CONFIG}
    return on_event(house.services, events.parse({"action": action, "project": row, **payload}), vouched)


def hostile(house: House) -> list[tuple[str, dict[str, Any]]]:
    """Events that name what project 1 has."""
    number = house.studio.rows[2]["annotations"][0]["id"]
    evil = {"id": number, "task": 2, "result": [], "was_cancelled": False, "updated_at": FAR}
    stolen = {"id": 2, "data": {"image": "x", "video": "stolen"}}
    return [
        ("ANNOTATION_UPDATED", {"annotation": evil}),
        ("ANNOTATION_UPDATED", {"annotation": evil, "task": stolen}),
        ("ANNOTATIONS_CREATED", {"annotation": [evil | {"was_cancelled": True}], "task": [stolen]}),
        ("ANNOTATIONS_DELETED", {"annotations": [{"id": number}]}),
        ("TASKS_CREATED", {"tasks": [stolen]}),
        ("TASKS_DELETED", {"tasks": [{"id": 1}, {"id": 2}, {"id": 3}]}),
    ]


def everything(house: House) -> Any:
    registry = house.registry
    return (
        registry.tasks.of_group(1, "clip"), registry.labels.of_group(1, "clip", include_skipped=True),
        registry.groups.all(1), registry.projects.get(1), registry.reviews.pending(1, 99),
    )  # fmt: skip


@pytest.mark.parametrize("project", [2, 999])
@pytest.mark.parametrize("which", range(6))
def test_what_an_event_of_another_project_names_stays_as_it_is(house: House, project: int, which: int) -> None:
    before = everything(house)
    action, payload = hostile(house)[which]
    answer = send(house, action, project, **payload)
    assert everything(house) == before
    assert answer == ("recorded" if project == 2 else "ignored: the project is not connected")
    assert [known.id for known in house.registry.projects.all()] == [1, 2]


@pytest.mark.parametrize("action", ["PROJECT_UPDATED", "START_TRAINING"])
def test_an_event_makes_no_project_known(house: House, action: str) -> None:
    assert send(house, action, 999).startswith("ignored")
    assert house.registry.projects.get(999) is None
    assert 999 not in house.queue.projects


@pytest.mark.parametrize("project", [None, True, 0, -1, 1.0, 2**63, 10**400, "999x", "1e3", "", [1], {"id": 1}, "９"])
def test_a_project_that_is_no_number_is_no_project(house: House, project: object) -> None:
    before = everything(house)
    assert send(house, "TASKS_DELETED", project, tasks=[{"id": 1}]) == "ignored"
    assert everything(house) == before


def test_a_sender_that_is_vouched_for_may_tell_of_a_new_project(house: House) -> None:
    backend = MicroModelBackend(house.services, Predictor(house.services), 7)
    payload = {"project": {"id": 7, "label_config": CONFIG}, "tasks": [{"id": 70, "data": {"image": "a.png"}}]}
    assert backend.fit("TASKS_CREATED", payload) == {"status": "received"}
    assert drain(house.services)
    assert house.registry.projects.get(7) is None
    assert backend.fit("TASKS_CREATED", payload, vouched=True) == {"status": "received"}
    assert drain(house.services)
    assert house.registry.tasks.ids(7) == {70}


def test_a_question_for_predictions_makes_no_project_known(house: House) -> None:
    tasks = [events.TaskData(1, {"image": "a.png"}), None]
    assert Predictor(house.services).predict(999, tasks, CONFIG) == [None, None]
    assert house.registry.projects.get(999) is None
