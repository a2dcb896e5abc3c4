from dataclasses import replace

from model_registry import LedgerEntry, Registry
from model_registry.tables import ledger
from tests.model_registry.conftest import task

ENTRY = LedgerEntry(1, 1, 5, [{"id": "r1", "value": {"x": 1.25}}], 0.75, {"boxes": 3}, "micro-models", 10.0)


def test_nothing(registry: Registry) -> None:
    registry.ledger.record(1, [])
    assert registry.ledger.latest(1, []) == registry.ledger.latest(1, [1]) == {}


def test_latest_of_each_task(registry: Registry) -> None:
    registry.ledger.record(1, [ENTRY, replace(ENTRY, task=2, prediction_id=None)])
    newer = replace(ENTRY, versions={"boxes": 4}, published_at=11.0)
    registry.ledger.record(1, [newer])
    assert registry.ledger.latest(1, [1, 1, 9]) == {1: newer}
    assert registry.ledger.latest(1, range(1000))[2].prediction_id is None
    assert registry.ledger.latest(2, [1, 2]) == {}


def test_the_last_five_of_a_task_are_kept(registry: Registry) -> None:
    registry.ledger.record(1, [replace(ENTRY, task=2)])
    for score in range(8):
        registry.ledger.record(1, [replace(ENTRY, score=float(score))])
    with registry._database.reading() as connection:
        rows = connection.execute(ledger.select().order_by(ledger.c.id)).all()
    assert [(row.task, row.score) for row in rows] == [(2, 0.75), *((1, float(score)) for score in range(3, 8))]


def test_a_deleted_task_takes_its_entries_along(registry: Registry) -> None:
    registry.tasks.upsert(1, [task(1)], "r")
    registry.ledger.record(1, [ENTRY])
    registry.tasks.delete(1, [1])
    assert registry.ledger.latest(1, [1]) == {}
