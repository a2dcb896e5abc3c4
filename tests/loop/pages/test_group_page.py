from dataclasses import replace
from typing import Any

from backend.loop.pages.group_page import VERSIONS_SHOWN, group_page, version_views
from model_registry import ArtifactRef, Lease, VersionRecord, VersionState
from tests.loop.house import House

SERVED = VersionRecord(
    id=1, project=1, group="clip", control="label", head="detection", number=1, state=VersionState.SUPERSEDED,
    previous=None, start="backbone", label_revision=1, labels=5, fingerprint="f", metrics={}, recipe={},
    artifact=ArtifactRef("u", "0" * 64, 1), reason=None, seconds=1.0, created_at=0.0, finished_at=1.0,
)  # fmt: skip


def version(number: int, **values: Any) -> VersionRecord:
    return replace(SERVED, id=number, number=number, **values)


def unseen(score: float | None, frames: int = 10) -> dict[str, Any]:
    return {"unseen": {"measure": "F1", "frames": frames, "score": score}}


def test_no_version() -> None:
    assert version_views([], {}) == []


def test_the_honest_score_belongs_to_the_version_that_was_scored() -> None:
    first, second = version(1), version(2, previous=1, metrics=unseen(0.7))
    newest, oldest = version_views([second, first], {})
    assert (newest.held_out, newest.held_out_frames) == (None, 0)
    assert (oldest.held_out, oldest.held_out_frames) == (0.7, 10)


def test_of_two_measurements_the_newer_counts() -> None:
    rejected = version(2, previous=1, metrics=unseen(0.7), state=VersionState.REJECTED)
    newer = version(3, previous=1, metrics=unseen(0.8, 20))
    assert [v.held_out for v in version_views([newer, rejected, version(1)], {})] == [None, None, 0.8]


def test_pins_and_what_may_serve() -> None:
    gone, failed = version(1, artifact=None), version(2, state=VersionState.FAILED)
    views = {v.record.number: v for v in version_views([version(3), failed, gone], {"label": 3, "other": 1})}
    assert [views[n].pinned for n in (1, 2, 3)] == [False, False, True]
    assert [views[n].may_serve for n in (1, 2, 3)] == [False, False, True]


def test_an_unknown_group_is_none(tmp_path: Any) -> None:
    house = House(tmp_path)
    assert group_page(house.services, 1, "clip", 1) is None
    house.add_project()
    house.add_task(1)
    assert group_page(house.services, 1, "other", 1) is None
    found = group_page(house.services, 1, "clip", 99)
    assert found is not None
    assert found.gallery is not None
    assert (found.gallery.page, found.gallery.pages, found.versions, found.older) == (1, 1, (), 0)
    house.registry.close()


def test_old_versions_are_left_out_but_not_what_serves(tmp_path: Any) -> None:
    house = House(tmp_path)
    house.add_project()
    house.add_task(1)
    house.registry.leases.take(Lease(1, "clip", "w"), 1e6)
    for number in range(VERSIONS_SHOWN + 5):
        made = house.registry.versions.begin(
            Lease(1, "clip", "w"), "label", "detection", label_revision=number, labels=1, fingerprint="f", recipe={},
            previous=None, start="backbone",
        )  # fmt: skip
        if number:
            house.registry.versions.fail(made.id, "w", "no")
        else:
            house.registry.versions.promote(made.id, "w", ArtifactRef("u", "0" * 64, 1), {}, 1.0)
    found = group_page(house.services, 1, "clip", 1, whole=False)
    assert found is not None
    assert (len(found.versions), found.older) == (VERSIONS_SHOWN + 1, 4)
    assert [v.record.number for v in found.serving] == [1]
    house.registry.close()
