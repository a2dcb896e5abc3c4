"""The tab "Label next": made, renewed with each publication, mended."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backend.errors import StudioForbidden, StudioUnreachable
from backend.loop.predict.label_next import FRAMES, KEPT, TAB, drop_tab, mend_tab, put_tab
from backend.loop.predict.suggest import suggestions
from backend.studio import tabs
from model_registry import ProjectRecord
from tests.loop.house import House

ADDRESS = "http://studio.test/projects/1/data?tab=7"


@pytest.fixture
def house(tmp_path: Path, quick: None) -> Iterator[House]:
    house = House(tmp_path)
    house.add_project()
    for task in range(1, 13):
        house.add_task(task)
    house.studio.url = "http://studio.test"  # type: ignore[attr-defined]
    yield house
    house.registry.close()


@pytest.fixture
def put(house: House, monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The tasks that were put into the tab, each time."""
    made = list[list[int]]()

    def stand_in(studio: Any, project: int, title: str, tasks: Any) -> int:
        assert (project, title) == (1, TAB)
        house.studio.tabs[:] = [{"id": 7, "data": {"title": title, "filters": tabs.picked(tasks)}}]
        made.append(list(tasks))
        return 7

    monkeypatch.setattr(tabs, "put", stand_in)
    return made


def project(house: House) -> ProjectRecord:
    return house.registry.projects.seen(1)


def test_it_holds_what_is_suggested(house: House, put: list[list[int]]) -> None:
    found = suggestions(house.services, 1, 2)
    assert put_tab(house.services, project(house), found) == ADDRESS
    assert put_tab(house.services, project(house)) == ADDRESS
    assert put == [[one.task for one in found], [one.task for one in suggestions(house.services, 1, FRAMES)]]


def test_it_is_renewed_with_each_publication_until_somebody_removes_it(house: House, put: list[list[int]]) -> None:
    house.label(5)
    house.work()
    assert put == [], "nobody asked for it"
    put_tab(house.services, project(house))
    house.label(6)
    house.work()
    assert len(put) == 2
    assert not {5, 6} & set(put[-1])
    house.studio.tabs.clear()
    house.label(7)
    house.work()
    assert len(put) == 2
    assert KEPT not in project(house).settings


def test_a_publication_does_not_fail_with_its_tab(
    house: House, put: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    put_tab(house.services, project(house))
    asked = list[int]()

    def away(number: int) -> Any:
        asked.append(number)
        raise StudioUnreachable("away")

    monkeypatch.setattr(house.studio, "views", away)
    house.label(5)
    house.work()
    assert asked == [1]
    group = house.registry.groups.get(1, "clip")
    assert group is not None
    assert group.state(house.now) == "idle"
    mend_tab(house.services, house.studio, project(house))  # type: ignore[arg-type]
    assert asked == [1, 1]


def test_a_tab_that_stops_the_data_manager_is_replaced(house: House, put: list[list[int]]) -> None:
    broken = {"conjunction": "and", "items": [{"filter": "filter:tasks:id", "operator": "in_list", "value": [1]}]}
    house.studio.tabs.append({"id": 7, "data": {"title": TAB, "filters": broken}})
    mend_tab(house.services, house.studio, project(house))  # type: ignore[arg-type]
    assert len(put) == 1
    mend_tab(house.services, house.studio, project(house))  # type: ignore[arg-type]
    assert len(put) == 1, "it is well now"


def test_removing_it_ends_the_renewals(house: House, put: list[list[int]], monkeypatch: pytest.MonkeyPatch) -> None:
    removed = list[str]()
    monkeypatch.setattr(tabs, "remove", lambda studio, project, title: removed.append(title))
    put_tab(house.services, project(house))
    drop_tab(house.services, project(house))
    assert removed == [TAB]
    assert KEPT not in project(house).settings


def test_it_needs_label_studio(house: House) -> None:
    pull = replace(house.services, settings=house.settings.model_copy(update={"label_studio_url": ""}))
    with pytest.raises(StudioForbidden, match="API key"):
        put_tab(pull, project(house), [])
