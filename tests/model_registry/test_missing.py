import pytest

from model_registry import Registry
from tests.model_registry.conftest import Clock, label, task


@pytest.fixture
def three(registry: Registry) -> Registry:
    registry.record_event(1, [task(id) for id in (1, 2, 3)], [label(id, id) for id in (1, 2, 3)], "r", None)
    return registry


@pytest.mark.parametrize("kind", ["tasks", "labels"])
def test_since_when_something_is_missing(three: Registry, kind: str) -> None:
    part = getattr(three, kind)
    assert part.note_missing(1, [], 10.0) == {}
    assert part.note_missing(1, [1], 20.0) == {1: 20.0}
    assert part.note_missing(1, {1, 2}, 30.0) == {1: 20.0, 2: 30.0}
    assert part.note_missing(1, [2], 40.0) == {2: 30.0}, "what was listed meanwhile"
    assert part.note_missing(1, [1, 2], 50.0) == {1: 50.0, 2: 30.0}, "starts afresh"


def test_noting_changes_nothing_else(three: Registry) -> None:
    before = three.groups.all()
    three.tasks.note_missing(1, [1], 20.0)
    three.labels.note_missing(1, [1], 20.0)
    assert three.groups.all() == before
    assert three.labels.tasks(1) == {1: 1, 2: 2, 3: 3}


def test_a_label_that_was_heard_of_again_is_not_missing(three: Registry) -> None:
    three.labels.note_missing(1, [1], 20.0)
    three.labels.record(1, [label(1, 1, "new", at=11)])
    assert three.labels.note_missing(1, [1], 30.0) == {1: 30.0}


def test_a_project_is_gone_when_that_was_said_twice_with_time_between(three: Registry) -> None:
    note = three.projects.note_missing
    assert (note(1, 100.0, 50.0).missing_since, note(1, 149.0, 50.0).gone) == (100.0, False)
    record = note(1, 150.0, 50.0)
    assert (record.gone, record.missing_since, record.gone_since) == (True, 100.0, 100.0)
    assert note(1, 400.0, 50.0).gone_since == 100.0
    three.projects.note_found(1)
    assert three.projects.get(1) == three.projects.seen(1)
    assert (three.projects.seen(1).missing_since, three.projects.seen(1).gone) == (None, False)
    assert note(1, 410.0, 50.0).missing_since == 410.0, "starts afresh"


def test_the_groups_of_a_project_that_is_gone_are_left_alone_and_kept(three: Registry, clock: Clock) -> None:
    assert [g.name for g in three.groups.pending(clock.now)] == ["a"]
    three.projects.note_missing(1, 100.0, 0.0)
    assert three.groups.pending(clock.now) == []
    assert not three.groups.waits(clock.now, "me")
    assert three.listing.groups() == ([], 0)
    assert [row.record.name for row in three.listing.groups(1)[0]] == ["a"]
    assert set(three.labels.known(1)) == {1, 2, 3}
    three.projects.note_found(1)
    assert [g.name for g in three.groups.pending(clock.now)] == ["a"]
