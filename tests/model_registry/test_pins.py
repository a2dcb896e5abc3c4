import pytest

from backend.errors import RegistryError
from model_registry import ArtifactRef, Lease, Registry, VersionRecord
from tests.model_registry.conftest import label, task
from tests.model_registry.workers import begin

REF = ArtifactRef("ab/cd.safetensors", "0" * 64, 10)


@pytest.fixture
def held(registry: Registry) -> Registry:
    """Group a with one label, held by `me`."""
    registry.record_event(1, [task(1)], [label(1, 1)], "r", None)
    registry.leases.take(Lease(1, "a", "me"), 60)
    return registry


def promoted(registry: Registry, control: str = "boxes", ref: ArtifactRef = REF) -> VersionRecord:
    registry.leases.take(Lease(1, "a", "me"), 60)
    return registry.versions.promote(begin(registry, control).id, "me", ref, {"f1": 0.9}, 12.5)


def test_nothing(held: Registry) -> None:
    assert held.versions.pins(1, "a") == held.versions.pins(9, "x") == {}
    assert held.versions.unpin(1, "a") == []
    with pytest.raises(RegistryError, match="none can be pinned"):
        held.versions.pin(1, "a")


def test_a_pinned_version_serves_on(held: Registry) -> None:
    first = promoted(held)
    held.versions.pin(1, "a")
    second = promoted(held)
    assert (second.state, second.artifact) == ("rejected", REF)
    assert second.reason is not None
    assert "pinned to version 1" in second.reason
    assert held.versions.serving(1, "a")["boxes"].id == first.id
    assert held.versions.unpin(1, "a") == ["boxes"]
    assert promoted(held).state == "serving"


def test_one_control_is_pinned(held: Registry) -> None:
    boxes, points = promoted(held), promoted(held, "points")
    held.versions.pin(1, "a", "points")
    assert held.versions.pins(1, "a") == {"points": points.id}
    assert promoted(held).state == "serving"
    assert promoted(held, "points").state == "rejected"
    held.versions.pin(1, "a")
    assert held.versions.pins(1, "a").keys() == {"boxes", "points"}
    assert held.versions.unpin(1, "a", "points") == ["points"]
    assert held.versions.pins(1, "a")["boxes"] > boxes.id


def test_pinning_another_version_lets_it_serve_and_takes_the_group_from_its_worker(held: Registry) -> None:
    first, second = promoted(held), promoted(held)
    held.groups.mark_trained(Lease(1, "a", "me"), 1, 1)
    held.groups.mark_published(Lease(1, "a", "me"), 1)
    [back] = held.versions.pin(1, "a", "boxes", 1)
    assert (back.id, back.state) == (first.id, "serving")
    group = held.groups.get(1, "a")
    assert group is not None
    assert (group.lease_owner, group.published == group.trained) == (None, False)
    gone = held.versions.get(second.id)
    assert gone is not None
    assert (gone.state, gone.reason) == ("superseded", "version 1 was pinned")


def test_a_version_that_cannot_serve_is_not_pinned(held: Registry) -> None:
    promoted(held)
    held.versions.fail(begin(held).id, "me", "broken")
    for number, said in ((2, "it is failed"), (9, "there is none")):
        with pytest.raises(RegistryError, match=said):
            held.versions.pin(1, "a", "boxes", number)
    promoted(held)
    held.retention.forget_artifacts(keep=0)
    with pytest.raises(RegistryError, match="weights may be gone"):
        held.versions.pin(1, "a", "boxes", 1)
    assert held.versions.pins(1, "a") == {}


def test_a_rollback_holds_only_when_asked(held: Registry) -> None:
    first, _ = promoted(held), promoted(held)
    held.versions.rollback(1, "a", hold=True)
    assert held.versions.pins(1, "a") == {"boxes": first.id}
    assert promoted(held).state == "rejected"
    held.versions.unpin(1, "a")
    promoted(held)
    held.versions.rollback(1, "a")
    assert held.versions.pins(1, "a") == {}


def test_a_pinned_version_that_is_rolled_back_holds_no_more(held: Registry) -> None:
    promoted(held)
    promoted(held)
    held.versions.pin(1, "a")
    held.versions.rollback(1, "a")
    assert promoted(held).state == "serving"
    assert held.versions.pins(1, "a") == {}


def test_pins_go_with_their_project(held: Registry) -> None:
    promoted(held)
    held.versions.pin(1, "a")
    held.projects.delete(1)
    assert held.versions.pins(1, "a") == {}
