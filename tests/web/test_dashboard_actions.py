"""What the buttons do, and who may press them."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from backend.errors import StudioUnreachable
from backend.studio import connection
from tests.loop.house import House

OURS = {"sec-fetch-site": "same-origin"}


def press(client: TestClient, headers: dict[str, str] | None = None, **form: Any) -> Response:
    return client.post(
        "/projects/1/actions", data=form, headers=OURS if headers is None else headers, follow_redirects=False
    )


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"origin": "https://evil.test"},
        {"origin": "null"},
        {"origin": "http://testserver.evil.test"},
        {"sec-fetch-site": "cross-site", "origin": "http://testserver"},
        {},
    ],
)
def test_another_sites_page_may_press_nothing(client: TestClient, house: House, headers: dict[str, str]) -> None:
    assert press(client, headers, do="train", group="clip").status_code == 403
    assert house.queue.groups == []


@pytest.mark.parametrize("headers", [OURS, {"origin": "http://testserver"}, {"origin": "https://TESTSERVER"}])
def test_our_own_page_may(client: TestClient, house: House, headers: dict[str, str]) -> None:
    answer = press(client, headers, do="train", group="clip")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/projects/1/groups/clip?done=train"
    assert (1, "clip") in house.queue.groups
    assert "Training is asked for" in client.get(answer.headers["location"]).text


def test_all_groups_of_a_project_are_trained(client: TestClient, house: House) -> None:
    house.add_task(50, video="other")
    house.label(1)
    house.queue.groups.clear()
    answer = press(client, do="train")
    assert answer.headers["location"] == "/projects/1?done=train"
    assert house.queue.groups == [(1, "clip")]


@pytest.mark.usefixtures("quick")
def test_rolling_back_and_pinning(client: TestClient, house: House) -> None:
    for task in (1, 4):
        house.label(task)
        house.work()
    served = serving(house)
    assert served > 1
    assert press(client, do="rollback", group="clip").headers["location"].endswith("done=rollback")
    assert serving(house) == served - 1
    text = client.get("/projects/1/groups/clip").text
    assert f"Unpin version {served - 1} of label" in text
    assert press(client, do="unpin", group="clip", control="label").status_code == 303
    assert house.registry.versions.pins(1, "clip") == {}
    assert press(client, do="pin", group="clip", control="label", number=served).status_code == 303
    assert serving(house) == served
    assert list(house.registry.versions.pins(1, "clip")) == ["label"]


def serving(house: House) -> int:
    return house.registry.versions.serving(1, "clip")["label"].number


def test_what_is_not_possible_is_told_on_the_page(client: TestClient) -> None:
    answer = press(client, do="rollback", group="clip")
    assert answer.status_code == 409
    assert "There is no version of group" in answer.text


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"do": "nonsense", "group": "clip"},
        {"do": "rollback"},
        {"do": "pin", "group": "clip", "control": "label"},
        {"do": "pin", "group": "clip", "number": "-1"},
        {"do": "pin", "group": "clip", "number": "²"},
        {"do": "pin", "group": "clip", "number": "9" * 30},
    ],
)
def test_a_form_that_no_button_sends_is_refused(client: TestClient, form: dict[str, str]) -> None:
    assert press(client, **form).status_code == 422


def test_an_unknown_group_is_not_found(client: TestClient) -> None:
    answer = press(client, do="train", group="nobody")
    assert answer.status_code == 404


def test_a_huge_form_is_refused(client: TestClient) -> None:
    assert press(client, do="train", group="x" * 200_000).status_code == 413


@pytest.mark.parametrize("do", ["disconnect", "forget"])
def test_a_project_is_not_parted_with_by_one_press(client: TestClient, house: House, do: str) -> None:
    for form in ({}, {"sure": "yes"}, {"sure": "train"}):
        assert press(client, do=do, **form).status_code == 422
    assert house.registry.projects.seen(1).stopped is None
    assert f'name="sure" value="{do}" required' in client.get("/projects/1").text


def test_disconnecting(client: TestClient, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "remove", lambda *_: [])
    answer = press(client, do="disconnect", sure="disconnect")
    assert answer.headers["location"] == "/projects/1?done=disconnect"
    text = client.get(answer.headers["location"]).text
    assert "Labels and versions are kept" in text
    assert "Nothing is trained or published: disconnected." in text
    refused = press(client, do="train")
    assert refused.status_code == 409
    assert "is stopped" in refused.text


def test_disconnecting_while_label_studio_is_away(
    client: TestClient, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "remove", away)
    assert press(client, do="disconnect", sure="disconnect").status_code == 409
    assert house.registry.projects.seen(1).stopped is None


def away(*_: Any) -> list[str]:
    raise StudioUnreachable("Label Studio is away")


@pytest.mark.parametrize("remove", [away, lambda *_: []])
def test_forgetting_even_a_project_whose_label_studio_is_gone(
    client: TestClient, house: House, monkeypatch: pytest.MonkeyPatch, remove: Any
) -> None:
    monkeypatch.setattr(connection, "remove", remove)
    answer = press(client, do="forget", sure="forget")
    assert answer.headers["location"] == "/?done=forget"
    assert "is forgotten" in client.get(answer.headers["location"]).text
    assert house.registry.projects.all() == []
    assert press(client, do="forget", sure="forget").status_code == 409
