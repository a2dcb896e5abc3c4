import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from backend.errors import StudioError, StudioForbidden, StudioMissing, StudioUnreachable
from tests.studio.server import Server

TASKS = "/api/tasks/"


def data_manager(server: Server, tasks: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Serve tasks as the Data Manager filters them; the queries it got."""
    queries: list[dict[str, Any]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent = {key: values[0] for key, values in parse_qs(request.url.query.decode()).items()}
        queries.append(sent)
        found = sorted(tasks, key=lambda task: task["id"])
        for item in json.loads(sent["query"])["filters"]["items"]:
            if item["operator"] == "greater":
                found = [task for task in found if task["id"] > item["value"]]
            elif item["operator"] == "in_list":
                found = [task for task in found if task["id"] in item["value"]]
            else:
                found = [
                    task for task in found if any(p["model_version"] in item["value"] for p in task["predictions"])
                ]
        return httpx.Response(200, json={"tasks": found[: int(sent["page_size"])], "total": len(found)})

    server.answer("GET", TASKS, answer)
    return queries


def task(id_: int, *versions: str, annotations: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    predictions = [{"id": id_ * 10 + n, "model_version": version} for n, version in enumerate(versions)]
    return {"id": id_, "data": {}, "annotations": list(annotations), "predictions": predictions}


@pytest.mark.parametrize("count", [0, 1, 2, 3, 5])
def test_tasks_come_page_by_page(count: int) -> None:
    server = Server()
    queries = data_manager(server, [task(n) for n in range(1, count + 1)])
    found = [row["id"] for row in server.studio().tasks(1, page_size=2)]
    assert found == list(range(1, count + 1))
    assert len(queries) == count // 2 + 1
    assert {query["resolve_uri"] for query in queries} == {"false"}


def test_a_task_deleted_between_pages_hides_no_other() -> None:
    server = Server()
    stored = [task(n) for n in range(1, 6)]
    data_manager(server, stored)
    rows = server.studio().tasks(1, page_size=2)
    found = [next(rows)["id"], next(rows)["id"]]
    del stored[0]
    assert found + [row["id"] for row in rows] == [1, 2, 3, 4, 5]


def test_predictions_of() -> None:
    server = Server()
    queries = data_manager(server, [task(1, "ours"), task(2, "other"), task(3), task(4, "ours", "other", "ours")])
    assert server.studio().predictions_of(1, [1, 2, 3, 4, 99], "ours") == {1: [10], 4: [40, 42]}
    assert server.studio().predictions_of(1, [], "ours") == {}
    assert len(queries) == 1


@pytest.mark.parametrize(
    "body", [{"tasks": [], "total": 2}, {"tasks": []}, {"tasks": None, "total": 0}, {"total": 0}, []]
)
def test_an_answer_that_is_not_whole_is_no_answer_about_tasks_and_predictions(body: object) -> None:
    server = Server()
    server.on("GET", TASKS, body=body)
    with pytest.raises(StudioUnreachable):
        server.studio().predictions_of(1, [1, 2], "ours")
    with pytest.raises(StudioUnreachable):
        server.studio().existing_tasks(1, [1, 2])


def test_what_a_project_has_is_asked_for_by_number() -> None:
    server = Server()
    studio = server.studio()
    server.on("GET", "/api/tasks/1/", body={"id": 1, "project": 1})
    server.on("GET", "/api/annotations/5/", body={"id": 5, "project": 2})
    assert [studio.has_task(project, task) for project, task in [(1, 1), (2, 1), (1, 9)]] == [True, False, False]
    assert [studio.has_annotation(project, one) for project, one in [(2, 5), (1, 5), (2, 9)]] == [True, False, False]
    server.on("GET", "/api/predictions/", body=[{"id": 7, "model_version": "ours"}])
    assert studio.has_prediction(1, 1, "ours")
    assert not studio.has_prediction(1, 1, "other")
    server.on(
        "GET", "/api/predictions/", 400, {"detail": "Validation error", "validation_errors": {"task": ["no choice"]}}
    )
    assert not studio.has_prediction(1, 9, "ours")
    server.on("GET", "/api/predictions/", 401, {"detail": "Invalid token."})
    with pytest.raises(StudioForbidden):
        studio.has_prediction(1, 1, "ours")


@pytest.mark.parametrize(
    "answer", [httpx.Response(404, text="<html>"), httpx.Response(200, text="<html>"), httpx.Response(500)]
)
def test_what_something_else_answers_says_nothing_about_a_task(answer: httpx.Response) -> None:
    server = Server()
    server.answer("GET", "/api/tasks/1/", lambda _: answer)
    with pytest.raises(StudioUnreachable):
        server.studio().has_task(1, 1)


def test_the_list_of_projects() -> None:
    server = Server()
    with pytest.raises(StudioMissing):
        server.studio().lists_project(1)
    server.on("GET", "/api/projects/", body={"results": [{"id": 3}], "count": 1, "next": None})
    assert [server.studio().lists_project(project) for project in (1, 3)] == [False, True]


@pytest.mark.parametrize("body", [{"results": [], "count": 3}, {"results": {"id": 1}}, {"detail": "x"}, []])
def test_a_list_of_projects_that_is_not_whole_says_nothing(body: object) -> None:
    server = Server()
    server.on("GET", "/api/projects/", body=body)
    with pytest.raises(StudioUnreachable):
        server.studio().lists_project(1)


@pytest.mark.parametrize("body", [{"id": 2, "label_config": ""}, {"id": 1}, {"id": 1, "label_config": None}, [], "x"])
def test_an_answer_that_is_not_the_project(body: object) -> None:
    server = Server()
    server.on("GET", "/api/projects/1/", body=body)
    with pytest.raises(StudioUnreachable):
        server.studio().project(1)


def test_predictions_of_many_tasks_asks_in_bounded_pages() -> None:
    server = Server()
    queries = data_manager(server, [task(n, "ours") for n in range(1, 451)])
    assert len(server.studio().predictions_of(1, range(1, 451), "ours")) == 450
    assert [query["page_size"] for query in queries] == ["200", "200", "50"]


def importer(
    server: Server,
    missing: frozenset[int] = frozenset(),
    bad: frozenset[int] = frozenset(),
    left_out: frozenset[int] = frozenset(),
) -> list[list[int]]:
    """Serve imports as Label Studio does: one bad item refuses the request, and 1.22 leaves out some without a word; what
    was stored, request by request."""
    stored: list[list[int]] = []
    rows = {n: task(n) for n in range(1, 500) if n not in missing}

    def take(ids: list[int]) -> httpx.Response:
        stored.append(ids)
        rows.update({n: task(n, "ours") for n in ids})
        return httpx.Response(201, json={"created": len(ids)})

    def answer(request: httpx.Request) -> httpx.Response:
        ids = [item["task"] for item in json.loads(request.content)]
        if missing.union(bad) & set(ids):
            return httpx.Response(400, json={"detail": "Validation error"})
        return take([n for n in ids if n not in left_out])

    def one(request: httpx.Request) -> httpx.Response:
        number = json.loads(request.content)["task"]
        return httpx.Response(400, json={"detail": "no"}) if number in missing | bad else take([number])

    server.answer("POST", "/api/projects/1/import/predictions", answer)
    server.answer("POST", "/api/predictions/", one)

    def predictions(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=rows[int(request.url.params["task"])]["predictions"])

    server.answer("GET", "/api/predictions/", predictions)
    data_manager(server, rows.values())
    return stored


def items(ids: range) -> list[dict[str, Any]]:
    return [{"task": n, "result": [], "score": 0.5, "model_version": "ours"} for n in ids]


def test_import_in_chunks() -> None:
    server = Server()
    stored = importer(server)
    assert server.studio().import_predictions(1, items(range(1, 451))) == []
    assert [len(chunk) for chunk in stored] == [200, 200, 50]
    assert server.studio().import_predictions(1, []) == []


def test_refused_items_cost_no_other() -> None:
    server = Server()
    stored = importer(server, missing=frozenset({3, 250}), bad=frozenset({7}))
    refused = server.studio().import_predictions(1, items(range(1, 301)))
    assert sorted(item["task"] for item in refused) == [3, 7, 250]
    assert sorted(n for chunk in stored for n in chunk) == [n for n in range(1, 301) if n not in (3, 7, 250)]


@pytest.mark.parametrize("left_out", [range(1, 9), (2, 5)])
def test_what_an_import_leaves_out_without_a_word_is_stored_one_by_one(left_out: Iterable[int]) -> None:
    server = Server()
    stored = importer(server, left_out=frozenset(left_out))
    assert server.studio().import_predictions(1, items(range(1, 9))) == []
    assert sorted(n for chunk in stored for n in chunk) == list(range(1, 9))


def test_a_list_that_lies_gives_no_task_a_second_prediction() -> None:
    server = Server()
    stored = importer(server, left_out=frozenset({2, 5}))
    data_manager(server, [task(n) for n in range(1, 9)])
    assert server.studio().import_predictions(1, items(range(1, 9))) == []
    assert sorted(n for chunk in stored for n in chunk) == list(range(1, 9))


def test_an_import_whose_outcome_is_not_known_is_not_repeated() -> None:
    server = Server()
    server.on("POST", "/api/projects/1/import/predictions", 500, {"detail": "FOREIGN KEY constraint failed"})
    with pytest.raises(StudioUnreachable, match="HTTP 500"):
        server.studio().import_predictions(1, items(range(1, 9)))
    assert len(server.requests) == 1


def test_lost_key_is_no_refused_item() -> None:
    server = Server()
    server.on("POST", "/api/projects/1/import/predictions", 401, {"detail": "Invalid token."})
    with pytest.raises(StudioForbidden):
        server.studio().import_predictions(1, items(range(1, 9)))
    assert len(server.requests) == 1


def test_update_sends_only_what_a_prediction_has() -> None:
    server = Server()
    server.on("PATCH", "/api/predictions/5/", body={})
    server.studio().update_prediction(5, {"task": 1, "result": [], "score": 0.5, "model_version": "v"})
    assert server.sent("PATCH", "/api/predictions/5/") == [{"result": [], "score": 0.5, "model_version": "v"}]


def test_a_refused_update_costs_no_other() -> None:
    server = Server()
    for prediction, status in ((5, 200), (6, 400), (7, 200)):
        server.on("PATCH", f"/api/predictions/{prediction}/", status, body={"detail": "too large"})
    assert server.studio().update_predictions({number: {"result": []} for number in (5, 6, 7)}) == [6]
    assert len(server.sent("PATCH", "/api/predictions/7/")) == 1


def test_an_update_that_nobody_answered_is_no_refusal() -> None:
    server = Server()
    server.on("PATCH", "/api/predictions/5/", 503)
    with pytest.raises(StudioUnreachable):
        server.studio().update_predictions({5: {"result": []}})


def test_updates_name_those_that_are_gone() -> None:
    server = Server()
    server.on("PATCH", "/api/predictions/5/", body={})
    studio = server.studio()
    assert studio.update_predictions({5: {"result": []}, 6: {"result": []}}) == [6]
    assert studio.update_predictions({}) == []
    with pytest.raises(StudioMissing):
        studio.update_prediction(6, {})


def hook(id_: int, url: str, **fields: Any) -> dict[str, Any]:
    return {"id": id_, "url": url, "headers": {}, "is_active": True, "project": 1, **fields}


def test_webhook_is_made_where_there_is_none() -> None:
    server = Server()
    server.on("GET", "/api/webhooks/", body=[hook(1, "http://other/webhook")])
    server.on("POST", "/api/webhooks/", 201, {"id": 2})
    assert server.studio().put_webhook(1, "http://b/webhook", {"S": "x"})["id"] == 2
    sent = server.sent("POST", "/api/webhooks/")[0]
    assert (sent["project"], sent["headers"], sent["send_payload"]) == (1, {"S": "x"}, True)


def test_webhook_is_mended_and_its_doubles_are_removed() -> None:
    server = Server()
    same = [hook(1, "http://b/webhook", headers={"Mine": "y"}, is_active=False), hook(2, "http://b/webhook/")]
    server.on("GET", "/api/webhooks/", body=same)
    server.on("PATCH", "/api/webhooks/1/", body={"id": 1})
    server.on("DELETE", "/api/webhooks/2/", 204)
    assert server.studio().put_webhook(1, "http://b/webhook", {"S": "x"})["id"] == 1
    sent = server.sent("PATCH", "/api/webhooks/1/")[0]
    assert (sent["headers"], sent["is_active"]) == ({"Mine": "y", "S": "x"}, True)
    assert len(server.sent("DELETE", "/api/webhooks/2/")) == 1


def test_upload_keeps_the_order(tmp_path: Path) -> None:
    server = Server()
    files = [tmp_path / f"{n}.png" for n in range(3)]
    for file in files:
        file.write_bytes(b"x")
    server.on("POST", "/api/projects/1/import", 201, {"file_upload_ids": [7, 8, 9]})
    rows = [{"id": n, "file": f"upload/1/{n}.png"} for n in (9, 7, 8)]
    server.on("GET", "/api/projects/1/file-uploads", body=rows)
    urls = ["/data/upload/1/7.png", "/data/upload/1/8.png", "/data/upload/1/9.png"]
    assert server.studio().upload(1, files) == urls


def test_answer_that_is_no_object() -> None:
    server = Server()
    server.on("GET", "/api/current-user/whoami", body=[1])
    with pytest.raises(StudioError, match="expected an object"):
        server.studio().whoami()
