import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from backend.loop.events.draining import drain
from backend.studio.connection import SECRET_HEADER
from backend.web.app import create_app
from tests.loop.house import CONFIG, House

PROJECT = "1.1795391199"


def tasks_of(house: House, *numbers: int) -> list[dict[str, Any]]:
    return [{"id": n, "data": house.studio.rows[n]["data"], "annotations": [], "predictions": []} for n in numbers]


def predict(client: TestClient, tasks: list[Any], **params: Any) -> httpx.Response:
    body = {"tasks": tasks, "project": PROJECT, "label_config": CONFIG, "params": {"login": None, **params}}
    return client.post("/predict", json=body)


def webhook(house: House, action: str, **payload: Any) -> dict[str, Any]:
    return {"action": action, "project": {"id": 1, "label_config": CONFIG}, **payload}


def annotation(house: House, task: int) -> dict[str, Any]:
    row = {"id": 500 + task, "task": task, "result": [], "was_cancelled": False, "updated_at": "2026-01-01T00:00:00Z"}
    return webhook(house, "ANNOTATION_CREATED", annotation=row, task=tasks_of(house, task)[0])


def test_health_needs_nothing(client: TestClient) -> None:
    assert client.get("/health").json()["status"] == "UP"


def test_setup_answers_the_title_and_sends_for_a_sweep_once(client: TestClient, house: House) -> None:
    house.registry.projects.mark_synced(1, house.now)
    house.queue.projects.clear()
    body = {"project": PROJECT, "schema": CONFIG, "hostname": "http://x", "access_token": "t", "extra_params": None}
    for _ in range(3):
        assert client.post("/setup", json=body).json() == {"model_version": "micro-models"}
    assert house.queue.projects == []
    client.post("/setup", json=body | {"extra_params": '{"group_by": "scene"}'})
    assert house.queue.projects == [1]


def test_setup_without_an_api_key_tells_the_generation(tmp_path: Path) -> None:
    house = House(tmp_path)
    pull = house.services.settings.model_copy(update={"label_studio_url": ""})
    client = TestClient(create_app(replace(house.services, settings=pull)))
    body = {"project": "3.1", "schema": CONFIG}
    for _ in range(3):
        assert client.post("/setup", json=body).json() == {"model_version": "micro-models#0"}
    assert house.queue.projects == [3], "the new config is looked at once"
    house.registry.close()


@pytest.mark.parametrize("project", [None, "", "x", -1, {}, []])
def test_a_project_that_is_none_is_refused_with_words(client: TestClient, project: Any) -> None:
    answer = client.post("/setup", json={"project": project, "schema": CONFIG})
    assert answer.status_code == 422
    assert "expected" in answer.json()["detail"]


def test_no_model_yet_is_no_prediction_and_no_error(client: TestClient, house: House) -> None:
    assert predict(client, tasks_of(house, 1, 2)).json() == {"results": [[], []]}


def test_interactive_calls_always_get_an_object(client: TestClient, house: House) -> None:
    for context in ({"result": []}, {"result": [{"id": "x", "type": "rectanglelabels", "value": {}}]}):
        answer = predict(client, tasks_of(house, 1), context=context).json()
        assert answer == {"results": [{"result": [], "score": 0.0}]}


def test_as_many_results_as_tasks_in_order_whatever_is_wrong_with_some(
    client: TestClient, house: House, quick: None
) -> None:
    house.add_task(40, image=b"broken")
    house.label(1)
    house.work()
    odd: list[Any] = [{"id": 41, "data": {}}, {"id": 42}, {}, None, "task", {"id": "x", "data": 3}]
    answer = predict(client, [*tasks_of(house, 2), *odd, *tasks_of(house, 40, 3)]).json()["results"]
    assert len(answer) == 9
    assert [bool(a) for a in answer] == [True, False, False, False, False, False, False, False, True]
    assert answer[0]["result"][0]["value"]["rectanglelabels"] == ["square"]
    assert answer[0]["model_version"] == "micro-models"


def test_predictions_are_those_that_were_published(client: TestClient, house: House, quick: None) -> None:
    house.label(1)
    house.work()
    shown = house.shown()[2][0]
    assert predict(client, tasks_of(house, 2)).json()["results"][0]["result"] == shown["result"]


def test_nothing_is_answered_that_is_about_to_be_pushed(client: TestClient, house: House, quick: None) -> None:
    house.label(1)
    house.work()
    house.add_task(30)
    assert predict(client, tasks_of(house, 30, 2)).json() == {"results": [[], []]}, "Label Studio would store it twice"
    house.work()
    assert len(house.shown()[30]) == 1
    assert all(predict(client, tasks_of(house, 30, 2)).json()["results"])


def test_a_thousand_tasks_in_one_request(client: TestClient, house: House, quick: None) -> None:
    house.label(1)
    house.work()
    answer = predict(client, tasks_of(house, 2, 3) * 500)
    assert answer.status_code == 200
    assert len(answer.json()["results"]) == 1000
    assert all(answer.json()["results"])


def test_the_time_budget_ends_a_long_request_in_good_order(tmp_path: Path, quick: None) -> None:
    from backend.loop.predict.on_demand import Predictor
    from backend.studio.events import TaskData

    house = House(tmp_path)
    house.add_project()
    for task in range(1, 6):
        house.add_task(task)
    house.label(1)
    house.work()
    ticks = iter([0.0, 1.0, 2.0, 1e9, 1e9, 1e9])
    predictor = Predictor(house.services, clock=lambda: next(ticks))
    answers = predictor.predict(1, [TaskData(t, house.studio.rows[t]["data"]) for t in (2, 3, 4, 5)])
    assert [bool(a) for a in answers] == [True, True, False, False]
    house.registry.close()


def test_equal_requests_at_the_same_time_are_one_prediction(
    house: House, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from backend.loop.predict.on_demand import Predictor
    from backend.studio.events import TaskData
    from tests.loop.house import EyeForColour

    house.label(1)
    house.work()
    calls, go = [], threading.Event()

    def look(self: EyeForColour, frames: Any, labeled: Any = (), enclosing_boxes: Any = None) -> Any:
        calls.append(1)
        go.wait(5)
        return original(self, frames, labeled, enclosing_boxes)

    original = EyeForColour.predict
    monkeypatch.setattr(EyeForColour, "predict", look)
    new = TaskData(77, house.studio.rows[2]["data"])
    predictor = Predictor(house.services)
    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(predictor.predict, 1, [new]) for _ in range(4)]
        threading.Timer(0.5, go.set).start()
        answers = [f.result(10) for f in futures]
    assert len(calls) == 1
    assert all(a == answers[0] and a[0] for a in answers)


def test_a_webhook_is_kept_and_then_recorded_and_sent_for(client: TestClient, house: House) -> None:
    assert client.post("/webhook", json=annotation(house, 1)).json() == {"status": "received"}
    assert drain(house.services)
    assert house.queue.groups == [(1, "clip")]
    assert client.post("/webhook", json=annotation(house, 1)).json() == {"status": "received"}
    assert drain(house.services)
    assert house.queue.groups == [(1, "clip")], "the same event again is no news"


def test_a_webhook_that_cannot_be_kept_is_refused_and_its_project_swept(
    client: TestClient, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model_registry.inbox.MOST_EVENTS", 0)
    house.queue.projects.clear()
    answer = client.post("/webhook", json=annotation(house, 1))
    assert answer.status_code == 503
    assert "full" in answer.json()["detail"]
    assert answer.headers["retry-after"] == "60"
    assert house.queue.projects == [1]


def test_a_webhook_is_answered_while_the_registry_is_locked(client: TestClient, house: House) -> None:
    with closing(sqlite3.connect(house.settings.folder / "registry.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert client.post("/webhook", json=annotation(house, 1)).json() == {"status": "received"}
        assert house.registry.inbox.waiting() == 1
    assert drain(house.services)
    assert house.registry.labels.known(1)


def test_refused_events_are_counted_where_people_look(client: TestClient, house: House) -> None:
    house.registry.inbox.append(1, "{")
    assert drain(house.services)
    assert client.get("/status?project=1").json()["refused"] == 1
    assert 'micro_models_inbox_events{state="refused"} 1.0' in client.get("/metrics").text


def test_versions_are_the_titles(client: TestClient, house: House) -> None:
    house.registry.projects.configure(1, settings={"title": "bunny finder"})
    assert client.get("/versions").json() == {"versions": ["bunny finder", "micro-models"]}


def test_predict_without_a_project_is_answered_and_makes_none(client: TestClient, house: House) -> None:
    answer = client.post("/predict", json={"tasks": [{"data": {}}], "label_config": "<View></View>"})
    assert (answer.status_code, answer.json()) == (200, {"results": [{}]})
    assert client.post("/predict", json={"tasks": [], "project": "abc"}).status_code == 422
    assert [p.id for p in house.registry.projects.all()] == [1]


def test_while_a_secret_is_changed_the_old_and_the_new_are_believed(client: TestClient, house: House) -> None:
    house.registry.projects.configure(1, settings={"webhook_secret": "old", "next_secret": "new"})
    body = annotation(house, 1)
    for secret, status in (("old", 200), ("new", 200), ("other", 401), ("", 401)):
        assert client.post("/webhook", json=body, headers={SECRET_HEADER: secret}).status_code == status


def test_the_host_that_label_studio_calls_is_remembered_until_its_row_is_known(
    client: TestClient, house: House
) -> None:
    body = {"project": PROJECT, "schema": CONFIG, "extra_params": None}
    client.post("/setup", json=body)
    assert house.registry.projects.seen(1).settings["heard_as"] == "testserver"
    house.registry.projects.configure(1, settings={"backend_id": 1})
    client.post("/setup", json=body, headers={"host": "another"})
    assert house.registry.projects.seen(1).settings["heard_as"] == "testserver"
