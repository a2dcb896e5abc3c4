from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.errors import RegistryError
from backend.loop.forget import forget_project
from tests.loop.house import House


@pytest.fixture
def house(tmp_path: Path, quick: None) -> Iterator[House]:
    """Projects 1 and 2, a version each."""
    house = House(tmp_path)
    for project in (1, 2):
        house.add_project(project)
        house.registry.projects.seen(project)
        for task in range(3):
            house.add_task(100 * project + task, project)
        house.label(100 * project)
    house.work()
    yield house
    house.registry.close()


def weights(house: House) -> list[str]:
    return sorted(f"{path.parent.name}/{path.name}" for path in Path(house.settings.artifacts).rglob("*.safetensors"))


def test_a_forgotten_project_takes_its_weights_along_and_nothing_else(house: House) -> None:
    registry = house.registry
    kept = sorted(registry.retention.artifacts(2))
    assert len(weights(house)) == 2
    assert forget_project(house.services, 1) == 1
    assert [project.id for project in registry.projects.all()] == [2]
    assert (registry.tasks.ids(1), registry.labels.known(1), registry.groups.all(1)) == (set(), {}, [])
    assert registry.ledger.latest(1, [101]) == {}
    assert weights(house) == kept
    serving = registry.versions.serving(2, "clip")["label"]
    assert serving.artifact
    assert registry.artifacts.read(serving.artifact).metadata


def test_weights_that_are_gone_already_do_not_stop_it(house: House) -> None:
    for path in Path(house.settings.artifacts).rglob("*.safetensors"):
        path.unlink()
    assert forget_project(house.services, 1) == 0
    assert house.registry.projects.get(1) is None


def test_an_unknown_project_is_said(house: House) -> None:
    with pytest.raises(RegistryError, match=r"Project 9 is not known.*1, 2"):
        forget_project(house.services, 9)
