"""Parting with a project: what goes, what stays, and what cannot be reached."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.errors import RegistryError, StudioForbidden, StudioUnreachable
from backend.loop import disconnect as parting
from backend.loop.connect_all import ConnectRound
from backend.loop.disconnect import disconnect_project
from backend.loop.events.sweep import sweep_project
from backend.studio import connection
from tests.loop.house import CONFIG, House

SETTINGS = {
    "url": "http://studio.test", "api_key": "k", "webhook_secret": "s", "backend_id": 1, "backend_url": "http://b:9090",
    "title": "hares", "extra_params": {"group_by": "video"},
}  # fmt: skip


@pytest.fixture
def house(tmp_path: Path, quick: None) -> Iterator[House]:
    house = House(tmp_path)
    house.add_project()
    for task in range(1, 4):
        house.add_task(task)
    house.label(1)
    house.work()
    house.registry.projects.configure(1, settings=SETTINGS)
    yield house
    house.registry.close()


@pytest.fixture(autouse=True)
def removed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    calls = list[tuple[Any, ...]]()

    def remove(studio: Any, *what: Any) -> list[str]:
        calls.append(what)
        return ["model 'hares'", "webhook http://b:9090/webhook"]

    monkeypatch.setattr(connection, "remove", remove)
    return calls


def test_key_and_model_go_and_data_and_secret_stay(house: House, removed: list[tuple[Any, ...]]) -> None:
    told = disconnect_project(house.services, 1)
    assert removed == [(1, 1, "http://b:9090")]
    assert any("webhook http://b:9090/webhook" in line for line in told)
    record = house.registry.projects.seen(1)
    assert record.settings.keys() == {"webhook_secret", "title", "extra_params", "asked", "stopped", "left"}
    assert record.stopped == "disconnected"
    assert len(house.registry.versions.history(1, "clip")) == 1
    assert house.registry.labels.known(1)


def test_it_stays_disconnected_through_sweeps_and_for_who_connects_all(house: House) -> None:
    disconnect_project(house.services, 1)
    house.studio.rows_of_backends.clear()
    house.studio.rows.clear()
    for _ in range(3):
        house.now += 300
        sweep_project(house.services, 1)
    record = house.registry.projects.seen(1)
    assert record.stopped == "disconnected"
    assert house.registry.tasks.ids(1) == {1, 2, 3}, "Label Studio is not listened to meanwhile"
    look = ConnectRound(house.services, "http://b:9090")
    assert look._is_connected(1), "who disconnected a project does not want it back ten seconds later"


def test_while_label_studio_is_away_nothing_is_done(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "remove", raising(StudioUnreachable("away")))
    with pytest.raises(StudioUnreachable):
        disconnect_project(house.services, 1)
    settings = dict(house.registry.projects.seen(1).settings)
    assert settings.pop("asked"), "what the labeling config asks for"
    assert settings == SETTINGS


def test_a_key_that_ran_out_is_no_reason_to_stay(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "remove", raising(StudioForbidden("ran out")))
    told = disconnect_project(house.services, 1)
    assert "by hand" in told[0]
    assert house.registry.projects.seen(1).stopped


def raising(error: Exception) -> Any:
    def remove(*_: Any) -> list[str]:
        raise error

    return remove


def test_the_tab_goes_too(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    dropped = list[int]()
    monkeypatch.setattr(parting, "drop_tab", lambda services, project: dropped.append(project.id))
    disconnect_project(house.services, 1)
    assert dropped == []
    house.registry.projects.configure(1, settings={"tab": True})
    disconnect_project(house.services, 1)
    assert dropped == [1]


def test_an_unknown_project(house: House) -> None:
    with pytest.raises(RegistryError, match="connected are: 1"):
        disconnect_project(house.services, 99)
    assert [p.id for p in house.registry.projects.all()] == [1]
    assert house.registry.projects.seen(1).config == CONFIG
