import pytest

from backend.errors import LeaseLost, RegistryError
from model_registry import STOPPED, GroupRecord, Lease, Registry
from model_registry.records import PROJECT_GROUP
from tests.model_registry.conftest import Clock, label, task


@pytest.fixture
def queued(registry: Registry, clock: Clock) -> Registry:
    """Group a with one label at revision 1, held by `me`; time 1000."""
    registry.record_event(1, [task(1), task(2)], [label(1, 1)], "r", None)
    registry.leases.take(Lease(1, "a", "me"), 60)
    return registry


def get(registry: Registry) -> GroupRecord:
    group = registry.groups.get(1, "a")
    assert group is not None
    return group


def test_nothing(registry: Registry) -> None:
    assert registry.groups.get(1, "a") is None
    assert registry.groups.all() == registry.groups.pending(0) == []
    registry.groups.progress(Lease(1, "a", "me"), "training", 0.5, None)
    with pytest.raises(RegistryError, match="no group 'a' in project 1"):
        registry.groups.force(1, "a")
    registry.groups.postpone(1, ["a"], 1, 2)
    assert registry.groups.all() == []


def test_the_whole_way(queued: Registry, clock: Clock) -> None:
    assert get(queued).state(1000) == "queued"
    queued.groups.progress(Lease(1, "a", "me"), "training", 0.25, 30.0)
    assert (get(queued).state(1000), get(queued).progress, get(queued).seconds_left) == ("training", 0.25, 30.0)
    queued.groups.mark_trained(Lease(1, "a", "me"), 1, 1, "kept the old one")
    queued.groups.progress(Lease(1, "a", "me"), "publishing", None, None)
    assert get(queued).state(1000) == "publishing"
    queued.groups.mark_published(Lease(1, "a", "me"), 1)
    queued.leases.release(Lease(1, "a", "me"))
    assert get(queued) == GroupRecord(
        1,
        "a",
        "r",
        tasks=2,
        labelled=1,
        wanted=1,
        trained=1,
        published=1,
        trained_labels=1,
        reason="kept the old one",
        remark="kept the old one",
    )
    assert get(queued).state(1000) == "idle"
    assert queued.groups.pending(1e9) == []


def test_labels_that_come_during_the_training_keep_the_group_due(queued: Registry, clock: Clock) -> None:
    queued.record_event(1, [], [label(2, 2)], "r", due_at=1010.0)
    queued.groups.mark_trained(Lease(1, "a", "me"), 1, 1)
    queued.groups.mark_published(Lease(1, "a", "me"), 1)
    queued.leases.release(Lease(1, "a", "me"))
    group = get(queued)
    assert (group.state(1000), group.trained_labels, group.first_due, group.due_at) == ("queued", 1, 1000.0, 1010.0)


def test_postpone_waits_for_quiet_but_not_for_ever(queued: Registry, clock: Clock) -> None:
    for now, due in ((1000, 1001), (1001, 1002), (1019.5, 1020), (1030, 1020)):
        clock.now = now
        queued.groups.postpone(1, ["a"], quiet=1, patience=20)
        assert get(queued).due_at == due


def test_pending_is_due_and_free_and_the_longest_waiting_first(registry: Registry, clock: Clock) -> None:
    for number, name in enumerate(["late", "early", "held", "later", "idle"]):
        seen = [] if name == "idle" else [label(number, number)]
        clock.now = {"early": 900.0}.get(name, 1000.0)
        registry.record_event(1, [task(number, name)], seen, "r", 2000.0 if name == "later" else None)
    clock.now = 1000.0
    registry.leases.take(Lease(1, "held", "me"), 60)
    assert [group.name for group in registry.groups.pending(1000)] == ["early", "late"]
    assert [group.name for group in registry.groups.pending(1060)] == ["early", "held", "late"]
    assert [group.name for group in registry.groups.pending(2000)] == ["early", "held", "late", "later"]


def test_pending_says_the_same_as_state(registry: Registry, clock: Clock) -> None:
    registry.tasks.upsert(1, [task(n, f"g{n}") for n in range(5)], "r")
    registry.labels.record(1, [label(n, n) for n in range(1, 5)])
    for name in ("g2", "g3", "g4"):
        registry.leases.take(Lease(1, name, "me"), 10)
    registry.groups.mark_failed(Lease(1, "g2", "me"), 1, "no", 1000.0)
    registry.groups.mark_trained(Lease(1, "g3", "me"), 1, 1)
    registry.groups.mark_trained(Lease(1, "g4", "me"), 1, 1)
    registry.groups.mark_published(Lease(1, "g4", "me"), 1)
    clock.now = 1020
    states = {group.name: group.state(1020) for group in registry.groups.all()}
    assert states == {"g0": "idle", "g1": "queued", "g2": "failed", "g3": "queued", "g4": "idle"}
    assert {group.name for group in registry.groups.pending(1020)} == {"g1", "g2", "g3"}


def test_failure_waits_for_its_retry_time(queued: Registry) -> None:
    queued.groups.progress(Lease(1, "a", "me"), "training", 0.5, 1)
    for attempt in (1, 2):
        queued.groups.mark_failed(Lease(1, "a", "me"), 1, "out of memory", 1000.0 + 100 * attempt)
        group = get(queued)
        assert (group.attempts, group.reason, group.due_at, group.phase) == (
            attempt,
            "out of memory",
            1000 + 100 * attempt,
            None,
        )
    queued.leases.release(Lease(1, "a", "me"))
    assert get(queued).state(1000) == "failed"
    assert queued.groups.pending(1199) == []
    assert len(queued.groups.pending(1200)) == 1


@pytest.mark.parametrize("by", ["label", "force"])
def test_failure_for_good_ends_with_new_labels_or_by_force(queued: Registry, clock: Clock, by: str) -> None:
    queued.groups.mark_failed(Lease(1, "a", "me"), 1, "impossible", None)
    queued.leases.release(Lease(1, "a", "me"))
    assert queued.groups.pending(1e12) == []
    clock.now = 2000.0
    if by == "label":
        queued.labels.record(1, [label(2, 2)])
        assert get(queued).first_due == 2000.0
    else:
        queued.groups.force(1, "a")
    assert [group.state(2000) for group in queued.groups.pending(2000)] == ["queued"]


def test_failure_does_not_delay_labels_that_came_meanwhile(queued: Registry) -> None:
    queued.record_event(1, [], [label(2, 2)], "r", due_at=1001.0)
    queued.groups.mark_failed(Lease(1, "a", "me"), 1, "no", 9999.0)
    queued.leases.release(Lease(1, "a", "me"))
    assert (get(queued).due_at, get(queued).state(1000)) == (1001.0, "queued")


def test_success_forgets_the_failure(queued: Registry) -> None:
    queued.groups.mark_failed(Lease(1, "a", "me"), 1, "Label Studio is away", 1100.0)
    queued.groups.mark_trained(Lease(1, "a", "me"), 1, 1)
    queued.groups.mark_published(Lease(1, "a", "me"), 1)
    group = get(queued)
    assert (group.state(1000), group.attempts, group.failed_revision, group.reason) == ("idle", 0, None, None)


def test_force_an_idle_group(queued: Registry) -> None:
    queued.groups.mark_trained(Lease(1, "a", "me"), 1, 1)
    queued.groups.mark_published(Lease(1, "a", "me"), 1)
    queued.leases.release(Lease(1, "a", "me"))
    queued.groups.force(1, "a")
    assert [group.forced for group in queued.groups.pending(1000)] == [True]
    queued.leases.take(Lease(1, "a", "me"), 60)
    queued.groups.mark_trained(Lease(1, "a", "me"), 1, 1)
    assert get(queued).state(1000) == "idle"


def test_writes_of_a_worker_that_lost_its_lease(queued: Registry, clock: Clock) -> None:
    clock.now = 1060
    assert queued.leases.take(Lease(1, "a", "other"), 60)
    before = get(queued)
    with pytest.raises(LeaseLost, match="held by 'other'"):
        queued.groups.mark_trained(Lease(1, "a", "me"), 1, 1)
    with pytest.raises(LeaseLost):
        queued.groups.mark_published(Lease(1, "a", "me"), 1)
    queued.leases.release(Lease(1, "a", "other"))
    with pytest.raises(LeaseLost, match="released"):
        queued.groups.mark_failed(Lease(1, "a", "me"), 1, "no", None)
    queued.leases.take(Lease(1, "a", "other"), 60)
    queued.groups.progress(Lease(1, "a", "me"), "training", 0.9, None)
    assert get(queued) == before
    queued.projects.delete(1)
    with pytest.raises(LeaseLost, match="the group is gone"):
        queued.groups.mark_trained(Lease(1, "a", "me"), 1, 1)


def test_what_is_for_the_whole_project_comes_last_and_gives_way(registry: Registry, clock: Clock) -> None:
    assert not registry.groups.request_project_jobs(1), "nothing is known of the project"
    registry.record_event(1, [task(1, "a"), task(3, "a")], [label(1, 1)], "r", due_at=1005.0)
    assert not registry.groups.request_project_jobs(1), "one group is the whole project"
    registry.record_event(1, [task(2, "b")], [], "r", None)
    assert registry.groups.request_project_jobs(1)
    assert registry.groups.request_project_jobs(1)
    assert [group.name for group in registry.groups.pending(2000)] == ["a", PROJECT_GROUP]
    assert not registry.groups.waits(1004, "me")
    assert registry.groups.waits(1005, "me")
    registry.leases.take(Lease(1, "a", "me"), 60)
    assert registry.groups.waits(1005, "me"), "held by the one who asks"
    assert not registry.groups.waits(1005, "other")
    registry.groups.mark_trained(Lease(1, "a", "me"), 1, 1)
    registry.groups.mark_published(Lease(1, "a", "me"), 1)
    assert not registry.groups.waits(1e9, "me"), "the project itself is no reason to give way"
    common = registry.groups.get(1, PROJECT_GROUP)
    assert common is not None
    assert (common.wanted, common.tasks, common.state(1000)) == (1, 0, "queued"), "called twice, and nobody had begun"
    registry.leases.take(Lease(1, PROJECT_GROUP, "me"), 60)
    assert registry.groups.request_project_jobs(1)
    common = registry.groups.get(1, PROJECT_GROUP)
    assert common is not None
    assert common.wanted == 2, "news for who has begun already"


def due(registry: Registry, now: float, until: float = 0) -> tuple[str, float] | None:
    found = registry.groups.next(now, until or now, soon=2)
    return found[1:] if found else None


def test_who_is_next(registry: Registry, clock: Clock) -> None:
    assert due(registry, 1e9) is None
    registry.record_event(1, [task(1, "late")], [label(1, 1)], "r", due_at=1007.0)
    registry.record_event(1, [task(2, "soon")], [label(2, 2)], "r", due_at=1003.0)
    assert due(registry, 1000) is None
    assert due(registry, 1000, 1005) == ("soon", 1003.0)
    assert due(registry, 1010) == ("late", 1007.0), "who waits longest"
    registry.groups.force(1, "soon")
    assert due(registry, 1010) == ("soon", 0.0), "what a person ordered comes first"
    assert [group.name for group in registry.groups.pending(1010)] == ["soon", "late"]
    registry.leases.take(Lease(1, "soon", "me"), 60)
    assert due(registry, 1010) == ("late", 1007.0)
    registry.leases.take(Lease(1, "late", "me"), 60)
    assert due(registry, 1010) is None
    assert due(registry, 1061) == ("soon", 0.0), "its worker gave no sign of life"


def test_what_is_for_the_whole_project_waits_for_who_is_due_soon(registry: Registry, clock: Clock) -> None:
    registry.record_event(1, [task(1, "a"), task(2, "b")], [label(1, 1)], "r", due_at=1001.0)
    registry.groups.request_project_jobs(1)
    assert due(registry, 1000, 1005) == ("a", 1001.0)
    assert due(registry, 990, 995) == (PROJECT_GROUP, 0.0)
    registry.groups.force(1, "b")
    assert due(registry, 990, 995) == ("b", 0.0)


def test_a_group_in_which_nothing_is_left_to_predict_comes_after_those_that_wait(
    registry: Registry, clock: Clock
) -> None:
    registry.record_event(1, [task(1, "full")], [label(1, 1)], "r", due_at=1001.0)
    registry.record_event(1, [task(2, "open"), task(3, "open")], [label(2, 2)], "r", due_at=1003.0)
    assert due(registry, 1000, 1005) == ("full", 1001.0), "the other is not due for a while"
    assert due(registry, 1002, 1005) == ("open", 1003.0), "it is due in a moment"
    assert due(registry, 1010) == ("open", 1003.0)
    assert [group.name for group in registry.groups.pending(1010)] == ["open", "full"]
    registry.leases.take(Lease(1, "full", "me"), 60)
    assert not registry.groups.waits(1002, "me"), "itself is no reason to give way"
    assert registry.groups.waits(1003, "me")
    registry.groups.force(1, "full")
    assert registry.groups.pending(1e9)[0].name == "full", "a person asked for it"


def test_a_skipped_task_is_left_to_predict_and_a_whole_video_always(registry: Registry, clock: Clock) -> None:
    registry.record_event(1, [task(1, "skipped")], [label(1, 1, skipped=True)], "r", None)
    registry.record_event(1, [task(2, "full")], [label(2, 2)], "r", None)
    registry.groups.force(1, "skipped")
    registry.projects.configure(2, config='<View><Video name="v" value="$video"/></View>')
    registry.record_event(2, [task(1, "film")], [label(1, 1)], "r", None)
    assert [group.name for group in registry.groups.pending(2000)] == ["skipped", "film", "full"]


def test_one_group_that_is_gone_keeps_no_other_from_being_ordered(registry: Registry, clock: Clock) -> None:
    registry.record_event(1, [task(1, "a"), task(2, "b")], [], "r", None)
    registry.groups.force(1)
    registry.groups.postpone(1, [], 1, 2)
    assert registry.groups.pending(1000) == []
    with pytest.raises(RegistryError, match="no group 'c'"):
        registry.groups.force(1, "a", "c", "b")
    assert [group.name for group in registry.groups.pending(1000)] == ["a", "b"]
    registry.groups.postpone(1, ["a", "c", "b"], quiet=5, patience=60)
    assert [group.due_at for group in registry.groups.all(1)] == [1005.0, 1005.0]


def test_nothing_of_a_project_that_is_stopped_is_pending(queued: Registry) -> None:
    assert queued.groups.waits(1e9, "me")
    before = queued.groups.pending(1e9)
    assert before
    queued.projects.configure(before[0].project, settings={STOPPED: "removed"})
    assert queued.groups.pending(1e9) == []
    assert not queued.groups.waits(1e9, "me")
    queued.projects.configure(before[0].project, settings={STOPPED: None})
    assert queued.groups.pending(1e9) == before
