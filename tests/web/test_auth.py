"""Basic auth, and who may send webhooks."""

import asyncio
import base64
from pathlib import Path
from typing import Any

import pytest
from fastapi import HTTPException, Request, Response
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.settings import Settings
from backend.studio.connection import SECRET_HEADER
from backend.web.app import create_app
from backend.web.auth import BasicAuth
from backend.web.door import OPEN, Door
from tests.loop.house import CONFIG, House

USER, PASSWORD = "läbel:er", "pä:ß wörd"


def basic(both: bytes, scheme: str = "Basic") -> str:
    return f"{scheme} {base64.b64encode(both).decode()}"


def auth(folder: Path, user: str = USER, password: str = PASSWORD) -> BasicAuth:
    return BasicAuth(Settings(data_dir=folder, basic_auth_user=user, basic_auth_password=password))


BOTH = f"{USER}:{PASSWORD}"


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
@pytest.mark.parametrize("coding", ["utf-8", "latin-1"])
def test_the_scheme_in_any_case_and_the_text_in_both_encodings(tmp_path: Path, scheme: str, coding: str) -> None:
    assert auth(tmp_path).vouches(Headers({"authorization": basic(BOTH.encode(coding), scheme)}))


@pytest.mark.parametrize(
    "given",
    [
        "", "Basic", "Basic ", "Basic !!!", "Basic w6Q", "Bearer " + basic(BOTH.encode())[6:], basic(b""), basic(b":"),
        basic(USER.encode()), basic(BOTH.encode() + b" "), basic(BOTH.encode()[:-1]), basic(BOTH.encode()).replace(" ", "\t"),
        basic(BOTH.upper().encode()), basic(BOTH.encode("utf-16")), "Basic \xe4",
    ],
)  # fmt: skip
def test_anything_else_is_not_it(tmp_path: Path, given: str) -> None:
    headers = Headers(raw=[(b"authorization", given.encode("latin-1"))])
    assert not auth(tmp_path).vouches(headers)
    with pytest.raises(HTTPException) as refusal:
        auth(tmp_path).check(headers)
    assert refusal.value.status_code == 401


def test_a_password_beyond_latin_1_is_not_weakened(tmp_path: Path) -> None:
    strict = auth(tmp_path, "u", "密码")
    assert strict.vouches(Headers({"authorization": basic("u:密码".encode())}))
    for guess in (b"u:??", b"u:", b"u:\xef\xbf\xbd\xef\xbf\xbd"):
        assert not strict.vouches(Headers({"authorization": basic(guess)}))


def test_two_credentials_are_none(tmp_path: Path) -> None:
    right = basic(BOTH.encode()).encode()
    for others in (right, b"Basic eDp5"):
        assert not auth(tmp_path).vouches(Headers(raw=[(b"authorization", right), (b"authorization", others)]))


def test_where_none_is_demanded_none_vouches(tmp_path: Path) -> None:
    open_house = BasicAuth(Settings(data_dir=tmp_path))
    open_house.check(Headers({}))
    assert not open_house.vouches(Headers({"authorization": basic(b":")}))
    assert not open_house.vouches(Headers({"authorization": basic(b"")}))


@pytest.fixture
def guarded(tmp_path: Path) -> Any:
    house = House(tmp_path, basic_auth_user="ls", basic_auth_password="pw")
    house.registry.projects.seen(1)
    yield house
    house.registry.close()


ROUTES = [
    ("GET", "/"), ("GET", "/projects/1"), ("GET", "/projects/1/groups/clip"), ("POST", "/projects/1/actions"),
    ("GET", "/projects/1/tasks/1/thumbnail"), ("GET", "/static/dashboard.css"), ("POST", "/setup"), ("POST", "/predict"),
    ("GET", "/versions"), ("GET", "/status?project=1"), ("GET", "/metrics"), ("GET", "/openapi.json"), ("GET", "/docs"),
    ("GET", "/webhook"), ("GET", "/health/"), ("POST", "/webhook/"), ("GET", "//health"), ("GET", "/health/.."),
    ("GET", "/Health"), ("GET", "/health%2f..%2fmetrics"), ("OPTIONS", "/"), ("DELETE", "/x"), ("GET", "/%2e%2e/metrics"),
    ("POST", "/projects/1/export"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_route_but_health_wants_the_password(guarded: House, method: str, path: str) -> None:
    client = TestClient(create_app(guarded.services))
    answer = client.request(method, path, content=b"{}" if method == "POST" else None)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic")
    assert client.request(method, path, auth=("ls", "pw")).status_code != 401
    assert client.get("/health").status_code == 200


@given(st.text(st.characters(codec="ascii", exclude_characters="?#"), max_size=20).map(lambda path: "/" + path))
def test_a_path_that_is_not_known_to_be_open_is_closed(path: str) -> None:
    door = Door(nobody, Settings(basic_auth_user="u", basic_auth_password="p"), BOTH_DEMANDED, refuse)
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}
    assert asyncio.run(status_of(door, scope)) == (404 if path in OPEN else 400 if "\0" in path else 401)


BOTH_DEMANDED = BasicAuth(Settings(basic_auth_user="u", basic_auth_password="p"))


async def nobody(scope: Scope, receive: Receive, send: Send) -> None:
    await Response(status_code=404)(scope, receive, send)


async def refuse(request: Request, error: HTTPException) -> Response:
    return Response(status_code=error.status_code)


async def status_of(app: ASGIApp, scope: Scope) -> int:
    said: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        said.append(message)

    await app(scope, receive, send)
    return int(said[0]["status"])


def event(action: str = "PROJECT_UPDATED", project: int | None = 1, **payload: Any) -> dict[str, Any]:
    return {"action": action, "project": {"id": project, "label_config": CONFIG}, **payload}


def send(house: House, body: Any, headers: Any = None, auth: Any = None) -> int:
    return TestClient(create_app(house.services)).post("/webhook", json=body, headers=headers, auth=auth).status_code


def secret(*values: str) -> list[tuple[str, str]]:
    return [(SECRET_HEADER, value) for value in values]


def test_a_known_project_without_a_secret_takes_events(house: House) -> None:
    assert send(house, event()) == 200
    assert send(house, event("START_TRAINING")) == 200


@pytest.mark.parametrize("project", [2, 0, -1, None, "x", 2**63, 1.0, "999.17", [1], {"id": 1}])
def test_an_unknown_project_takes_none_and_is_not_taken_in(house: House, project: Any) -> None:
    before = [p.id for p in house.registry.projects.all()]
    assert send(house, event("ANNOTATIONS_DELETED", project, annotations=[{"id": 1}])) == 403
    assert send(house, event("START_TRAINING", project)) == 403
    assert send(house, {"action": "PROJECT_UPDATED", "project": project}) in ({403} if project != {"id": 1} else {200})
    assert [p.id for p in house.registry.projects.all()] == before


def test_a_secret_is_demanded_where_there_is_one(house: House) -> None:
    house.registry.projects.configure(1, settings={"webhook_secret": "s3cret"})
    for wrong in (None, secret("wrong"), secret(""), secret("s3cret "), secret("S3CRET"), secret("s3cret", "s3cret")):
        assert send(house, event(), wrong) == 401
    assert send(house, event(), secret("s3cret")) == 200
    assert send(house, event("START_TRAINING")) == 200, "comes without headers, and no password is demanded"


def test_a_secret_is_good_for_its_own_project_alone(house: House) -> None:
    house.registry.projects.configure(1, settings={"webhook_secret": "one"})
    house.registry.projects.configure(2, settings={"webhook_secret": "two"})
    house.registry.projects.seen(3)
    assert send(house, event(project=1), secret("two")) == 401
    assert send(house, event(project=3), secret("two")) == 401
    assert send(house, event(project=4), secret("two")) == 403
    assert send(house, event(project=2), secret("two")) == 200
    assert send(house, event(project=3)) == 200, "it is not protected"


def test_one_secret_for_all(tmp_path: Path) -> None:
    house = House(tmp_path, webhook_secret="für alle")
    house.registry.projects.seen(1)
    house.registry.projects.configure(2, settings={"webhook_secret": "two"})
    everybody = [(SECRET_HEADER, "für alle".encode())]
    assert send(house, event()) == 401
    assert send(house, event(), everybody) == 200
    assert send(house, event(project=2), everybody) == 200
    assert send(house, event(project=2), secret("two")) == 200
    assert send(house, event(project=1), secret("two")) == 401
    assert send(house, event(project=9), everybody) == 200, "it vouches for a project that is new here"
    house.registry.close()


def test_the_password_vouches_for_everything(guarded: House) -> None:
    guarded.registry.projects.configure(1, settings={"webhook_secret": "s3cret"})
    login = ("ls", "pw")
    assert send(guarded, event(), auth=login) == 200
    assert send(guarded, event(project=9), auth=login) == 200
    assert send(guarded, event("START_TRAINING"), auth=login) == 200
    assert send(guarded, event("START_TRAINING"), secret("s3cret")) == 401, "only Label Studio's own call asks for it"
    assert send(guarded, event(), secret("s3cret")) == 200
    assert send(guarded, event()) == 401
    assert send(guarded, event(), auth=("ls", "no")) == 401


def test_an_unprotected_project_takes_events_beside_a_password_but_no_orders(guarded: House) -> None:
    assert send(guarded, event()) == 200
    assert send(guarded, event("START_TRAINING")) == 401


def test_a_body_is_not_read_where_no_header_can_be_right(guarded: House) -> None:
    guarded.registry.projects.configure(1, settings={"webhook_secret": "s3cret"})
    client = TestClient(create_app(guarded.services))
    assert client.post("/webhook", content=b"no json at all").status_code == 401
    assert client.post("/predict", content=b"no json at all").status_code == 401
