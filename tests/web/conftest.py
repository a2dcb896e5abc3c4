from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from backend.web.app import create_app
from tests.loop.conftest import quick  # noqa: F401
from tests.loop.house import House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    house.add_project()
    for task in range(1, 7):
        house.add_task(task)
    yield house
    house.registry.close()


@pytest.fixture
def client(house: House) -> TestClient:
    return TestClient(create_app(house.services))
