"""Webhooks in, a Label Studio behind HTTP that answers well or badly: both engines, the real client, the real routes."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from backend.cancel import CancelSource
from backend.loop.data.vanished import PATIENCE_SECONDS
from backend.loop.events.draining import drain
from backend.loop.events.sweep import sweep_project
from backend.loop.group_work import GroupWorker
from backend.studio.client import Studio
from backend.web.app import create_app
from tests.loop.house import CONFIG, House, box_of
from tests.loop.http_studio import NOT_FOUND, Answer, HttpStudio, as_json, page, served
from tests.model_registry.conftest import postgres_schema, sqlite_template, url

__all__ = ["postgres_schema", "sqlite_template", "url"]

Spoil = Callable[[str, Answer], Answer]


class Town:
    """A house whose Label Studio is reached over HTTP, and its routes. Project 1: tasks 1-6, the first three labelled,
    all learnt and published. Project 2: tasks 21-22, the first labelled."""

    def __init__(self, folder: Path, url: str, studio: Callable[[House], HttpStudio]) -> None:
        self.house = House(folder, database_url=url)
        self.studio = studio(self.house)
        self.client = Studio(self.studio.url, "0123456789abcdef", sleep=lambda _: None)
        self.house.services = replace(self.house.services, connect_studio=lambda *_: self.client)
        self.house.worker = GroupWorker(self.house.services, "worker", CancelSource())
        self.web = TestClient(create_app(self.house.services))
        for project, tasks, labelled in ((1, range(1, 7), 3), (2, range(21, 23), 1)):
            self.house.add_project(project)
            for task in tasks:
                self.house.add_task(task, project)
            for task in tasks[:labelled]:
                self.house.label(task)
        self.house.work()

    def webhook(self, action: str, project: object, **payload: Any) -> int:
        body = {"action": action, "project": {"id": project, "label_config": CONFIG}, **payload}
        status = self.web.post("/webhook", json=body).status_code
        assert drain(self.house.services)
        return status

    def sweep(self, times: int = 2) -> None:
        for _ in range(times):
            sweep_project(self.house.services, 1)
            sweep_project(self.house.services, 2)

    def known(self, project: int = 1) -> Any:
        registry = self.house.registry
        labels = registry.labels.of_group(project, "clip", include_skipped=True)
        return registry.tasks.of_group(project, "clip"), [replace(label, updated_at=0.0) for label in labels]

    def truth(self) -> set[tuple[int, str]]:
        """(annotation, its content), as Label Studio has them in project 1."""
        rows = [row for row in self.house.studio.rows.values() if row["project"] == 1]
        return {(a["id"], json.dumps(a["result"])) for row in rows for a in row["annotations"]}

    def learnt(self) -> set[tuple[int, str]]:
        return {(label.id, json.dumps(label.result)) for label in self.known()[1]}


@pytest.fixture
def town(url: str, tmp_path: Path, quick: None) -> Iterator[Town]:
    servers: list[Any] = []

    def studio(house: House) -> HttpStudio:
        servers.append(served(house.studio))
        return servers[0].__enter__()  # type: ignore[no-any-return]

    town = Town(tmp_path, url, studio)
    yield town
    town.client.close()
    town.house.registry.close()
    servers[0].__exit__(None, None, None)


def only(part: str, spoilt: Answer) -> Spoil:
    return lambda path, answer: spoilt if part in path else answer


def cut(path: str, answer: Answer) -> Answer:
    """Half of the tasks, while the total says all."""
    if path != "/api/tasks/":
        return answer
    body = json.loads(answer[2])
    return as_json(body | {"tasks": body["tasks"][: len(body["tasks"]) // 2]})


def short(path: str, answer: Answer) -> Answer:
    """Half of the tasks, and a total that agrees."""
    if path != "/api/tasks/":
        return answer
    tasks = json.loads(answer[2])["tasks"]
    return as_json({"tasks": tasks[: len(tasks) // 2], "total": len(tasks) // 2})


LIST, PROJECT = "/api/tasks/", "/api/projects/1/"


@pytest.mark.parametrize(
    "spoil",
    [
        only("", page("<html>default backend - 404</html>", 404)),
        only("", page("<html>Login</html>", 200)),
        only("", page("Server Error (500)", 500)),
        only("", as_json({"detail": "Invalid token."}, 401)),
        only("", NOT_FOUND),
        only("", as_json({"detail": "Not Found"}, 404)),
        only("", as_json([])),
        only("", (200, "application/json", b'{"tasks": [')),
        only(PROJECT, NOT_FOUND),
        only(LIST, NOT_FOUND),
        only(LIST, as_json({"tasks": [], "total": 0})),
        only(LIST, as_json({"tasks": [], "total": 6})),
        only(LIST, page("<html>Login</html>", 200)),
        cut,
        short,
    ],
    ids=lambda spoil: spoil.__name__ if spoil.__name__ != "<lambda>" else "",
)
def test_a_bad_answer_wipes_nothing_and_doubles_nothing(town: Town, spoil: Spoil) -> None:
    before, versions = town.known(), len(town.house.registry.versions.history(1, "clip"))
    town.studio.spoil = spoil
    town.house.label(4)
    for _ in range(3):
        town.sweep(1)
        town.house.work(1)
        town.house.now += 4000
    assert town.studio.spoilt > 0, "the fault happened"
    town.studio.spoil = lambda path, answer: answer
    town.sweep()
    town.house.now += 4000
    town.house.work()
    assert town.known()[0] == before[0]
    assert town.learnt() == town.truth()
    assert len(town.house.registry.versions.history(1, "clip")) == versions + 1
    group = town.house.registry.groups.get(1, "clip")
    assert group
    assert (group.state(town.house.now), group.trained_labels) == ("idle", 4)
    assert {len(items) for items in town.house.shown().values()} == {1}


def test_webhooks_of_another_project_change_nothing(town: Town) -> None:
    before = town.known()
    number = town.house.studio.rows[2]["annotations"][0]["id"]
    evil = {"id": number, "task": 2, "result": [], "was_cancelled": False, "updated_at": "2099-01-01T00:00:00Z"}
    for project in (2, 999, "2", "2.17", 2.0, 2**70, None):
        for action, payload in [
            ("ANNOTATION_UPDATED", {"annotation": evil, "task": {"id": 2, "data": {"video": "stolen"}}}),
            ("ANNOTATIONS_DELETED", {"annotations": [{"id": number}]}),
            ("TASKS_DELETED", {"tasks": [{"id": 1}, {"id": 2}]}),
        ]:
            assert town.webhook(action, project, **payload) in (200, 401, 403, 422)
    assert town.known() == before
    assert [project.id for project in town.house.registry.projects.all()] == [1, 2]
    town.sweep()
    assert (town.known(), town.learnt()) == (before, town.truth())
    assert [task.id for task in town.known(2)[0]] == [21, 22], "what the events claimed went with the second sweep"


def test_what_is_listed_wins_over_a_label_of_the_year_2099(town: Town) -> None:
    """Forged within the project, or by a clock that was wrong."""
    row = town.house.studio.rows[2]
    evil = row["annotations"][0] | {"result": [], "updated_at": "2099-01-01T00:00:00Z"}
    town.webhook("ANNOTATION_UPDATED", 1, annotation=evil)
    gone = town.house.studio.rows[3]["annotations"][0]["id"]
    town.webhook("ANNOTATIONS_DELETED", 1, annotations=[{"id": gone}])
    assert town.learnt() != town.truth()
    town.sweep(1)
    assert town.learnt() == town.truth()
    town.house.label(2, box_of(5), action="ANNOTATION_UPDATED")
    assert town.learnt() == town.truth(), "and the person's next word counts at once"


def test_a_project_goes_by_label_studios_own_word_alone_and_comes_back(town: Town) -> None:
    before, row = town.known(), town.house.studio.projects.pop(1)
    for _ in range(3):
        town.sweep(1)
        town.house.now += PATIENCE_SECONDS
    assert town.house.registry.projects.require(1).gone
    assert not town.house.registry.projects.require(2).gone
    assert town.known() == before
    town.house.studio.projects[1] = row
    town.sweep(1)
    assert not town.house.registry.projects.require(1).gone
    assert town.known() == before
