"""Old weights are deleted, and nothing that anybody needs."""

import os
from pathlib import Path

import pytest

from backend.errors import ArtifactError
from backend.loop.events.sweep import Reconciler
from backend.loop.pages.status import project_status
from backend.loop.worker.tidy import TIDY_SECONDS, YOUNG_SECONDS, tidy
from model_registry import ArtifactRef, Lease, VersionState
from tests.loop.house import House


@pytest.fixture
def house(quick: None, tmp_path: Path) -> House:
    """A group with nine versions."""
    made = House(tmp_path, proposals=False, keep_versions=2, sweep_seconds=1e9)
    made.add_project()
    for task in range(1, 10):
        made.add_task(task)
        made.label(task)
        made.work()
    return made


def files(house: House) -> list[Path]:
    return list(Path(house.settings.artifacts).rglob("*.safetensors*"))


def kept(house: House) -> list[int]:
    """Numbers of the versions that have weights, each of which can be read."""
    found = [v for v in house.registry.versions.history(1, "clip") if v.artifact]
    for version in found:
        assert version.artifact is not None
        house.registry.artifacts.read(version.artifact)
    return [v.number for v in found]


def age(house: House) -> None:
    """As if all files had been there for long by the house's clock."""
    for path in files(house):
        os.utime(path, (house.now - YOUNG_SECONDS - 60, house.now - YOUNG_SECONDS - 60))


def test_the_serving_and_the_last_ones_to_go_back_to_stay(house: House) -> None:
    assert len(files(house)) == 9
    age(house)
    tidy(house.services)
    assert kept(house) == [9, 8, 7]
    assert len(files(house)) == 3
    assert len(house.registry.versions.history(1, "clip")) == 9


def test_a_pinned_version_stays_however_old(house: House) -> None:
    house.registry.versions.pin(1, "clip", number=1)
    age(house)
    tidy(house.services)
    assert kept(house) == [9, 8, 1]


def test_what_a_training_under_way_starts_from_stays(house: House) -> None:
    first = house.registry.versions.history(1, "clip")[-1]
    assert house.registry.leases.take(Lease(1, "clip", "w"), 1e6)
    house.registry.versions.begin(
        Lease(1, "clip", "w"), "label", "detection", label_revision=99, labels=1, fingerprint="f", recipe={},
        previous=first.id, start="serving",
    )  # fmt: skip
    age(house)
    tidy(house.services)
    assert kept(house) == [9, 8, 7, 1]


def test_files_of_nobody_go_when_they_are_old(house: House) -> None:
    orphan = house.registry.artifacts.write(house.registry.artifacts.read(_serving(house)))
    tidy(house.services)
    assert Path(house.settings.artifacts, orphan.uri).exists()
    age(house)
    tidy(house.services)
    assert not Path(house.settings.artifacts, orphan.uri).exists()


def test_the_look_round_does_it_now_and_then(house: House) -> None:
    age(house)
    look = Reconciler(house.services)
    look()
    assert kept(house) == [9, 8, 7]
    house.label(1, [], action="ANNOTATION_UPDATED")
    house.work()
    age(house)
    look()
    assert len(kept(house)) == 4
    house.now += TIDY_SECONDS
    look()
    assert len(kept(house)) == 3


def test_a_store_that_is_away_is_tidied_the_next_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise ConnectionError("nobody there")

    with monkeypatch.context() as patch:
        patch.setattr(house.registry.artifacts._files, "find", away)
        with pytest.raises(ArtifactError, match="cannot be listed"):
            tidy(house.services)
        Reconciler(house.services)()
    age(house)
    tidy(house.services)
    assert len(files(house)) == 3


def test_status_tells_the_space(house: House) -> None:
    [space] = house.registry.retention.space().values()
    assert (space.artifacts, space.nbytes) == (9, sum(path.stat().st_size for path in files(house)))
    assert project_status(house.services, 1)["weights_bytes"] == space.nbytes
    house.add_project(2)
    house.send("PROJECT_UPDATED", 2)
    assert project_status(house.services, 2)["weights_bytes"] == 0


def _serving(house: House) -> ArtifactRef:
    version = house.registry.versions.serving(1, "clip")["label"]
    assert version.state == VersionState.SERVING
    assert version.artifact is not None
    return version.artifact
