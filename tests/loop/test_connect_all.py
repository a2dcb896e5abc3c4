from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from backend.errors import StudioUnreachable
from backend.loop import connect_all
from backend.loop.connect_all import ConnectRound, connect_for_ever
from backend.studio.connection import Check
from tests.loop.house import CONFIG, House

EMPTY = "<View></View>"
SKIPPED = CONFIG.replace("<RectangleLabels", '<RectangleLabels model_skip="true"')


@dataclass
class Connected:
    """Stands for `connect_project`, which tests of its own talk to Label Studio about."""

    house: House
    calls: list[int] = field(default_factory=list)

    def __call__(self, services: Any, project: int, url: str, group_by: None, title: None) -> list[Check]:
        self.calls.append(project)
        self.house.registry.projects.configure(project, settings={"backend_id": 1})
        return []


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> dict[int, str]:
    """{project: labeling config} in Label Studio."""
    found: dict[int, str] = {}

    class Studio:
        def projects(self) -> Iterator[dict[str, Any]]:
            return iter([{"id": number, "label_config": config} for number, config in found.items()])

    monkeypatch.setattr(connect_all, "studio_of", lambda *_: Studio())
    return found


@pytest.fixture
def connected(house: House, monkeypatch: pytest.MonkeyPatch) -> Connected:
    stand_in = Connected(house)
    monkeypatch.setattr(connect_all, "connect_project", stand_in)
    return stand_in


def test_no_project(house: House, rows: dict[int, str], connected: Connected) -> None:
    assert dict(ConnectRound(house.services, "http://b:9090")()) == {}


def test_each_is_connected_once_also_by_the_next_process(
    house: House, rows: dict[int, str], connected: Connected
) -> None:
    rows[1] = CONFIG
    look = ConnectRound(house.services, "http://b:9090")
    assert set(dict(look())) == {1}
    rows[2] = CONFIG
    assert set(dict(look())) == {2}
    assert set(dict(ConnectRound(house.services, "http://b:9090")())) == set()
    assert connected.calls == [1, 2]


@pytest.mark.parametrize("config", [EMPTY, SKIPPED, "<View"])
def test_one_that_asks_for_nothing_is_left_alone_until_it_does(
    config: str, house: House, rows: dict[int, str], connected: Connected
) -> None:
    rows[1] = config
    look = ConnectRound(house.services, "http://b:9090")
    assert dict(look()) == dict(look()) == {}
    rows[1] = CONFIG
    assert set(dict(look())) == {1}


def test_a_label_studio_that_is_away_is_asked_again(
    house: House, rows: dict[int, str], connected: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows[1] = CONFIG
    answers = iter([StudioUnreachable("away"), None, None])
    real = connect_all.studio_of

    def sometimes(*arguments: Any) -> Any:
        if error := next(answers):
            raise error
        return real(*arguments)

    monkeypatch.setattr(connect_all, "studio_of", sometimes)
    told: list[int] = []
    waits = iter([False, False, True])
    connect_for_ever(house.services, "http://b:9090", lambda number, _: told.append(number), lambda _: next(waits))
    assert told == [1]
