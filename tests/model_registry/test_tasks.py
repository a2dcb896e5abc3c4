import math
from typing import Any

from model_registry import Registry, TaskRecord
from tests.model_registry.conftest import Clock, label, task


def wanted(registry: Registry) -> dict[str, int]:
    return {group.name: group.wanted for group in registry.groups.all(1)}


def test_nothing(registry: Registry) -> None:
    assert registry.tasks.upsert(1, [], "r") == set()
    assert registry.tasks.delete(1, []) == set()
    assert registry.tasks.delete(1, [5]) == set()
    assert registry.tasks.get(1, 5) is None
    assert registry.tasks.of_group(1, "a") == []
    registry.tasks.set_problem(1, 5, "none such")


def test_tasks_make_their_groups_without_asking_for_training(registry: Registry) -> None:
    assert registry.tasks.upsert(1, [task(2, "b"), task(1), task(3, "b")], "field video") == set()
    assert registry.tasks.of_group(1, "b") == [task(2, "b"), task(3, "b")]
    assert [(g.name, g.rule, g.tasks, g.state(0)) for g in registry.groups.all()] == [
        ("a", "field video", 1, "idle"),
        ("b", "field video", 2, "idle"),
    ]


def test_the_rule_is_the_last_one_that_chose(registry: Registry) -> None:
    registry.tasks.upsert(1, [task(1)], "field video")
    registry.tasks.upsert(1, [task(1)], "setting")
    assert [group.rule for group in registry.groups.all()] == ["setting"]


def test_equal_names_in_two_projects_are_two_groups(registry: Registry) -> None:
    registry.record_event(1, [task(1)], [label(1, 1)], "r", None)
    registry.tasks.upsert(2, [task(2, project=2)], "r")
    assert [(g.project, g.wanted, g.labelled) for g in registry.groups.all()] == [(1, 1, 1), (2, 0, 0)]


def test_odd_data_and_names_survive(registry: Registry) -> None:
    data: dict[Any, Any] = {"image": "ä\u0000\ud800", "t": math.inf, "n": 1e300, 3: [None, True]}
    name = "Ünï/§ 'quoted' \"name\" " * 20
    registry.tasks.upsert(1, [TaskRecord(1, 1, name, data)], "r")
    stored = {"image": "ä\u0000\ud800", "t": None, "n": 1e300, "3": [None, True]}
    assert registry.tasks.of_group(1, name) == [TaskRecord(1, 1, name, stored)]


def test_moving_a_labelled_task_changes_both_groups(registry: Registry) -> None:
    registry.record_event(1, [task(1), task(2)], [label(1, 1), label(2, 2, skipped=True)], "r", None)
    assert registry.tasks.upsert(1, [task(2, "b")], "r") == set()
    assert registry.tasks.upsert(1, [task(1, "b")], "r") == {"a", "b"}
    assert wanted(registry) == {"a": 2, "b": 1}
    assert [item.id for item in registry.labels.of_group(1, "b", include_skipped=True)] == [1, 2]


def test_labels_that_came_before_their_task(registry: Registry) -> None:
    assert registry.labels.record(1, [label(1, 1), label(2, 2, skipped=True)]) == set()
    assert registry.tasks.upsert(1, [task(1), task(2, "b")], "r") == {"a"}
    assert wanted(registry) == {"a": 1, "b": 0}


def test_problem_stays_until_the_data_change(registry: Registry) -> None:
    registry.tasks.upsert(1, [task(1)], "r")
    registry.tasks.set_problem(1, 1, "corrupt")
    registry.tasks.upsert(1, [task(1, "b")], "r")
    assert registry.tasks.of_group(1, "b")[0].problem == "corrupt"
    registry.tasks.upsert(1, [task(1, "b", extra=1)], "r")
    assert registry.tasks.of_group(1, "b")[0].problem is None


def test_delete_takes_the_labels_along_for_good(registry: Registry, clock: Clock) -> None:
    registry.record_event(1, [task(1), task(2)], [label(1, 1), label(2, 2)], "r", None)
    clock.now = 50
    assert registry.tasks.delete(1, [1, 1, 9]) == {"a"}
    assert (registry.tasks.ids(1), set(registry.labels.known(1))) == ({2}, {2})
    assert registry.record_event(1, [task(1)], [label(1, 1, "late", at=50)], "r", None) == set()
    assert set(registry.labels.known(1)) == {2}


def test_delete_after_an_old_list_keeps_newer_labels(registry: Registry) -> None:
    registry.record_event(1, [task(1)], [label(1, 1, at=30)], "r", None)
    assert registry.tasks.delete(1, [1], at=20) == set()
    assert registry.tasks.upsert(1, [task(1)], "r") == {"a"}
    assert set(registry.labels.known(1)) == {1}


def test_delete_of_another_projects_task_does_nothing(registry: Registry) -> None:
    registry.record_event(1, [task(1)], [label(1, 1)], "r", None)
    assert registry.tasks.delete(2, [1]) == set()
    assert (registry.tasks.ids(1), set(registry.labels.known(1))) == ({1}, {1})


def test_many_tasks(registry: Registry) -> None:
    many = [task(id, f"g{id % 7}") for id in range(1201)]
    registry.record_event(1, many, [label(id, id) for id in range(0, 1201, 2)], "r", None)
    assert len(registry.tasks.ids(1)) == 1201
    assert sum(group.labelled for group in registry.groups.all()) == 601
    assert registry.tasks.upsert(1, [task(id, "all") for id in range(1201)], "r") == {
        "all",
        *(f"g{i}" for i in range(7)),
    }
    assert registry.tasks.delete(1, range(1201)) == {"all"}
