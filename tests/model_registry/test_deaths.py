"""A group that ends its workers is set aside; everything else is none of its business."""

import pytest

from model_registry import GroupRecord, Lease, Registry, VersionState
from model_registry.group_rows import ASIDE_SECONDS
from model_registry.records import PROJECT_GROUP
from tests.model_registry.conftest import Clock, label, task
from tests.model_registry.workers import begin

WATCHED, UNWATCHED = "host:7", "host:7:0a1b2c3d"
WORK = "its training (12 labelled frames of up to 1920 x 1080 pixels, 300 others)"


@pytest.fixture
def queued(registry: Registry) -> Registry:
    registry.record_event(1, [task(1), task(2, "b")], [label(10, 1), label(11, 2)], "r", None)
    return registry


def get(registry: Registry, name: str = "a") -> GroupRecord:
    found = registry.groups.get(1, name)
    assert found is not None
    return found


def die(registry: Registry, clock: Clock, owner: str = WATCHED, work: str | None = WORK) -> None:
    """A worker takes the group, begins, and its process is gone: its server says so, or its lease runs out."""
    assert registry.leases.take(Lease(1, "a", owner), 20)
    if work:
        registry.groups.progress(Lease(1, "a", owner), "training", 0.0, None, work)
    begin(registry, owner=owner)
    if owner == WATCHED:
        assert registry.leases.release_owner(owner, died=True) == 1
    else:
        clock.now += 21
        registry.leases.take(Lease(1, "a", "next"), 20)
        registry.leases.release(Lease(1, "a", "next"))


@pytest.mark.parametrize("owner", [WATCHED, UNWATCHED])
def test_two_deaths_at_the_same_labels_set_it_aside_with_the_reason(queued: Registry, clock: Clock, owner: str) -> None:
    die(queued, clock, owner)
    assert (get(queued).state(clock.now), get(queued).deaths) == ("queued", 1)
    die(queued, clock, owner)
    found = get(queued)
    assert found.state(clock.now) == "failed"
    assert found.is_aside(clock.now)
    assert found.reason is not None
    assert found.reason.startswith(f"set aside: {WORK} ended the worker 2 times, probably out of memory")
    assert found.lease_owner is None
    assert [group.name for group in queued.groups.pending(clock.now)] == ["b"]
    assert {version.state for version in queued.versions.history(1, "a")} == {VersionState.INTERRUPTED}
    clock.now += ASIDE_SECONDS + 1
    assert [group.name for group in queued.groups.pending(clock.now)] == ["b", "a"]


def test_who_finds_out_that_it_is_fatal_does_not_get_it(queued: Registry, clock: Clock) -> None:
    die(queued, clock, UNWATCHED)
    assert queued.leases.take(Lease(1, "a", UNWATCHED), 20)
    queued.groups.note_work(Lease(1, "a", UNWATCHED), WORK)
    clock.now += 21
    assert not queued.leases.take(Lease(1, "a", "next"), 20)
    assert get(queued).is_aside(clock.now)
    assert get(queued).lease_owner is None


@pytest.mark.parametrize("what", ["labels", "train now"])
def test_new_labels_or_a_person_have_it_tried_once_more(queued: Registry, clock: Clock, what: str) -> None:
    die(queued, clock)
    die(queued, clock)
    if what == "labels":
        queued.record_event(1, [task(3)], [label(12, 3)], "r", None)
    else:
        queued.groups.force(1, "a")
    assert get(queued).state(clock.now) == "queued"
    assert "a" in [group.name for group in queued.groups.pending(clock.now)]
    die(queued, clock)
    assert get(queued).is_aside(clock.now)


def test_two_deaths_at_different_labels_are_chance(queued: Registry, clock: Clock) -> None:
    for n in range(5):
        die(queued, clock)
        queued.record_event(1, [task(20 + n)], [label(30 + n, 20 + n)], "r", None)
    assert get(queued).state(clock.now) == "queued"
    assert get(queued).deaths == 1


def test_success_forgets_the_deaths(queued: Registry, clock: Clock) -> None:
    die(queued, clock)
    queued.leases.take(Lease(1, "a", WATCHED), 20)
    queued.groups.mark_trained(Lease(1, "a", WATCHED), get(queued).wanted, 1)
    assert get(queued).deaths == 1  # what it does with the new version may end the next one
    queued.groups.mark_published(Lease(1, "a", WATCHED), get(queued).trained)
    assert get(queued).deaths == 0


def test_a_worker_that_was_told_to_stop_or_was_at_nothing_does_not_count(queued: Registry, clock: Clock) -> None:
    for _ in range(3):
        die(queued, clock, work=None)
        assert queued.leases.take(Lease(1, "a", WATCHED), 20)
        queued.groups.progress(Lease(1, "a", WATCHED), "training", 0.5, None, WORK)
        queued.leases.release_owner(WATCHED)
    assert get(queued).deaths == 0
    assert get(queued).state(clock.now) == "queued"


def test_a_lease_that_runs_out_because_the_server_ended_too_says_nothing(queued: Registry, clock: Clock) -> None:
    for _ in range(3):
        assert queued.leases.take(Lease(1, "a", WATCHED), 20)
        queued.groups.note_work(Lease(1, "a", WATCHED), WORK)
        clock.now += 21
    assert queued.leases.take(Lease(1, "a", UNWATCHED), 20)
    assert get(queued).deaths == 0


def test_a_project_that_ends_workers_is_not_called_again_at_once(queued: Registry, clock: Clock) -> None:
    assert queued.groups.request_project_jobs(1)
    for _ in range(2):
        queued.leases.take(Lease(1, PROJECT_GROUP, WATCHED), 20)
        queued.groups.note_work(Lease(1, PROJECT_GROUP, WATCHED), "the training of the network over 2 groups")
        queued.leases.release_owner(WATCHED, died=True)
    assert not queued.groups.request_project_jobs(1)
    clock.now += ASIDE_SECONDS + 1
    assert queued.groups.request_project_jobs(1)
