"""Accepting all predictions of a group; what Label Studio makes of it is tried in tests/end_to_end/test_tabs.py."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.errors import RegistryError, StudioForbidden
from backend.loop import accepting
from backend.loop.accepting import accept_all, waiting
from tests.loop.house import House


@pytest.fixture
def house(tmp_path: Path, quick: None) -> Iterator[House]:
    house = House(tmp_path)
    house.add_project()
    for task in range(1, 7):
        house.add_task(task)
    yield house
    house.registry.close()


def test_nothing_waits_before_anything_is_predicted(house: House) -> None:
    assert waiting(house.services, 1, "clip") == []
    assert accept_all(house.services, 1, "clip") == 0


def test_what_is_predicted_and_not_labelled_is_accepted(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(accepting, "AT_ONCE", 3)
    monkeypatch.setattr(accepting, "accept_predictions", lambda studio, *rest: asked.append(rest))
    house.label(1)
    house.label(4)
    house.work()
    assert accept_all(house.services, 1, "clip") == 4
    assert asked == [(1, [2, 3, 5], "micro-models"), (1, [6], "micro-models")]
    assert 1 in house.queue.projects


def test_without_a_key_or_a_group_nothing_is_asked(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RegistryError, match="no group"):
        accept_all(house.services, 1, "other")
    monkeypatch.setattr(type(house.services), "studio", lambda self, project: None)
    with pytest.raises(StudioForbidden, match="No API key"):
        accept_all(house.services, 1, "clip")
