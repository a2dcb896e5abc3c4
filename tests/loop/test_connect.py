"""`connect`: what is given wins and is tried first; what fails leaves nothing; both secrets hold while one is changed."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from backend.errors import (
    LabelingConfigError,
    RegistryError,
    SettingsError,
    StudioError,
    StudioForbidden,
    StudioMissing,
)
from backend.loop import connect as connecting
from backend.loop import probing
from backend.loop.connect import check_project, connect_project, reached
from backend.loop.probing import Answer
from backend.loop.services import Access, Services
from backend.studio.checks import SECRET_HEADER, Check
from model_registry import ProjectRecord, accepted_secrets
from tests.loop.house import House
from tests.studio.server import Answer as HttpAnswer
from tests.studio.test_connection import HOOK, ROW, URL, World, project

GOOD = "0123456789abcdef"
HERE, MOVED = "http://studio.test", "https://studio.test:8443"


class Guarded(World):
    """A Label Studio at one address that knows one key, and remembers what it is told of webhooks."""

    def __init__(self, address: str = HERE) -> None:
        super().__init__()
        self.address = address
        self.answer("PATCH", "/api/webhooks/5/", self._patched)

    def _patched(self, request: httpx.Request) -> httpx.Response:
        self.on("GET", "/api/webhooks/", body=[{**HOOK, **json.loads(request.content)}])
        return httpx.Response(200, json=HOOK)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if str(request.url.copy_with(path="/", query=None)).rstrip("/") != self.address:
            raise httpx.ConnectError("nobody there")
        if request.headers.get("Authorization") != f"Token {GOOD}":
            return httpx.Response(401, json={"detail": "Invalid token."})
        return super().__call__(request)


def secrets_of(house: House) -> tuple[str, ...]:
    record = house.registry.projects.get(1)
    assert record is not None
    return accepted_secrets(record.settings)


@pytest.fixture
def world() -> Guarded:
    return Guarded()


@pytest.fixture
def house(tmp_path: Path, world: Guarded, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """Its environment has another key, which Label Studio does not know."""
    house = House(tmp_path)
    house.services = replace(house.services, connect_studio=lambda url, key: world.studio(url, key))
    monkeypatch.setattr(probing, "_asked", lambda url, *_: Answer(url, None, "nobody there"))
    monkeypatch.setattr(connecting, "media_check", lambda *_: None)
    yield house
    house.registry.close()


def given(house: House, url: str = "", key: str = "") -> Services:
    return replace(house.services, given=Access(url, key))


def connect(services: Services, **wanted: Any) -> list[str]:
    """The names of the checks that failed."""
    return [check.name for check in connect_project(services, 1, URL, **wanted) if not check.ok]


def stored(house: House) -> dict[str, Any]:
    record = house.registry.projects.get(1)
    return record.settings if record else {}


def test_what_is_given_is_tried_and_then_stored(house: House) -> None:
    assert connect(given(house, HERE, GOOD)) == []
    kept = stored(house)
    assert (kept["url"], kept["api_key"]) == (HERE, GOOD)
    assert (kept["backend_id"], kept["backend_url"], kept["title"]) == (3, URL, "micro-models")
    assert kept["webhook_secret"]
    assert "next_secret" not in kept
    assert house.queue.projects == [1]


def test_the_first_way_that_works_is_taken_where_nothing_is_given(house: House) -> None:
    house.registry.projects.configure(1, settings={"url": HERE, "api_key": GOOD})
    assert reached(house.services, house.registry.projects.seen(1))[0] == Access(HERE, GOOD)
    assert house.services.environment.key == "key", "which Label Studio refuses"


@pytest.mark.parametrize(
    ("url", "key", "error"),
    [
        (HERE, "wrong0000000000000000", "does not know this API key"),
        (MOVED, GOOD, "No answer from Label Studio"),
        (MOVED, "", "No answer from Label Studio"),
        ("", "wrong0000000000000000", "does not know this API key"),
        ("ftp://x", GOOD, "is not the address"),
    ],
)
def test_a_wrong_key_or_address_is_refused_and_not_stored(house: House, url: str, key: str, error: str) -> None:
    connect(given(house, HERE, GOOD))
    before = stored(house)
    with pytest.raises(StudioError, match=error):
        connect(given(house, url, key))
    assert stored(house) == before


@pytest.mark.parametrize("bad", [{"url": MOVED}, {"api_key": "revoked"}, {"url": "http://gone", "api_key": "revoked"}])
def test_what_is_stored_and_wrong_is_replaced(house: House, bad: dict[str, str]) -> None:
    connect(given(house, HERE, GOOD))
    house.registry.projects.configure(1, settings={**bad, "studio_problem": "refused", "stopped": "removed"})
    assert connect(given(house, HERE, GOOD)) == []
    kept = stored(house)
    assert (kept["url"], kept["api_key"]) == (HERE, GOOD)
    assert not {"studio_problem", "stopped"} & kept.keys()


def test_label_studio_has_moved(house: House, world: Guarded) -> None:
    connect(given(house, HERE, GOOD))
    world.address = MOVED
    assert connect(given(house, MOVED)) == [], "the stored key is good there"
    assert stored(house)["url"] == MOVED


@pytest.mark.parametrize(
    ("path", "status", "body", "error"),
    [
        ("/api/projects/1/", 404, {"detail": "No Project"}, StudioMissing),
        ("/api/projects/1/", 200, {"login": "please"}, StudioError),
        ("/api/projects/1/", 200, project(id=2), StudioError),
        ("/api/projects/1/", 200, project(label_config="<View/>"), LabelingConfigError),
        ("/api/ml/", 200, {"detail": "odd"}, StudioError),
        ("/api/webhooks/", 403, {"detail": "not yours"}, StudioForbidden),
    ],
)
def test_a_connection_that_fails_leaves_nothing_behind(
    house: House, world: Guarded, path: str, status: int, body: Any, error: type[Exception]
) -> None:
    world.on("GET", path, status, body)
    with pytest.raises(error):
        connect(given(house, HERE, GOOD))
    assert house.registry.projects.all() == []
    assert house.queue.projects == []


def test_a_check_writes_nothing(house: House) -> None:
    found = check_project(given(house, HERE, "wrong0000000000000000"), 1, URL)
    assert [check.name for check in found if not check.ok] == ["API key"]
    check_project(given(house, HERE, GOOD), 1, URL)
    assert house.registry.projects.all() == []


def test_no_key_at_all(house: House) -> None:
    pull = replace(house.services, settings=house.settings.model_copy(update={"label_studio_url": ""}))
    for ask in (connect_project, check_project):
        with pytest.raises(StudioForbidden, match="--url and --api-key"):
            ask(pull, 1, URL)
    assert house.registry.projects.all() == []


def test_a_wrong_number_beside_connected_projects_is_no_missing_key(house: House) -> None:
    pull = replace(house.services, settings=house.settings.model_copy(update={"label_studio_url": ""}))
    house.registry.projects.seen(7)
    house.registry.projects.configure(7, settings={"url": HERE, "api_key": GOOD})
    with pytest.raises(RegistryError, match="Project 1 is not connected; connected are: 7"):
        check_project(pull, 1, URL)


def test_while_the_webhook_is_changed_both_secrets_hold(house: House, world: Guarded) -> None:
    house.registry.projects.configure(1, settings={"webhook_secret": "old"})
    accepted = list[tuple[str, ...]]()
    sent = list[str]()

    def patched(request: httpx.Request) -> httpx.Response:
        accepted.append(secrets_of(house))
        sent.append(request.content.decode())
        return httpx.Response(200, json=HOOK)

    answer: HttpAnswer = patched
    world.answer("PATCH", "/api/webhooks/5/", answer)
    connect(given(house, HERE, GOOD))
    assert "old" in accepted[0]
    assert f'"{SECRET_HEADER}":"old"' in sent[0].replace(" ", "")


def test_the_first_secret_is_known_before_label_studio_has_it(house: House, world: Guarded) -> None:
    accepted = list[tuple[str, ...]]()

    def patched(request: httpx.Request) -> httpx.Response:
        accepted.append(secrets_of(house))
        return httpx.Response(200, json=HOOK)

    world.answer("PATCH", "/api/webhooks/5/", patched)
    connect(given(house, HERE, GOOD))
    assert accepted == [(stored(house)["webhook_secret"],)]


def test_a_backend_with_other_data_is_not_registered(
    house: House, world: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = Answer(URL, {"known": False, "key": False, "proofs": [], "folder": "/elsewhere"})
    monkeypatch.setattr(probing, "_asked", lambda *_: stranger)
    with pytest.raises(SettingsError, match="MICRO_MODELS_DATA_DIR=/elsewhere"):
        connect(given(house, HERE, GOOD))
    assert {request.method for request in world.requests} == {"GET"}
    assert house.registry.projects.all() == []


@pytest.mark.parametrize("tab", [True, False])
def test_the_tab_is_made_or_removed_on_demand(house: House, monkeypatch: pytest.MonkeyPatch, tab: bool) -> None:
    done = list[str]()
    monkeypatch.setattr(connecting, "put_tab", lambda *_: done.append("put") or "http://x")
    monkeypatch.setattr(connecting, "drop_tab", lambda *_: done.append("drop"))
    connect(given(house, HERE, GOOD))
    assert done == []
    connect(given(house, HERE, GOOD), tab=tab)
    assert done == ["put" if tab else "drop"]


def test_a_project_whose_backend_was_registered_by_hand_is_taken_over(house: House, world: Guarded) -> None:
    world.on("GET", "/api/ml/", body=[{**ROW, "title": "mine"}])
    world.on("PATCH", "/api/projects/1/", body=project())
    connect(given(house, HERE, GOOD))
    assert stored(house)["title"] == "mine"
    assert isinstance(house.registry.projects.get(1), ProjectRecord)


def test_pictures_that_cannot_be_had_are_told_by_connect(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "media_check", lambda *_: Check("media", False, "no host", "allow it"))
    assert connect(given(house, HERE, GOOD)) == ["media"]


@pytest.mark.parametrize(("wanted", "order"), [(True, "Uncertainty sampling"), (False, "Sequential sampling")])
def test_the_order_of_tasks_is_changed_on_demand(
    house: House, world: Guarded, monkeypatch: pytest.MonkeyPatch, wanted: bool, order: str
) -> None:
    shown: list[int] = []
    monkeypatch.setattr(connecting.tabs, "show_scores", lambda studio, number: shown.append(number))
    world.on("PATCH", "/api/projects/1/", body=project())
    connect(given(house, HERE, GOOD))
    assert world.sent("PATCH", "/api/projects/1/") == []
    connect(given(house, HERE, GOOD), uncertainty=wanted)
    assert world.sent("PATCH", "/api/projects/1/") == [{"sampling": order}]
    assert shown == [1] * wanted


def test_what_is_left_to_people_is_said_in_words(house: House) -> None:
    boxes = '<RectangleLabels name="box" toName="i"><Label value="A"/></RectangleLabels>'
    rating = '<Rating name="stars" toName="i" perRegion="true"/>'
    view = '<View><Image name="i" value="$image"/>{}</View>'
    found = connecting.config_check(house.services, view.format(boxes + rating))
    assert found == Check(
        "labeling config", True, "learnt: 'box'; left to people: Rating 'stars' (text, numbers and ratings of each region are "
        "left to people; Choices with perRegion are learnt)",
    )  # fmt: skip
    assert connecting.config_check(house.services, view.format(boxes)) is None
    assert connecting.config_check(house.services, "<View") is None
