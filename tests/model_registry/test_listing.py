from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model_registry import SORTS, GroupRecord, LabelRecord, Lease, LedgerEntry, Registry, Sort, TaskRecord, Work
from model_registry.tables import groups, reviews, versions

NOW = 1000.0
"""What the fixture's clock shows."""


def add(registry: Registry, name: str, tasks: int = 2, labelled: int = 0, project: int = 1, first: int = 0) -> None:
    start = first or 1 + len(registry.tasks.ids(1)) + 100 * project
    made = [TaskRecord(start + n, project, name, {"n": n}) for n in range(tasks)]
    labels = [LabelRecord(start + n, project, start + n, [], updated_at=1.0) for n in range(labelled)]
    registry.record_event(project, made, labels, "rule", None)


def change(registry: Registry, name: str, **values: Any) -> None:
    with registry._database.writing() as connection:
        connection.execute(groups.update().where(groups.c.name == name).values(**values))


def names(registry: Registry, **query: Any) -> list[str]:
    return [row.record.name for row in registry.listing.groups(1, **query)[0]]


def test_nothing_is_listed_of_nothing(registry: Registry) -> None:
    assert registry.listing.counts() == {}
    assert registry.listing.groups() == ([], 0)
    assert registry.listing.unlabelled(1, "a") == ([], 0)
    assert registry.listing.problems(1) == []


small = st.integers(0, 2)
maybe = st.none() | st.sampled_from([NOW - 1, NOW, NOW + 1])
states = st.fixed_dictionaries(
    {
        "wanted": small,
        "trained": small,
        "published": small,
        "failed_revision": st.none() | small,
        "forced": st.booleans(),
        "phase": st.sampled_from([None, "training", "publishing"]),
        "lease_owner": st.sampled_from([None, "worker"]),
        "lease_until": maybe,
    }
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(states)
def test_the_database_and_the_record_say_the_same_state(registry: Registry, values: dict[str, Any]) -> None:
    if not registry.tasks.ids(1):
        add(registry, "a")
    change(registry, "a", **values)
    word = GroupRecord(1, "a", "rule", **values).state(NOW)
    assert registry.listing.counts()[1].states == {word: 1}
    assert names(registry, states=(word,)) == ["a"]


def test_pages_follow_each_other_and_a_group_without_tasks_is_left_out(registry: Registry) -> None:
    for number in range(5):
        add(registry, f"g{number}", first=10 * number + 1)
    registry.tasks.delete(1, registry.tasks.ids(1) & {1, 2})
    pages = [names(registry, sort="name", offset=n, limit=2) for n in (0, 2, 4)]
    assert pages == [["g1", "g2"], ["g3", "g4"], []]
    assert registry.listing.groups(1, limit=2)[1] == 4


def test_search_takes_wildcards_for_what_they_are(registry: Registry) -> None:
    for number, name in enumerate(("Clip_1", "clip-1", "100%", "1000")):
        add(registry, name, first=10 * number + 1)
    assert names(registry, search="CLIP", sort="name") == ["Clip_1", "clip-1"]
    assert names(registry, search="_", sort="name") == ["Clip_1"]
    assert names(registry, search="0%", sort="name") == ["100%"]


def test_what_is_urgent_comes_first(registry: Registry) -> None:
    for number, name in enumerate(("idle", "failed", "queued", "training")):
        add(registry, name, first=10 * number + 1)
    change(registry, "failed", wanted=1, failed_revision=1)
    change(registry, "queued", wanted=1)
    change(registry, "training", phase="training", lease_owner="w", lease_until=NOW + 9)
    assert names(registry) == ["failed", "training", "queued", "idle"]
    assert names(registry, descending=True) == ["idle", "queued", "training", "failed"]


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("descending", [False, True])
def test_every_order_lists_every_group_once(registry: Registry, sort: Sort, descending: bool) -> None:
    add(registry, "b", tasks=3, labelled=2, first=1)
    add(registry, "a", tasks=1, first=11)
    add(registry, "c", tasks=2, labelled=1, first=21)
    assert sorted(names(registry, sort=sort, descending=descending)) == ["a", "b", "c"]


def test_orders_by_size_and_labels(registry: Registry) -> None:
    add(registry, "b", tasks=3, labelled=2, first=1)
    add(registry, "a", tasks=1, first=11)
    add(registry, "c", tasks=2, labelled=1, first=21)
    assert names(registry, sort="tasks") == ["a", "c", "b"]
    assert names(registry, sort="labelled", descending=True) == ["b", "c", "a"]


def test_versions_and_their_score_are_listed_and_ordered_by(registry: Registry) -> None:
    for number, (name, score) in enumerate((("a", 0.9), ("b", 0.4), ("c", None))):
        add(registry, name, labelled=1, first=10 * number + 1)
        serve(registry, name, {"unseen": {"score": score}} if score else {})
    assert names(registry, sort="score") == ["b", "a", "c"]
    assert names(registry, sort="score", descending=True) == ["a", "b", "c"]
    [a, _, c] = registry.listing.groups(1, sort="name")[0]
    assert [(s.control, s.number, s.score) for s in a.serving] == [("label", 1, 0.9)]
    assert c.serving[0].score is None


def serve(registry: Registry, group: str, metrics: dict[str, Any]) -> None:
    registry.leases.take(Lease(1, group, "w"), 60)
    version = registry.versions.begin(
        Lease(1, group, "w"), "label", "detection", label_revision=1, labels=1, fingerprint="f", recipe={},
        previous=None, start="backbone",
    )  # fmt: skip
    with registry._database.writing() as connection:
        values = {"state": "serving", "metrics": metrics}
        connection.execute(versions.update().where(versions.c.id == version.id).values(**values))
    registry.leases.release(Lease(1, group, "w"))


def test_work_is_summed_over_what_was_reviewed(registry: Registry) -> None:
    add(registry, "a", tasks=3, labelled=3, first=1)
    add(registry, "b", tasks=1, labelled=1, first=11)
    reviewed(registry, {1: (2, 4), 2: (1, 6), 11: (1, 2)})
    rows = {row.record.name: row.work for row in registry.listing.groups(1)[0]}
    assert rows == {"a": Work(3, 10), "b": Work(1, 2)}
    assert registry.listing.counts()[1].work == Work(4, 12)
    assert rows["a"].efficiency is Work().efficiency is None, "nobody saw a prediction, which it would be the work of"
    reviewed(registry, {2: (1, 6)}, shown=True)
    [a, _] = registry.listing.groups(1, sort="name")[0]
    assert a.work == Work(3, 10, 1)
    assert a.work.efficiency == pytest.approx(0.7)
    assert registry.listing.counts()[1].work == Work(4, 12, 1)
    assert names(registry, sort="efficiency") == ["b", "a"]


def test_the_most_doubt_left_comes_first_by_need(registry: Registry) -> None:
    for name, doubt, first in (("a", 0.1, 1), ("b", 0.5, 11), ("c", None, 21)):
        add(registry, name, tasks=4, labelled=1, first=first)
        change(registry, name, doubt=doubt)
    assert names(registry, sort="need") == ["b", "a", "c"]


def reviewed(registry: Registry, done: dict[int, tuple[int, int]], shown: bool = False) -> None:
    with registry._database.writing() as connection:
        for id_, (actions, labels) in done.items():
            values = {"pending": False, "actions": actions, "labels": labels, "shown": shown}
            connection.execute(reviews.update().where(reviews.c.annotation == id_).values(**values))


def test_unlabelled_tasks_come_with_their_last_prediction_the_least_certain_first(registry: Registry) -> None:
    add(registry, "a", tasks=4, labelled=1, first=1)
    entries = [LedgerEntry(t, 1, None, [], score, {}, "m", at) for t, score, at in
               ((1, 0.1, 1.0), (2, 0.2, 1.0), (2, 0.9, 2.0), (3, 0.5, 1.0))]  # fmt: skip
    registry.ledger.record(1, entries)
    found, total = registry.listing.unlabelled(1, "a")
    assert [(task.id, entry.score, entry.published_at) for task, entry in found] == [(3, 0.5, 1.0), (2, 0.9, 2.0)]
    assert total == 2
    assert [task.id for task, _ in registry.listing.unlabelled(1, "a", offset=1, limit=5)[0]] == [2]


def test_problems_are_counted_and_told(registry: Registry) -> None:
    add(registry, "a", tasks=2, first=1)
    add(registry, "b", tasks=1, first=11)
    registry.tasks.set_problems(1, {2: "no image"})
    assert registry.listing.counts()[1].problems == 1
    assert [(t.id, t.problem) for t in registry.listing.problems(1)] == [(2, "no image")]
    assert registry.listing.problems(1, "b") == []


def test_counts_are_by_project(registry: Registry) -> None:
    add(registry, "a", tasks=2, labelled=1, first=1)
    add(registry, "a", tasks=3, project=2, first=11)
    counted = registry.listing.counts()
    assert (counted[1].groups, counted[1].tasks, counted[1].labelled) == (1, 2, 1)
    assert (counted[2].groups, counted[2].tasks, counted[2].labelled) == (1, 3, 0)
    assert registry.listing.counts(2) == {2: counted[2]}
    assert registry.listing.counts(3) == {}
