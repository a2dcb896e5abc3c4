from collections.abc import Callable
from typing import Any

import httpx
import pytest

from backend.errors import StudioError, StudioForbidden, StudioMissing, StudioUnreachable
from backend.studio.transport import TRIES, base_url
from tests.studio.server import URL, Server

WHO = "/api/current-user/whoami"


def failing(
    error: type[httpx.TransportError], times: int
) -> tuple[Callable[[httpx.Request], httpx.Response], list[int]]:
    calls: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(1)
        if len(calls) <= times:
            raise error("broken")
        return httpx.Response(200, json={})

    return answer, calls


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError])
def test_reading_is_tried_again(error: type[httpx.TransportError]) -> None:
    server = Server()
    answer, calls = failing(error, 2)
    server.answer("GET", WHO, answer)
    server.studio().whoami()
    assert len(calls) == 3
    assert server.pauses[0] < server.pauses[1]


def test_giving_up_says_where_and_why() -> None:
    server = Server()
    answer, calls = failing(httpx.ConnectError, 99)
    server.answer("GET", WHO, answer)
    with pytest.raises(StudioUnreachable, match=r"http://localhost:8080/.*Inside a container"):
        server.studio(url="http://localhost:8080").whoami()
    assert len(calls) == TRIES


@pytest.mark.parametrize(("error", "expected"), [(httpx.ConnectError, TRIES), (httpx.ReadTimeout, 1)])
def test_writing_is_tried_again_only_when_nothing_was_sent(error: type[httpx.TransportError], expected: int) -> None:
    server = Server()
    answer, calls = failing(error, 99)
    server.answer("POST", "/api/projects/", answer)
    with pytest.raises(StudioUnreachable):
        server.studio().create_project("title", "<View/>")
    assert len(calls) == expected


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_busy_server(status: int) -> None:
    server = Server()
    server.on("GET", WHO, status, {}, headers={"Retry-After": "7"})
    with pytest.raises(StudioUnreachable, match="busy or restarting"):
        server.studio().whoami()
    assert server.pauses == [7.0] * (TRIES - 1)


def test_retry_after_is_bounded() -> None:
    server = Server()
    server.on("GET", WHO, 503, {}, headers={"Retry-After": "86400"})
    with pytest.raises(StudioUnreachable):
        server.studio().whoami()
    assert max(server.pauses) <= 30


def test_server_error_is_not_tried_again() -> None:
    server = Server()
    server.on("GET", WHO, 500, {"detail": "boom"})
    with pytest.raises(StudioError, match="HTTP 500: boom"):
        server.studio().whoami()
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "body", "error", "text"),
    [
        (401, {"detail": "Invalid token."}, StudioForbidden, "Copy it again"),
        (
            401,
            {"detail": "legacy token authentication has been disabled"},
            StudioForbidden,
            "ENABLE_LEGACY_API_TOKEN=true",
        ),
        (403, {"detail": "no"}, StudioForbidden, "may not do this"),
        (
            403,
            {"detail": "URL resolves to a reserved network address (block: 127.0.0.0/8)"},
            StudioError,
            "ML_BLOCK_LOCAL_IP=false",
        ),
        (400, {"detail": "Validation error", "validation_errors": {"title": ["short"]}}, StudioError, "short"),
        (404, {"detail": "No Project"}, StudioMissing, "No Project"),
    ],
)
def test_answers_become_errors_with_the_fix(status: int, body: object, error: type[Exception], text: str) -> None:
    server = Server()
    server.on("GET", WHO, status, body)
    with pytest.raises(error, match=text) as found:
        server.studio().whoami()
    assert type(found.value) is error


@pytest.mark.parametrize(
    "answer",
    [
        {"html": "<html>default backend - 404</html>"},
        {"text": "404 page not found"},
        {"json": ["Not found."]},
        {"json": {"error": "no route"}},
        {"json": {"detail": ["Not found."]}},
        {"content": b""},
    ],
)
def test_a_404_that_is_not_label_studios_does_not_say_that_a_thing_is_gone(answer: dict[str, Any]) -> None:
    server = Server()
    server.answer("GET", WHO, lambda _: httpx.Response(404, **answer))
    with pytest.raises(StudioUnreachable, match="not Label Studio's"):
        server.studio().whoami()


def test_a_404_of_label_studio_does() -> None:
    server = Server()
    with pytest.raises(StudioMissing):
        server.studio().project(1)


def test_errors_of_the_sdk_are_ours_too() -> None:
    server = Server()
    with pytest.raises(StudioMissing):
        server.studio().webhooks(1)


def test_redirect_names_the_address_to_set() -> None:
    server = Server()
    server.on("GET", WHO, 301, headers={"Location": "https://ls.example/api/current-user/whoami"})
    with pytest.raises(StudioError, match="Set LABEL_STUDIO_URL"):
        server.studio().whoami()


def test_web_page_instead_of_json() -> None:
    server = Server()
    server.answer("GET", WHO, lambda _: httpx.Response(200, html="<html>"))
    with pytest.raises(StudioError, match=r"text/html.*path prefix"):
        server.studio().whoami()


@pytest.mark.parametrize("url", [URL + "/prefix", URL + "/prefix/", f" {URL}/prefix?x=1#y "])
def test_path_prefix_is_kept(url: str) -> None:
    server = Server()
    server.on("GET", "/prefix" + WHO, body={"email": "a"})
    server.on("GET", "/prefix/api/projects/3/", body={"id": 3, "label_config": ""})
    studio = server.studio(url=url)
    assert studio.whoami() == {"email": "a"}
    assert studio.project(3)["id"] == 3
    assert studio.url == URL + "/prefix"


@pytest.mark.parametrize("url", ["", "ls.example", "ftp://ls.example", "http://", "file:///etc/passwd"])
def test_impossible_address(url: str) -> None:
    with pytest.raises(StudioError, match="is not the address of a Label Studio"):
        base_url(url)
