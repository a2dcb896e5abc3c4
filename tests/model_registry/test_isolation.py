"""Whatever one project's webhooks and listings name, the rows of another stay as they are."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from model_registry import LabelRecord, LedgerEntry, Registry, Review
from model_registry.tables import features, labels, ledger, reviews, tasks
from tests.model_registry.conftest import Clock, label, task

FAR = 4e9
"""A time in the year 2096."""


@pytest.fixture
def two(registry: Registry) -> Registry:
    """Project 1 with tasks 1-3 and a label of each, reviewed, published, seen; project 2 with nothing."""
    rows = [task(1), task(2), task(3, "b")]
    registry.record_event(1, rows, [label(id, id) for id in (1, 2, 3)], "r", None)
    tally: dict[str, Any] = dict.fromkeys(("accepted", "moved", "relabelled", "added", "deleted", "labels"), 1)
    registry.reviews.record(
        1, [Review(id, 10.0, "7", 1, 5.0, True, 0.5, [{"control": "c", "label": "l", **tally}]) for id in (1, 2)]
    )
    registry.ledger.record(1, [LedgerEntry(id, 1, None, [], 0.5, {"c": 1}, "m", 5.0) for id in (1, 2, 3)])
    registry.features.record(1, {id: ("x", np.ones(2, np.float16)) for id in (1, 2, 3)})
    registry.tasks.set_problems(1, {2: "odd"})
    registry.projects.seen(2)
    return registry


def rows_of_project_1(registry: Registry) -> list[Any]:
    found: list[Any] = []
    with registry._database.reading() as connection:
        for table in (tasks, labels, reviews, ledger, features):
            mine = select(table).where(table.c.project == 1).order_by(*table.primary_key)
            found += [(table.name, *row) for row in connection.execute(mine)]
    return [*found, registry.groups.all(1)]


def foreign(id: int, task: int, **fields: Any) -> LabelRecord:
    return LabelRecord(id, 2, task, **{"result": [], "updated_at": FAR} | fields)


@pytest.mark.parametrize(
    "write",
    [
        lambda r: r.labels.record(2, [foreign(2, 2)]),
        lambda r: r.labels.record(2, [foreign(2, 2, updated_at=11.0)], seen_at=2000.0),
        lambda r: r.labels.record(2, [foreign(9, 1), foreign(1, 1, skipped=True)]),
        lambda r: r.labels.delete(2, [1, 2, 3]),
        lambda r: r.labels.delete(2, [1, 2, 3], at=FAR),
        lambda r: r.labels.note_missing(2, [1, 2, 3], 5.0),
        lambda r: r.tasks.upsert(2, [task(1, "stolen", 2), task(4, "stolen", 2)], "r"),
        lambda r: r.tasks.delete(2, [1, 2, 3]),
        lambda r: r.tasks.note_missing(2, [1, 2, 3], 5.0),
        lambda r: r.tasks.set_problems(2, {1: "broken"}),
        lambda r: r.record_event(2, [task(1, "stolen", 2)], [foreign(1, 1)], "r", None),
        lambda r: r.reviews.record(2, [Review(3, 10.0, "8", 1, 5.0, True, 0.5, [])]),
        lambda r: r.ledger.record(2, [LedgerEntry(1, 2, 5, [], 0.1, {}, "m", 9.0) for _ in range(9)]),
        lambda r: r.features.record(2, {1: ("y", np.zeros(2, np.float16))}),
        lambda r: r.projects.delete(2),
    ],
)  # fmt: skip
def test_a_write_of_another_project_changes_nothing(two: Registry, write: Callable[[Registry], object]) -> None:
    before = rows_of_project_1(two)
    assert len(before) > 10
    write(two)
    assert rows_of_project_1(two) == before


def test_equal_ids_of_two_projects_live_side_by_side(two: Registry, clock: Clock) -> None:
    changed = two.record_event(2, [task(1, "a", 2)], [foreign(1, 1, result=[{"value": 7}], updated_at=10.0)], "r", None)
    assert changed == {"a"}
    assert [item.result for item in two.labels.of_group(2, "a")] == [[{"value": 7}]]
    assert [item.result for item in two.labels.of_group(1, "a")] == [[{"value": 0}]] * 2
    assert [(g.project, g.name, g.tasks, g.labelled) for g in two.groups.all()] == [
        (1, "a", 2, 2),
        (1, "b", 1, 1),
        (2, "a", 1, 1),
    ]
    assert (two.tasks.get(1, 1), two.tasks.get(2, 1)) == (task(1), task(1, "a", 2))
    counts = two.listing.counts()
    assert {id: (c.tasks, c.labelled) for id, c in counts.items()} == {1: (3, 3), 2: (1, 1)}
    assert [record.id for _, record in two.reviews.pending(2, 9)] == [1]
    assert two.features.of(2, {1: "x"}) == {}
    two.tasks.delete(2, [1])
    assert two.tasks.get(1, 1) == task(1)
    two.projects.delete(1)
    assert (two.tasks.ids(1), two.labels.known(1)) == (set(), {})
