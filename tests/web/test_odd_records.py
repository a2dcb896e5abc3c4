"""One odd record costs itself alone: the pages of the others stand."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from model_registry import Lease
from tests.loop.house import CONFIG, House
from tests.web.test_dashboard import page

pytestmark = pytest.mark.usefixtures("quick")

ODD_VERSIONS = {
    "metrics no JSON": "UPDATE versions SET metrics = '{oops'",
    "metrics a list": "UPDATE versions SET metrics = '[1]'",
    "metrics null": "UPDATE versions SET metrics = 'null'",
    "metrics of other kinds": """UPDATE versions SET metrics = '{"unseen": 5, "groups": [], "tasks": 1}'""",
    "a score of another kind": """UPDATE versions SET metrics = '{"unseen": {"score": "high", "frames": "many"}}'""",
    "a recipe of another kind": "UPDATE versions SET recipe = '7'",
    "an unknown state": "UPDATE versions SET state = 'dreaming'",
    "no artifact": "UPDATE versions SET artifact_uri = NULL",
    "an artifact without hash": "UPDATE versions SET artifact_sha256 = NULL",
}
ODD_PROJECTS = {
    "config no XML": ("config", "<View>"),
    "config deep": ("config", "<View>" * 5000),
    "config with a zero byte": ("config", "<View>\0</View>"),
    "settings a list": ("settings", "[1]"),
    "settings no JSON": ("settings", "{"),
    "an address of another kind": ("settings", '{"url": 5, "api_key": ["x"]}'),
    "extra params of another kind": ("settings", '{"extra_params": 3}'),
}


def spoil(house: House, statement: str, **values: Any) -> None:
    with house.registry._database.writing() as connection:
        assert connection.execute(text(statement), values).rowcount > 0


def add_other(house: House) -> None:
    house.add_project(2, CONFIG)
    house.add_task(40, project=2, video="sound")
    house.label(40)


@pytest.mark.parametrize("how", ODD_VERSIONS)
def test_a_version_that_is_odd(client: TestClient, house: House, how: str) -> None:
    house.add_task(30, video="sound")
    for task in (1, 30):
        house.label(task)
    house.work()
    spoil(house, ODD_VERSIONS[how] + " WHERE \"group\" = 'clip'")
    assert "Project 1" in page(client, "/").text
    text_ = page(client, "/projects/1").text
    assert "clip" in text_
    assert "sound" in text_
    groups = client.get("/status", params={"project": 1}).json()["groups"]
    assert {g["group"]: g["state"] for g in groups} == {"clip": "idle", "sound": "idle"}
    assert {g["group"]: g["version"] for g in groups}["sound"] == "v1"
    page(client, "/projects/1/groups/sound")


@pytest.mark.parametrize("how", ODD_PROJECTS)
def test_a_project_that_is_odd(client: TestClient, house: House, how: str) -> None:
    add_other(house)
    column, value = ODD_PROJECTS[how]
    spoil(house, f"UPDATE projects SET {column} = :value WHERE id = 1", value=value)
    found = page(client, "/").text
    assert "Project 1" in found
    assert "Project 2" in found
    [group] = client.get("/status", params={"project": 2}).json()["groups"]
    assert group["labelled"] == 1
    page(client, "/projects/2")


def test_interrupted_versions_are_shown_as_such(client: TestClient, house: House) -> None:
    house.label(1)
    house.registry.leases.take(Lease(1, "clip", "gone"), 1000)
    house.registry.versions.begin(
        Lease(1, "clip", "gone"), "label", "detection", label_revision=1, labels=1, fingerprint="f", recipe={},
        previous=None, start="backbone",
    )  # fmt: skip
    house.registry.leases.release_owner("gone")
    found = page(client, "/projects/1/groups/clip")
    assert [a["class"] for a in found.all("span") if "interrupted" in str(a.get("class"))] == ["state interrupted"]
    assert "failed" not in found.text.lower()
    assert [g["state"] for g in client.get("/status", params={"project": 1}).json()["groups"]] == ["queued"]
