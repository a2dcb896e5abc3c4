"""Bodies: limits of bytes, time, memory and kind, on a stream that lies, stalls, breaks off."""

import asyncio
import json
from collections.abc import Iterable
from typing import Any

import pytest
from fastapi import HTTPException, Request
from fastapi.testclient import TestClient
from starlette.types import Message

from backend.web import bodies
from backend.web.bodies import MB, Bodies
from tests.loop.house import CONFIG, House

JSON = (("content-type", "application/json"),)


def request(chunks: Iterable[bytes | None], headers: Iterable[tuple[str, str]] = JSON) -> Request:
    """One whose body comes in chunks; None stands for a sender that says nothing more."""
    queue = iter(chunks)

    async def receive() -> Message:
        chunk = next(queue, b"")
        if chunk is None:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": chunk, "more_body": bool(chunk)}

    raw = [(k.encode(), v.encode()) for k, v in headers]
    return Request({"type": "http", "method": "POST", "headers": raw}, receive)


def read(asked: Request, most: int = MB, reader: Bodies | None = None) -> Any:
    return asyncio.run((reader or Bodies()).json(asked, most))


def refusal(asked: Request, most: int = MB, reader: Bodies | None = None) -> int:
    with pytest.raises(HTTPException) as error:
        read(asked, most, reader)
    assert error.value.detail
    return error.value.status_code


def test_a_body_in_pieces() -> None:
    assert read(request([b'{"a"', b": ", b"1}"])) == {"a": 1}


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON", "application/json; charset=utf-8",
                                  'application/json;charset="UTF-8"', "application/json ;  charset=utf8;"])  # fmt: skip
def test_json_by_its_names(kind: str) -> None:
    assert read(request([b"{}"], [("content-type", kind)])) == {}


@pytest.mark.parametrize(
    "headers",
    [
        [], [("content-type", "")], [("content-type", "text/plain")], [("content-type", "application/x-www-form-urlencoded")],
        [("content-type", "application/json; charset=utf-16")], [("content-type", "multipart/form-data; boundary=x")],
        [("content-type", "text/plain; application/json")], [("content-type", "application/json, text/plain")],
        [*JSON, *JSON], [("content-type", "text/plain"), *JSON], [*JSON, ("content-encoding", "gzip")],
    ],
)  # fmt: skip
def test_other_kinds_are_refused_unread(headers: list[tuple[str, str]]) -> None:
    assert refusal(request([None], headers)) == 415


@pytest.mark.parametrize("raw", [b"", b"[", b"\xff\xfe", b"\x1f\x8b\x08", b"NaN", b"[" * 900 + b"]" * 900])
def test_what_is_no_json(raw: bytes) -> None:
    assert refusal(request([raw])) == 400


@pytest.mark.parametrize("raw", [b"[]", b"null", b"3", b'"x"'])
def test_what_is_no_object(raw: bytes) -> None:
    assert refusal(request([raw])) == 422


@pytest.mark.parametrize("length", ["101", "99999999999999999999999999", "1e3", "-1", "x", "٣"])
def test_a_length_that_is_too_large_or_none_is_refused_unread(length: str) -> None:
    asked = request([None], JSON)
    asked.scope["headers"].append((b"content-length", length.encode()))
    assert refusal(Request(asked.scope, asked.receive), 100) == 413


@pytest.mark.parametrize("more", [(), (("content-length", "5"),)])
def test_a_body_that_is_longer_than_it_said_is_cut_off_while_it_comes(more: tuple[tuple[str, str], ...]) -> None:
    sent = 0

    def endless() -> Iterable[bytes]:
        nonlocal sent
        while True:
            sent += 30
            yield b" " * 30

    assert refusal(request(endless(), (*JSON, *more)), 100) == 413
    assert sent == 120


def test_a_body_of_exactly_the_limit_is_taken() -> None:
    raw = json.dumps({"a": "x" * 91}).encode()
    assert len(raw) == 99 + 1
    assert read(request([raw]), 100)
    assert refusal(request([raw + b" "]), 100) == 413


def test_a_sender_that_stops_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "PATIENCE", 0.05)
    assert refusal(request([b'{"a": 1', None])) == 408
    monkeypatch.setattr(bodies, "SLOWEST", 1e9)
    assert refusal(request([b'{"a": 1', None])) == 408


def test_a_sender_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte comes in good time; all of them together do not."""
    monkeypatch.setattr(bodies, "PATIENCE", 0.1)
    count = 0

    async def receive() -> Message:
        nonlocal count
        count += 1
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b" ", "more_body": True}

    assert refusal(Request({"type": "http", "method": "POST", "headers": request([]).scope["headers"]}, receive)) == 408
    assert 1 < count < 100


def test_a_sender_that_goes_away_is_no_mistake_of_ours() -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    assert refusal(Request({"type": "http", "method": "POST", "headers": request([]).scope["headers"]}, receive)) == 400


def test_bodies_share_the_memory_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "AT_ONCE", 1000)
    monkeypatch.setattr(bodies, "PATIENCE", 5)
    reader = Bodies()

    async def together() -> list[int]:
        one = asyncio.create_task(reader.json(request([b" " * 900, None]), MB))
        await asyncio.sleep(0)
        with pytest.raises(HTTPException) as full:
            await reader.json(request([b" " * 200]), MB)
        one.cancel()
        await asyncio.gather(one, return_exceptions=True)
        await reader.json(request([b"{}" + b" " * 900]), MB)
        return [full.value.status_code]

    assert asyncio.run(together()) == [503]


def test_strangers_cannot_take_the_room_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "AT_ONCE_STRANGERS", 10)
    reader = Bodies()
    with pytest.raises(HTTPException):
        asyncio.run(reader.json(request([b"{}" + b" " * 20]), MB, stranger=True))
    assert read(request([b"{}" + b" " * 20]), reader=reader) == {}


def test_what_was_refused_takes_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "AT_ONCE", 1000)
    reader = Bodies()
    for raw in [b"[" * 900] * 5 + [b"[]" + b" " * 900] * 5:
        refusal(request([raw]), reader=reader)
    for _ in range(5):
        assert refusal(request([b" " * 90] * 4), 300, reader) == 413
    assert read(request([b"{}" + b" " * 990]), reader=reader) == {}


def test_the_largest_honest_requests_fit(client: TestClient, house: House) -> None:
    """5,000 imported tasks, one annotation of fifty large masks, and a thousand tasks with all that they have."""
    data = {"image": "/data/upload/1/0123456789abcdef-frame.png", "video": "clip", "frame": 17, "note": "x" * 200}
    meta = {"inner_id": 1, "is_labeled": False, "overlap": 1, "created_at": "2026-01-01T00:00:00Z", "file_upload": 3}
    tasks = [{"id": 1000 + n, "data": data, "meta": {}, **meta} for n in range(5000)]
    project = {"id": 1, "label_config": CONFIG}
    body = {"action": "TASKS_CREATED", "project": project, "tasks": tasks}
    assert len(json.dumps(body)) < bodies.MOST_STRANGER
    assert client.post("/webhook", json=body).json() == {"status": "received"}
    mask = {"format": "rle", "rle": [n % 256 for n in range(30_000)], "brushlabels": ["square"]}
    regions = [
        {"id": f"r{n}", "from_name": "label", "to_name": "image", "type": "brushlabels", "value": mask}
        for n in range(50)
    ]
    row = {"id": 5, "task": 1, "result": regions, "updated_at": "2026-01-01T00:00:00Z"}
    body = {"action": "ANNOTATION_CREATED", "project": project, "annotation": row, "task": tasks[0]}
    assert len(json.dumps(body)) < bodies.MOST_STRANGER
    assert client.post("/webhook", json=body).json() == {"status": "received"}
    tasks = [{"id": n, "data": data, "annotations": [{"id": n, "result": regions[:1]}]} for n in range(1, 301)]
    answer = client.post("/predict", json={"project": "1.1", "label_config": CONFIG, "tasks": tasks})
    assert len(answer.json()["results"]) == 300
