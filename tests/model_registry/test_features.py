import numpy as np
import pytest
from sqlalchemy import update

from model_registry import Registry
from model_registry.tables import features
from tests.model_registry.conftest import task

VECTOR = np.array([0.5, -2, 60000], np.float16)


@pytest.fixture
def tasks(registry: Registry) -> Registry:
    registry.tasks.upsert(1, [task(1), task(2)], "r")
    return registry


def test_nothing(registry: Registry) -> None:
    registry.features.record(1, {})
    assert registry.features.of(1, {}) == registry.features.of(1, {1: "a.jpg"}) == {}


def test_what_is_kept_comes_back(tasks: Registry) -> None:
    tasks.features.record(1, {1: ("a.jpg", VECTOR), 2: ("b.jpg", np.zeros(0, np.float16))})
    found = tasks.features.of(1, {1: "a.jpg", 2: "b.jpg", 3: "c.jpg"})
    assert set(found) == {1, 2}
    assert found[1].tolist() == VECTOR.tolist()


def test_a_damaged_one_counts_as_missing(tasks: Registry) -> None:
    tasks.features.record(1, {1: ("a.jpg", VECTOR), 2: ("b.jpg", VECTOR)})
    with tasks._database.writing() as connection:
        connection.execute(update(features).where(features.c.task == 1).values(vector=b"odd"))
    assert set(tasks.features.of(1, {1: "a.jpg", 2: "b.jpg"})) == {2}


def test_other_media_ask_for_other_features(tasks: Registry) -> None:
    tasks.features.record(1, {1: ("a.jpg", VECTOR)})
    assert tasks.features.of(1, {1: "other.jpg"}) == {}
    tasks.features.record(1, {1: ("other.jpg", -VECTOR)})
    assert tasks.features.of(1, {1: "other.jpg"})[1].tolist() == [-0.5, 2, -60000]


def test_a_task_that_is_gone_costs_itself_alone(tasks: Registry) -> None:
    tasks.features.record(1, {1: ("a.jpg", VECTOR), 99: ("b.jpg", VECTOR)})
    assert set(tasks.features.of(1, {1: "a.jpg", 99: "b.jpg"})) == {1}
    tasks.tasks.delete(1, [1])
    assert tasks.features.of(1, {1: "a.jpg"}) == {}
