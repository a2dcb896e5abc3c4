"""Behind a proxy that serves us under a path of its own; and what programs are answered at the root."""

import re
from typing import Any

import pytest
from fastapi.testclient import TestClient

from backend.web.prefix import prefixed
from tests.loop.house import House


def scope(*values: str) -> dict[str, Any]:
    return {"type": "http", "headers": [(b"x-forwarded-prefix", value.encode("latin-1")) for value in values]}


@pytest.mark.parametrize(
    ("said", "root"),
    [
        ([], ""), (["/models"], "/models"), (["/models/"], "/models"), (["/a/b-c_d.e~f"], "/a/b-c_d.e~f"), (["/"], ""),
        (["//evil.example"], ""), (["/a//b"], ""), (["/.."], ""), (["/a/../b"], ""), (["models"], ""), (["http://x/y"], ""),
        (['/a"><script>'], ""), (["/a b"], ""), (["/a\\b"], ""), (["/a?b"], ""), (["/a", "/b"], ""), (["/ü"], ""),
        (["/" + "a" * 300], ""),
    ],
)  # fmt: skip
def test_only_a_plain_path_is_a_prefix(said: list[str], root: str) -> None:
    assert prefixed(scope(*said)).get("root_path", "") == root


def test_a_prefix_that_the_server_knows_already_stays() -> None:
    assert prefixed({**scope("/other"), "root_path": "/known"})["root_path"] == "/known"


def test_all_that_a_page_leads_to_is_under_the_prefix(client: TestClient, house: House) -> None:
    house.add_project()
    house.add_task(1)
    for path in ("/", "/projects/1", "/projects/1/groups/clip"):
        page = client.get(path, headers={"X-Forwarded-Prefix": "/models", "Accept": "text/html"})
        assert page.status_code == 200
        local = re.findall(r'(?:href|src|action)="(/[^"]*)"', page.text)
        assert local
        assert [link for link in local if not link.startswith("/models/")] == []


def test_a_button_leads_back_under_the_prefix(client: TestClient, house: House) -> None:
    house.add_project()
    house.add_task(1)
    house.label(1)
    headers = {"X-Forwarded-Prefix": "/models", "Origin": "http://testserver"}
    answer = client.post("/projects/1/actions", data={"do": "train"}, headers=headers, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/models/projects/1?")


def test_who_asks_for_json_gets_it(client: TestClient) -> None:
    told = client.get("/", headers={"Accept": "application/json"})
    assert told.json() == client.get("/health").json()
    for accept in ("text/html", "*/*", "text/html, application/json;q=0.5", ""):
        assert client.get("/", headers={"Accept": accept}).headers["content-type"].startswith("text/html")
