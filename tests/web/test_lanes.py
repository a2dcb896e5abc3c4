"""One slow kind of request takes no thread from another."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from structlog.testing import capture_logs

from backend.hooks import MicroModelBackend
from backend.loop.pages.thumbnail import Thumbnails
from backend.web.app import create_app
from backend.web.dashboard import routes
from backend.web.lanes import Lane
from tests.loop.house import CONFIG, House

MANY = 60
"""More than all threads that the framework has for everything."""


class Slow:
    """Something that takes until it is let go."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Semaphore(0), threading.Event()

    def __call__(self, *_: Any, **__: Any) -> Any:
        self.begun.release()
        self.go.wait(60)
        return b"jpeg"


@pytest.fixture
def slow() -> Iterator[Slow]:
    made = Slow()
    yield made
    made.go.set()


@pytest.fixture
def open_client(house: House) -> Iterator[TestClient]:
    """All requests in one event loop, as a server has it."""
    with TestClient(create_app(house.services)) as client:
        yield client


def event(number: int) -> dict[str, Any]:
    row = {"id": number, "task": 1, "result": [], "was_cancelled": False, "updated_at": "2026-01-01T00:00:00Z"}
    return {"action": "ANNOTATION_CREATED", "project": {"id": 1, "label_config": CONFIG}, "annotation": row}


def all_answer(client: TestClient) -> None:
    """What must never wait, does not."""
    assert client.get("/health").status_code == 200
    assert client.post("/webhook", json=event(501)).json() == {"status": "received"}
    assert client.post("/setup", json={"project": "1.5", "schema": CONFIG}).status_code == 200
    assert client.get("/projects/1").status_code == 200
    assert client.get("/status?project=1").status_code == 200


def crowd(slow: Slow, ask: Callable[[int], httpx.Response], meanwhile: Callable[[], None]) -> list[httpx.Response]:
    with ThreadPoolExecutor(MANY) as pool:
        answers = [pool.submit(ask, number) for number in range(MANY)]
        try:
            assert slow.begun.acquire(timeout=20), "nothing slow ever began"
            meanwhile()
            assert not all(answer.done() for answer in answers)
        finally:
            slow.go.set()
        return [answer.result(60) for answer in answers]


def test_pictures_keep_nobody_waiting(open_client: TestClient, slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Thumbnails, "jpeg", slow)
    answers = crowd(
        slow, lambda n: open_client.get(f"/projects/1/tasks/{1 + n % 6}/thumbnail"), lambda: all_answer(open_client)
    )
    assert {answer.status_code for answer in answers} == {200}


def test_predictions_keep_nobody_waiting(open_client: TestClient, slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.hooks.MicroModelBackend.predict", lambda *_: [slow()][:0])
    body = {"tasks": [], "project": "1.5", "label_config": CONFIG}
    answers = crowd(slow, lambda _: open_client.post("/predict", json=body), lambda: all_answer(open_client))
    assert {answer.status_code for answer in answers} == {200}


def test_more_prompts_than_can_be_answered_in_time_get_no_object_and_the_log_says_so(
    open_client: TestClient, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.hooks.MicroModelBackend.predict", lambda *_: [slow()][:0])
    drawn = {"context": {"result": [{"type": "rectanglelabels"}]}}
    body = {"tasks": [{"id": 1}], "project": "1.5", "label_config": CONFIG, "params": drawn}
    with capture_logs() as log:
        answers = crowd(slow, lambda _: open_client.post("/predict", json=body), lambda: all_answer(open_client))
    assert {answer.status_code for answer in answers} == {200}
    nothing = [answer for answer in answers if answer.json()["results"]]
    assert all(answer.json()["results"] == [{"result": [], "score": 0.0}] for answer in nothing)
    assert [entry["why"] for entry in log if entry["event"] == "a prompt has no answer"] == [
        "12 requests for prompts wait already; ask again later."
    ] * len(nothing)
    assert len(answers) - len(nothing) == 12


@pytest.mark.parametrize("drawn", [False, True])
def test_one_project_keeps_no_other_waiting(
    open_client: TestClient, house: House, slow: Slow, monkeypatch: pytest.MonkeyPatch, drawn: bool
) -> None:
    def predict(self: MicroModelBackend, tasks: list[Any], context: object) -> list[Any]:
        return [slow()][:0] if self._project == 1 else [[] for _ in tasks]

    monkeypatch.setattr("backend.hooks.MicroModelBackend.predict", predict)
    params = {"context": {"result": [{"type": "rectanglelabels"}]}} if drawn else {}

    def ask(project: int, tasks: int = 1) -> httpx.Response:
        body = {"tasks": [{"id": 1}] * tasks, "project": f"{project}.5", "label_config": CONFIG, "params": params}
        return open_client.post("/predict", json=body)

    def meanwhile() -> None:
        assert ask(2).json() == {"results": [[]]}

    house.add_project(2)
    crowd(slow, lambda _: ask(1), meanwhile)


def test_whoever_opens_a_task_does_not_wait_for_those_who_fetch_many(
    open_client: TestClient, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "backend.hooks.MicroModelBackend.predict", lambda _, tasks, __: [slow()][:0] if len(tasks) > 1 else ["one"]
    )
    body = {"project": "1.5", "label_config": CONFIG}

    def meanwhile() -> None:
        assert open_client.post("/predict", json={**body, "tasks": [{"id": 1}]}).json() == {"results": ["one"]}

    crowd(slow, lambda _: open_client.post("/predict", json={**body, "tasks": [{"id": 1}, {"id": 2}]}), meanwhile)


def test_a_registry_that_takes_no_writes_keeps_no_event_waiting(
    open_client: TestClient, house: House, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.hooks.setup", slow)  # what waits for the registry's writers
    body = {"project": "9.5", "schema": CONFIG}

    def meanwhile() -> None:
        assert open_client.post("/webhook", json=event(501)).json() == {"status": "received"}
        assert house.registry.inbox.waiting() == 1

    crowd(slow, lambda _: open_client.post("/setup", json=body), meanwhile)


def test_a_line_that_is_too_long_is_said(house: House, slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Thumbnails, "jpeg", slow)
    monkeypatch.setattr(routes, "Lane", lambda what, threads, line: Lane(what, 2, 4))
    with TestClient(create_app(house.services)) as client:
        answers = crowd(slow, lambda n: client.get(f"/projects/1/tasks/{1 + n % 6}/thumbnail"), lambda: None)
    refused = [answer for answer in answers if answer.status_code != 200]
    assert {(r.status_code, r.headers["content-type"], r.headers["retry-after"]) for r in refused} == {
        (503, "image/svg+xml", "2")
    }
    assert 3 <= len(answers) - len(refused) < MANY
