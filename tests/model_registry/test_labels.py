"""Single cases by name, then any sequence of events against a model that stores nothing but the rules."""

from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from model_registry import LabelRecord, Registry
from tests.model_registry.conftest import Clock, label, task


@pytest.fixture
def labelled(registry: Registry, clock: Clock) -> Registry:
    """Tasks 1 and 2 in group a, task 3 in b; label 1 on task 1, changed at 10, heard of at 50."""
    clock.now = 50.0
    registry.record_event(1, [task(1), task(2), task(3, "b")], [label(1, 1)], "r", None)
    clock.now = 100.0
    return registry


def revision(registry: Registry, name: str = "a") -> int:
    group = registry.groups.get(1, name)
    assert group is not None
    return group.wanted


def test_nothing(registry: Registry) -> None:
    assert registry.labels.record(1, []) == set()
    assert registry.labels.delete(1, []) == set()
    assert registry.labels.known(1) == {}
    assert registry.labels.of_group(1, "a") == []
    assert registry.labels.of_tasks(1, []) == []


def test_labels_of_some_tasks(labelled: Registry) -> None:
    labelled.labels.record(1, [label(2, 2), label(3, 3), replace(label(4, 3), skipped=True)])
    labelled.labels.delete(1, [2])
    assert [one.id for one in labelled.labels.of_tasks(1, (3, 2, 1))] == [1, 3]
    assert [one.id for one in labelled.labels.of_tasks(1, (3,))] == [3]
    assert labelled.labels.of_tasks(2, (1, 3)) == []


@pytest.mark.parametrize(
    ("event", "changed"),
    [
        (label(1, 1), False),
        (label(1, 1, at=11), False),
        (label(1, 1, author="me"), False),
        (label(1, 1, "new", at=9), False),
        (label(1, 1, "new"), True),
        (label(1, 1, "new", at=11), True),
        (label(1, 1, skipped=True, at=11), True),
        (label(2, 2), True),
        (label(2, 2, skipped=True), False),
        (label(2, 99), False),
    ],
)
def test_record(labelled: Registry, event: LabelRecord, changed: bool) -> None:
    assert labelled.labels.record(1, [event]) == ({"a"} if changed else set())
    assert revision(labelled) == 1 + changed
    assert labelled.labels.record(1, [event]) == set()
    assert revision(labelled) == 1 + changed


def test_details_and_time_are_kept_even_where_nothing_is_to_be_trained(labelled: Registry) -> None:
    event = label(1, 1, at=12, author="me")
    labelled.labels.record(1, [event])
    assert labelled.labels.of_group(1, "a") == [event]
    assert labelled.labels.known(1) == {1: 12}


def test_one_transaction_is_one_revision(labelled: Registry) -> None:
    assert labelled.labels.record(1, [label(id, 1 + id % 2) for id in range(2, 8)]) == {"a"}
    assert revision(labelled) == 2


def test_the_newest_of_equal_ids_in_one_call_counts(labelled: Registry) -> None:
    labelled.labels.record(1, [label(2, 2, "c", at=30), label(2, 2, "b", at=20)])
    assert labelled.labels.of_group(1, "a")[1].result == [{"value": "c"}]


def test_skip_and_back(labelled: Registry) -> None:
    skipped = label(1, 1, at=20, skipped=True)
    labelled.labels.record(1, [skipped])
    assert labelled.labels.of_group(1, "a") == []
    assert labelled.labels.of_group(1, "a", include_skipped=True) == [skipped]
    assert labelled.labels.known(1) == {1: 20}
    assert labelled.labels.record(1, [replace(skipped, result=[{"value": 5}], updated_at=21)]) == set()
    assert labelled.labels.record(1, [label(1, 1, at=22)]) == {"a"}
    assert revision(labelled) == 3


def test_a_deleted_label_stays_deleted(labelled: Registry) -> None:
    assert labelled.labels.delete(1, [1]) == {"a"}
    assert labelled.labels.delete(1, [1]) == set()
    assert labelled.labels.record(1, [label(1, 1, "late", at=100)]) == set()
    assert (labelled.labels.known(1), revision(labelled)) == ({}, 2)
    assert labelled.labels.record(1, [label(1, 1, at=100.5)]) == {"a"}


def test_a_deletion_that_comes_before_its_label(labelled: Registry) -> None:
    assert labelled.labels.delete(1, [5]) == set()
    assert labelled.labels.record(1, [label(5, 1, at=99)]) == set()
    assert set(labelled.labels.known(1)) == {1}


def test_a_deletion_by_a_clock_that_is_behind(labelled: Registry) -> None:
    labelled.labels.record(1, [label(1, 1, at=500)])
    labelled.labels.delete(1, [1])
    assert labelled.labels.record(1, [label(1, 1, at=500)]) == set()
    assert labelled.labels.known(1) == {}


def test_a_listing_that_began_before_the_label_was_heard_of_does_not_delete_it(labelled: Registry) -> None:
    assert labelled.labels.delete(1, [1], at=50) == set()
    assert labelled.labels.known(1) == {1: 10}
    assert labelled.labels.delete(1, [1], at=51) == {"a"}
    assert labelled.labels.record(1, [label(1, 1, at=52)]) == {"a"}


def test_seen_alive_after_its_deletion(labelled: Registry) -> None:
    labelled.labels.delete(1, [1])
    assert labelled.labels.record(1, [label(1, 1)], seen_at=100) == set()
    assert labelled.labels.record(1, [label(1, 1)], seen_at=101) == {"a"}
    assert labelled.labels.known(1) == {1: 10}


@pytest.mark.parametrize("at", [2.0, 10.0, 4e9])
def test_what_is_listed_wins_over_what_was_heard_before_whatever_its_time(labelled: Registry, at: float) -> None:
    assert labelled.labels.record(1, [label(1, 1, "listed", at=at)], seen_at=51) == {"a"}
    assert labelled.labels.of_group(1, "a")[0].result == [{"value": "listed"}]


def test_what_is_heard_while_a_listing_is_read_wins_over_it(labelled: Registry) -> None:
    assert labelled.labels.record(1, [label(1, 1, "heard", at=11)]) == {"a"}
    assert labelled.labels.record(1, [label(1, 1, "listed", at=99)], seen_at=90) == set()
    assert labelled.labels.record(1, [label(1, 1, "listed", at=99)], seen_at=101) == {"a"}


def test_of_two_listings_the_one_that_began_later_wins(labelled: Registry) -> None:
    labelled.labels.record(1, [label(1, 1, "second")], seen_at=80)
    assert labelled.labels.record(1, [label(1, 1, "first")], seen_at=70) == set()


def test_the_same_listing_again_changes_nothing(labelled: Registry, clock: Clock) -> None:
    clock.now = 200
    listed = [label(1, 1, at=4e9)]
    labelled.labels.record(1, listed, seen_at=150)
    known = labelled.labels.known(1)
    clock.now = 300
    assert labelled.labels.record(1, listed, seen_at=250) == set()
    assert labelled.labels.known(1) == known


def test_a_clock_that_was_ahead_once_does_no_lasting_harm(labelled: Registry, clock: Clock) -> None:
    hour = 3600.0
    labelled.labels.record(1, [label(5, 1, "fast", at=100 + hour), label(6, 2, at=100 + hour)])
    assert labelled.labels.known(1) == {1: 10, 5: 100, 6: 100}, "a time in the future is that of the arrival"
    clock.now = 110
    assert labelled.labels.record(1, [label(5, 1, "corrected", at=109)]) == {"a"}
    labelled.labels.delete(1, [6])
    clock.now = 120
    assert labelled.labels.record(1, [label(6, 2, at=100 + hour)]) == set(), "a late copy brings nothing back"
    assert labelled.labels.record(1, [label(6, 2, "undone", at=119)]) == {"a"}
    assert [item.result[0]["value"] for item in labelled.labels.of_group(1, "a")] == [0, "corrected", "undone"]


def test_a_clock_that_is_a_little_ahead_keeps_the_order_of_its_events(labelled: Registry) -> None:
    labelled.labels.record(1, [label(1, 1, "second", at=130)])
    assert labelled.labels.record(1, [label(1, 1, "first", at=125)]) == set()


def test_a_label_that_changes_its_task_changes_both_groups(labelled: Registry) -> None:
    assert labelled.labels.record(1, [label(1, 3, at=11)]) == {"a", "b"}


def test_labels_are_listed_by_id(labelled: Registry) -> None:
    labelled.labels.record(1, [label(9, 1), label(4, 2), label(7, 1)])
    assert [item.id for item in labelled.labels.of_group(1, "a")] == [1, 4, 7, 9]


def test_a_change_makes_the_group_due_since_then(labelled: Registry, clock: Clock) -> None:
    group = labelled.groups.get(1, "a")
    assert group is not None
    assert (group.first_due, group.due_at) == (50.0, None)
    labelled.record_event(1, [], [label(2, 2)], "r", due_at=105.0)
    group = labelled.groups.get(1, "a")
    assert group is not None
    assert (group.first_due, group.due_at) == (50.0, 105.0)


@pytest.mark.parametrize(("due_at", "expected"), [(105.0, 105.0), (130.0, 120.0)])
def test_patience_bounds_the_due_time(registry: Registry, clock: Clock, due_at: float, expected: float) -> None:
    clock.now = 100.0
    registry.record_event(1, [task(1)], [label(1, 1)], "r", due_at, patience=20)
    clock.now = 103.0
    registry.record_event(1, [task(1)], [label(2, 1)], "r", due_at, patience=20)
    assert [group.due_at for group in registry.groups.all()] == [expected]


@dataclass
class Known:
    """What the model knows of a label."""

    task: int | None
    value: int
    skipped: bool
    updated_at: float
    deleted_at: float | None


TASKS, LABELS = st.integers(1, 4), st.integers(1, 5)
TIMES = st.integers(0, 30).map(float)
GROUPS = st.sampled_from(["a", "b", "c"])
EVENTS = st.tuples(LABELS, TASKS, st.integers(0, 2), st.booleans(), TIMES)
PROJECTS = count(1)


class Events(RuleBasedStateMachine):
    """A group changed exactly when the set of labels that a training would see is another one."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        super().__init__()
        self.registry, self.clock = registry, clock
        clock.now = 0.0
        self.project = next(PROJECTS)
        self.base = self.project * 100  # ids are unique over projects
        self.tasks: dict[int, str] = {}
        self.labels: dict[int, Known] = {}
        self.wanted: dict[str, int] = defaultdict(int)
        self.before: dict[str, set[tuple[int, int | None, int]]] = {}

    def seen_by_training(self) -> dict[str, set[tuple[int, int | None, int]]]:
        groups: dict[str, set[tuple[int, int | None, int]]] = defaultdict(set)
        for id, known in self.labels.items():
            if known.task in self.tasks and known.deleted_at is None and not known.skipped:
                groups[self.tasks[known.task]].add((id, known.task, known.value))
        return dict(groups)

    def check(self, changed: set[str]) -> None:
        after = self.seen_by_training()
        names = self.before.keys() | after.keys()
        assert changed == {name for name in names if self.before.get(name) != after.get(name)}
        for name in changed:
            self.wanted[name] += 1
        self.before = after

    def record(self, events: list[tuple[int, int, int, bool, float]]) -> list[LabelRecord]:
        for id, task_id, value, skipped, at in events:
            old = self.labels.get(id)
            known = Known(task_id, value, skipped, at, None)
            if old is None:
                self.labels[id] = known
            elif old.deleted_at is not None:
                if at > old.deleted_at:
                    self.labels[id] = known
            elif at >= old.updated_at:
                self.labels[id] = known
        return [
            LabelRecord(self.base + id, self.project, self.base + task_id, [{"v": value}], skipped, at)
            for id, task_id, value, skipped, at in events
        ]

    def bury(self, id: int) -> None:
        old = self.labels.setdefault(id, Known(None, 0, False, 0.0, None))
        if old.deleted_at is None:
            old.deleted_at = max(self.clock.now, old.updated_at)

    @rule(seconds=st.integers(1, 10))
    def wait(self, seconds: int) -> None:
        self.clock.now += seconds

    @rule(id=TASKS, group=GROUPS)
    def upsert_task(self, id: int, group: str) -> None:
        self.tasks[id] = group
        self.check(self.registry.tasks.upsert(self.project, [task(self.base + id, group, self.project)], "r"))

    @rule(id=TASKS)
    def delete_task(self, id: int) -> None:
        if self.tasks.pop(id, None) is not None:
            for label_id, known in self.labels.items():
                if known.task == id:
                    self.bury(label_id)
        self.check(self.registry.tasks.delete(self.project, [self.base + id]))

    @rule(events=st.lists(EVENTS, max_size=3, unique_by=lambda event: event[0]))
    def record_labels(self, events: list[tuple[int, int, int, bool, float]]) -> None:
        records = self.record(events)
        self.check(self.registry.labels.record(self.project, records))
        self.check(self.registry.labels.record(self.project, records))

    @rule(event=EVENTS, group=GROUPS)
    def record_event(self, event: tuple[int, int, int, bool, float], group: str) -> None:
        self.tasks[event[1]] = group
        seen = [task(self.base + event[1], group, self.project)]
        self.check(self.registry.record_event(self.project, seen, self.record([event]), "r", None))

    @rule(id=LABELS)
    def delete_label(self, id: int) -> None:
        self.bury(id)
        self.check(self.registry.labels.delete(self.project, [self.base + id]))

    @invariant()
    def same_labels_and_revisions(self) -> None:
        live = {self.base + id: known.updated_at for id, known in self.labels.items() if known.deleted_at is None}
        assert self.registry.labels.known(self.project) == live
        groups = {group.name: group for group in self.registry.groups.all(self.project)}
        assert set(self.tasks.values()) <= groups.keys()
        for name, group in groups.items():
            assert group.wanted == self.wanted[name]
            seen = {
                (item.id - self.base, item.task - self.base, item.result[0]["v"])
                for item in self.registry.labels.of_group(self.project, name)
            }
            assert seen == self.before.get(name, set())
            assert group.labelled == len({task_id for _, task_id, _ in seen})
            assert group.tasks == list(self.tasks.values()).count(name)


def test_any_sequence_of_events(registry: Registry, clock: Clock) -> None:
    run_state_machine_as_test(
        cast(Any, lambda: Events(registry, clock)),  # a factory serves as well
        settings=settings(
            max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
