"""Projects that come by themselves: known ones always, new ones within limits, and nothing that is no labeling config."""

from pathlib import Path
from typing import Any

import pytest
from fastapi import HTTPException
from fastapi.testclient import TestClient

from backend.web.adoption import AT_ONCE, MOST_CONFIG, MOST_EXTRA, SECONDS_EACH, Adoption, usable_config
from backend.web.app import create_app
from backend.web.auth import BasicAuth
from tests.loop.house import CONFIG, House


def setup(client: TestClient, project: Any, schema: Any = CONFIG, **more: Any) -> int:
    return client.post("/setup", json={"project": project, "schema": schema, **more}).status_code


def test_a_flood_of_new_projects_stops_and_known_ones_go_on(client: TestClient, house: House) -> None:
    house.registry.projects.seen(1)
    answers = [setup(client, f"{n}.17") for n in range(100, 100 + AT_ONCE + 10)]
    assert answers == [200] * AT_ONCE + [429] * 10
    assert len(house.registry.projects.all()) == AT_ONCE + 1
    assert setup(client, 1) == setup(client, 100) == 200
    body = {"tasks": [], "project": 999, "label_config": CONFIG}
    assert client.post("/predict", json=body).status_code == 429, "the same by another door"
    assert house.registry.projects.get(999) is None


def test_time_lets_in_more(house: House) -> None:
    now = [0.0]
    adoption = Adoption(house.services, BasicAuth(house.settings), lambda: now[0])
    for n in range(AT_ONCE):
        adoption.check(100 + n)
    with pytest.raises(HTTPException):
        adoption.check(99)
    now[0] += SECONDS_EACH
    adoption.check(99)
    with pytest.raises(HTTPException):
        adoption.check(98)


def test_who_has_a_password_takes_in_as_many_as_there_are(tmp_path: Path) -> None:
    house = House(tmp_path, basic_auth_user="ls", basic_auth_password="pw")
    client = TestClient(create_app(house.services))
    client.auth = ("ls", "pw")
    assert {setup(client, n) for n in range(1, AT_ONCE + 10)} == {200}
    house.registry.close()


@pytest.mark.parametrize(
    "schema",
    [
        "<View>", "no XML", "<View>" * 2000, "\x00<View/>", '<!DOCTYPE x [<!ENTITY a "b">]><View>&a;</View>', [CONFIG], 3,
        "<View>" + " " * MOST_CONFIG + "</View>",
    ],
    ids=lambda schema: str(schema)[:12].encode("ascii", "replace").decode(),
)  # fmt: skip
def test_what_is_no_labeling_config_is_not_kept(client: TestClient, house: House, schema: Any) -> None:
    assert setup(client, 1) == 200
    assert setup(client, 7, schema) == 422
    assert house.registry.projects.get(7) is None
    client.post("/predict", json={"tasks": [], "project": 1, "label_config": schema})
    client.post("/webhook", json={"action": "PROJECT_UPDATED", "project": {"id": 1, "label_config": schema}})
    kept = house.registry.projects.get(1)
    assert kept is not None
    assert kept.config == CONFIG


def test_a_labeling_config_with_a_mistake_in_it_is_kept_and_told(client: TestClient, house: House) -> None:
    odd = CONFIG.replace("<RectangleLabels", '<RectangleLabels model_score_threshold="much"')
    assert setup(client, 1, odd) == 200
    assert "much" in client.get("/status?project=1").json()["problem"]
    assert usable_config("<View/>") == "<View/>"
    assert usable_config('<?xml version="1.0" encoding="UTF-8"?>\n<View/>')


@pytest.mark.parametrize("schema", ["", None])
def test_a_setup_without_a_labeling_config_keeps_the_one_there_is(
    client: TestClient, house: House, schema: str | None
) -> None:
    assert setup(client, 1) == setup(client, 1, schema) == 200
    kept = house.registry.projects.get(1)
    assert kept is not None
    assert kept.config == CONFIG


@pytest.mark.parametrize("extra", ["x" * (MOST_EXTRA + 1), {"a": "x" * MOST_EXTRA}, [[]] * MOST_EXTRA])
def test_extra_params_are_short(client: TestClient, house: House, extra: Any) -> None:
    assert setup(client, 1, extra_params=extra) == 413


@pytest.mark.parametrize(
    "extra", ["[" * 60_000, '{"a": NaN}', '{"a": "\\ud800"}', '{"group_by": 5}', "{", 5, [], "9" * 5000]
)
def test_odd_extra_params_are_none(client: TestClient, house: House, extra: Any) -> None:
    assert setup(client, 1, extra_params=extra) == 200
    assert client.get("/status?project=1").status_code == 200
