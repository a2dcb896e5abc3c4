"""Single cases by name, then any sequence of transitions against a model that is a list."""

from itertools import count
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy.exc import IntegrityError

from backend.errors import LeaseLost, RegistryError
from model_registry import ArtifactRef, GroupRecord, Lease, Registry, VersionRecord, VersionState
from model_registry.records import PROJECT_GROUP
from tests.model_registry.conftest import Clock, label, task
from tests.model_registry.workers import begin

REF = ArtifactRef("ab/cd.safetensors", "0" * 64, 10)


@pytest.fixture
def held(registry: Registry) -> Registry:
    """Group a with one label, held by `me`."""
    registry.record_event(1, [task(1)], [label(1, 1)], "r", None)
    registry.leases.take(Lease(1, "a", "me"), 60)
    return registry


def promoted(registry: Registry, control: str = "boxes", ref: ArtifactRef = REF) -> VersionRecord:
    return registry.versions.promote(begin(registry, control).id, "me", ref, {"f1": 0.9}, 12.5)


def group_of(registry: Registry) -> GroupRecord:
    group = registry.groups.get(1, "a")
    assert group is not None
    return group


def test_nothing(registry: Registry) -> None:
    assert registry.versions.serving(1, "a") == {}
    assert registry.versions.get(1) is None
    assert registry.versions.history(1, "a") == []
    assert registry.retention.artifacts() == set()
    assert registry.retention.forget_artifacts(0) == 0
    with pytest.raises(RegistryError, match="no version of group 'a' of project 1 to go back to"):
        registry.versions.rollback(1, "a")
    with pytest.raises(RegistryError, match="no version 5"):
        registry.versions.promote(5, "me", REF, {}, 1)


def test_begin(held: Registry, clock: Clock) -> None:
    version = begin(held, previous=7, start="serving")
    assert version == held.versions.get(version.id)
    assert (version.number, version.state, version.previous, version.start) == (1, VersionState.TRAINING, 7, "serving")
    assert (version.head, version.recipe, version.created_at) == ("detection", {"steps": 3}, 1000.0)
    assert (version.artifact, version.reason, version.seconds, version.finished_at) == (None, None, None, None)
    assert held.versions.serving(1, "a") == {}
    assert [begin(held).number, begin(held, "points").number] == [2, 1]


def test_promote_replaces_the_serving_one_of_this_control_alone(held: Registry, clock: Clock) -> None:
    first, points = promoted(held), promoted(held, "points")
    clock.now = 1010.0
    second = promoted(held)
    assert (second.state, second.artifact, second.metrics, second.seconds) == ("serving", REF, {"f1": 0.9}, 12.5)
    assert second.finished_at == 1010.0
    assert held.versions.serving(1, "a") == {"boxes": second, "points": points}
    assert [(v.number, v.state.value) for v in held.versions.history(1, "a", "boxes")] == [
        (2, "serving"),
        (1, "superseded"),
    ]
    assert [v.id for v in held.versions.history(1, "a")] == [second.id, points.id, first.id]
    assert held.projects.seen(1).generation == 3


def test_reject_and_fail_leave_the_serving_one(held: Registry) -> None:
    serving = promoted(held)
    rejected = held.versions.reject(begin(held).id, "me", "worse", REF, {"f1": 0.1}, 3.0)
    failed = held.versions.fail(begin(held).id, "me", "out of memory")
    assert (rejected.state, rejected.reason, rejected.artifact) == ("rejected", "worse", REF)
    assert (failed.state, failed.reason, failed.artifact) == ("failed", "out of memory", None)
    assert held.versions.serving(1, "a") == {"boxes": serving}
    assert held.projects.seen(1).generation == 1


@pytest.mark.parametrize("first", ["promote", "reject", "fail", "interrupt"])
@pytest.mark.parametrize("second", ["promote", "reject", "fail", "interrupt"])
def test_a_version_ends_once(held: Registry, first: str, second: str) -> None:
    id = begin(held).id
    ends = {
        "promote": lambda: held.versions.promote(id, "me", REF, {}, 1),
        "reject": lambda: held.versions.reject(id, "me", "worse", None, {}, 1),
        "fail": lambda: held.versions.fail(id, "me", "broken"),
        "interrupt": lambda: held.versions.interrupt(id, "me", "newer labels"),
    }
    ended = ends[first]()
    with pytest.raises(RegistryError, match=f"is {ended.state}, expected training"):
        ends[second]()
    assert held.versions.get(id) == ended


def test_without_the_lease_nothing_is_written(held: Registry, clock: Clock) -> None:
    id = begin(held).id
    clock.now += 60
    held.leases.take(Lease(1, "a", "other"), 60)
    left = held.versions.get(id)
    assert left is not None
    assert (left.state, left.reason) == ("interrupted", "the worker ended before it finished")
    for write in (
        lambda: begin(held),
        lambda: held.versions.promote(id, "me", REF, {}, 1),
        lambda: held.versions.reject(id, "me", "worse", REF, {}, 1),
        lambda: held.versions.fail(id, "me", "broken"),
    ):
        with pytest.raises(LeaseLost):
            write()
    assert held.versions.history(1, "a") == [left]
    assert held.projects.seen(1).generation == 0


def test_what_serves_in_other_groups_for_the_same(registry: Registry) -> None:
    registry.record_event(1, [task(1, "a"), task(2, "b")], [label(1, 1)], "r", None)
    registry.record_event(2, [task(3, "c", project=2)], [], "r", None)
    registry.groups.request_project_jobs(1)
    made = {}
    for project, group in ((1, "a"), (1, "b"), (1, PROJECT_GROUP), (2, "c")):
        registry.leases.take(Lease(project, group, "me"), 60)
        for _ in range(2):
            id = begin(registry, project=project, group=group).id
            made[group] = registry.versions.promote(id, "me", REF, {}, 1.0)
    fingerprint = made["a"].fingerprint
    assert registry.versions.serving_alike(1, "boxes", fingerprint, 9) == [made["b"], made["a"]]
    assert registry.versions.serving_alike(1, "boxes", fingerprint, 1) == [made["b"]]
    assert registry.versions.serving_alike(1, "points", fingerprint, 9) == []
    assert registry.versions.serving_alike(1, "boxes", "other", 9) == []


def test_rollback_serves_the_one_before_and_publishes_again(held: Registry) -> None:
    first, second = promoted(held), promoted(held)
    held.groups.mark_trained(Lease(1, "a", "me"), 1, 1)
    held.groups.mark_published(Lease(1, "a", "me"), 1)
    assert group_of(held).state(1000) == "idle"
    [back] = held.versions.rollback(1, "a")
    assert (back.id, back.state) == (first.id, "serving")
    gone = held.versions.get(second.id)
    assert gone is not None
    assert (gone.state, gone.reason) == ("superseded", "rolled back to version 1")
    group = group_of(held)
    assert (group.state(1000), group.wanted == group.trained, group.lease_owner) == ("queued", True, None)
    assert held.projects.seen(1).generation == 3
    assert [g.name for g in held.groups.pending(1000)] == ["a"]


def test_rollback_ends_a_publish_that_is_under_way(held: Registry) -> None:
    promoted(held)
    promoted(held)
    held.groups.mark_trained(Lease(1, "a", "me"), 1, 1)
    held.versions.rollback(1, "a")
    with pytest.raises(LeaseLost):
        held.groups.mark_published(Lease(1, "a", "me"), 1)


def test_rollback_goes_further_back_each_time_and_never_to_a_rolled_back_one(held: Registry) -> None:
    promoted(held)
    promoted(held)
    promoted(held)
    assert [held.versions.rollback(1, "a")[0].number for _ in range(2)] == [2, 1]
    with pytest.raises(RegistryError, match="to go back to"):
        held.versions.rollback(1, "a")
    held.leases.take(Lease(1, "a", "me"), 60)
    assert promoted(held).number == 4
    assert held.versions.rollback(1, "a")[0].number == 1


def test_rollback_of_one_control_or_of_those_that_can(held: Registry) -> None:
    [promoted(held, control) for control in ("boxes", "boxes", "points", "points", "new")]
    assert [v.control for v in held.versions.rollback(1, "a", "points")] == ["points"]
    assert [v.control for v in held.versions.rollback(1, "a")] == ["boxes"]
    with pytest.raises(RegistryError, match="control 'new'"):
        held.versions.rollback(1, "a", "new")
    assert {c: v.number for c, v in held.versions.serving(1, "a").items()} == {"boxes": 1, "points": 1, "new": 1}


def test_rollback_needs_an_artifact(held: Registry) -> None:
    promoted(held)
    promoted(held)
    held.retention.forget_artifacts(keep=0)
    with pytest.raises(RegistryError, match="with an artifact"):
        held.versions.rollback(1, "a")
    assert held.versions.serving(1, "a")["boxes"].number == 2


def test_forget_artifacts_keeps_what_serves_and_the_ways_back(held: Registry) -> None:
    refs = [ArtifactRef(f"{n}", "0" * 64, n) for n in range(7)]
    for ref in refs[:5]:
        promoted(held, ref=ref)
    held.versions.rollback(1, "a")  # 4 is no way back any more, 3 serves
    held.leases.take(Lease(1, "a", "me"), 60)
    held.versions.reject(begin(held).id, "me", "worse", refs[5], {}, 1)
    promoted(held, "points", refs[6])
    assert held.retention.artifacts() == {"0", "1", "2", "3", "4", "5", "6"}
    assert held.retention.forget_artifacts(keep=2) == 3
    assert held.retention.artifacts() == {"1", "2", "3", "6"}
    assert held.retention.forget_artifacts(keep=2) == 0


def test_the_database_itself_refuses_a_second_serving_version(held: Registry) -> None:
    promoted(held)
    promoted(held)
    with pytest.raises(IntegrityError), held._database.writing() as connection:
        connection.exec_driver_sql("UPDATE versions SET state = 'serving'")


CONTROLS = st.sampled_from(["boxes", "points"])
PROJECTS = count(1)


class Transitions(RuleBasedStateMachine):
    """The model is, for each micro-model, the stack of numbers that served and were not rolled back."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        super().__init__()
        self.registry, self.clock = registry, clock
        self.project = next(PROJECTS)
        registry.tasks.upsert(self.project, [task(self.project, project=self.project)], "r")
        self.training: dict[int, str] = {}
        self.numbers = {"boxes": 0, "points": 0}
        self.ways: dict[str, list[int]] = {"boxes": [], "points": []}
        self.states: dict[int, str] = {}
        self.generation = 0
        self.take()

    def take(self) -> None:
        assert self.registry.leases.take(Lease(self.project, "a", "me"), 60)
        self.states |= dict.fromkeys(self.training, "interrupted")
        self.training.clear()

    @rule(control=CONTROLS)
    def begin(self, control: str) -> None:
        version = self.registry.versions.begin(
            Lease(self.project, "a", "me"),
            control,
            "detection",
            label_revision=1,
            labels=1,
            fingerprint="f",
            recipe={},
            previous=None,
            start="backbone",
        )
        self.numbers[control] += 1
        assert version.number == self.numbers[control]
        self.training[version.id] = control
        self.states[version.id] = "training"

    @rule(end=st.sampled_from(["promote", "reject", "fail", "interrupt"]), data=st.data())
    def end(self, end: str, data: st.DataObject) -> None:
        if not self.training:
            return
        id = data.draw(st.sampled_from(sorted(self.training)))
        control = self.training.pop(id)
        if end == "promote":
            version = self.registry.versions.promote(id, "me", REF, {}, 1)
            self.ways[control].append(version.number)
            self.generation += 1
            for other, state in self.states.items():
                known = self.registry.versions.get(other)
                assert known is not None
                if state == "serving" and known.control == control:
                    self.states[other] = "superseded"
            self.states[id] = "serving"
        elif end == "reject":
            self.registry.versions.reject(id, "me", "worse", REF, {}, 1)
            self.states[id] = "rejected"
        elif end == "fail":
            self.registry.versions.fail(id, "me", "broken")
            self.states[id] = "failed"
        else:
            self.registry.versions.interrupt(id, "me", "newer labels came")
            self.states[id] = "interrupted"

    @rule(control=CONTROLS)
    def rollback(self, control: str) -> None:
        ways = self.ways[control]
        if len(ways) < 2:
            with pytest.raises(RegistryError):
                self.registry.versions.rollback(self.project, "a", control)
            return
        serving = self.registry.versions.serving(self.project, "a")[control]
        # Trainings may end in any order: back means the newest number that is left.
        ways.remove(serving.number)
        [back] = self.registry.versions.rollback(self.project, "a", control)
        assert back.number == max(ways)
        ways.remove(back.number)
        ways.append(back.number)
        self.states |= {serving.id: "superseded", back.id: "serving"}
        self.generation += 1
        self.take()

    @rule()
    def lose_the_lease(self) -> None:
        self.clock.now += 60
        self.take()

    @invariant()
    def one_serves(self) -> None:
        serving = self.registry.versions.serving(self.project, "a")
        assert {c: v.number for c, v in serving.items()} == {c: ways[-1] for c, ways in self.ways.items() if ways}
        history = self.registry.versions.history(self.project, "a")
        assert {version.id: version.state.value for version in history} == self.states
        assert self.registry.projects.seen(self.project).generation == self.generation


def test_any_sequence_of_transitions(registry: Registry, clock: Clock) -> None:
    run_state_machine_as_test(
        cast(Any, lambda: Transitions(registry, clock)),  # a factory serves as well
        settings=settings(
            max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
