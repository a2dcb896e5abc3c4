"""Weights that are damaged, missing or nonsense: said, no serving version, trained from the start, replaced."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.errors import ArtifactError, WeightsUnusable
from backend.learning import methods
from backend.loop.predict.on_demand import Predictor
from backend.loop.services import Services
from backend.studio import events
from backend.types import Weights
from model_registry import ArtifactRef, GroupRecord, VersionRecord, VersionState
from tests.loop.house import EyeForColour, House
from tests.loop.train.test_initialization import TWIN, add_clip

NONSENSE = "nonsense"


@pytest.fixture
def house(quick: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """Six frames, three of them learnt; weights named nonsense load as no model."""

    def load(weights: Weights, device: str = "auto") -> EyeForColour:
        if NONSENSE in weights.metadata:
            raise WeightsUnusable("no micro-model")
        return EyeForColour(weights)

    monkeypatch.setattr(methods, "load", load)
    made = House(tmp_path, proposals=False)
    made.add_project()
    for task in range(1, 7):
        made.add_task(task)
    for task in (1, 2, 3):
        made.label(task)
        made.work()
    return made


def flip(house: House, ref: ArtifactRef) -> None:
    path = Path(house.settings.artifacts, ref.uri)
    before = path.read_bytes()
    path.write_bytes(before[:-1] + bytes([before[-1] ^ 0xFF]))
    assert path.read_bytes() != before


def cut(house: House, ref: ArtifactRef) -> None:
    path = Path(house.settings.artifacts, ref.uri)
    path.write_bytes(path.read_bytes()[: ref.nbytes // 2])
    assert path.stat().st_size < ref.nbytes


def empty(house: House, ref: ArtifactRef) -> None:
    Path(house.settings.artifacts, ref.uri).write_bytes(b"")


def remove(house: House, ref: ArtifactRef) -> None:
    path = Path(house.settings.artifacts, ref.uri)
    path.unlink()
    assert not path.exists()


def foreign(house: House, ref: ArtifactRef) -> None:
    """Another version's weights under this one's name."""
    other = house.registry.artifacts.write(Weights({"other": np.ones(2, np.float32)}, {}))
    content = Path(house.settings.artifacts, other.uri).read_bytes()
    Path(house.settings.artifacts, ref.uri).write_bytes(content)


def nonsense(house: House, ref: ArtifactRef, **metadata: str) -> None:
    """Readable, with the right hash, and still no micro-model."""
    other = house.registry.artifacts.write(Weights({}, metadata or {NONSENSE: "yes"}))
    values = {"uri": other.uri, "sha": other.sha256, "size": other.nbytes, "before": ref.uri}
    change = "artifact_uri = :uri, artifact_sha256 = :sha, artifact_nbytes = :size WHERE artifact_uri = :before"
    from sqlalchemy import text

    with house.registry._database.writing() as connection:
        assert connection.execute(text(f"UPDATE versions SET {change}"), values).rowcount == 1


def other_head(house: House, ref: ArtifactRef) -> None:
    nonsense(house, ref, head="pose", label="square")


DAMAGES = [flip, cut, empty, remove, foreign, nonsense, other_head]


def serving(house: House, name: str = "clip") -> VersionRecord | None:
    return house.registry.versions.serving(1, name).get("label")


def damaged(house: House, damage: Callable[[House, ArtifactRef], None]) -> VersionRecord:
    version = serving(house)
    assert version is not None
    assert version.artifact is not None
    damage(house, version.artifact)
    return version


def group(house: House, name: str = "clip") -> GroupRecord:
    found = house.registry.groups.get(1, name)
    assert found is not None
    return found


def check_replaced(house: House, before: VersionRecord) -> None:
    """The group is well, by a version of its own from the start."""
    after, gone = serving(house), house.registry.versions.get(before.id)
    assert after is not None
    assert gone is not None
    assert after.id > before.id
    assert after.start == "backbone"
    assert (gone.state, gone.artifact) == (VersionState.DAMAGED, None)
    assert gone.reason is not None
    assert "damaged" in gone.reason
    assert after.artifact is not None
    house.registry.artifacts.read(after.artifact)
    assert group(house).state(house.now) == "idle"
    assert group(house).reason is None
    assert all(len(items) == 1 for items in house.shown().values())


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_next_training_starts_anew_and_replaces_it(house: House, damage: Callable[..., None]) -> None:
    before = damaged(house, damage)
    house.label(4)
    house.work()
    check_replaced(house, before)
    assert group(house).trained_labels == 4


@pytest.mark.parametrize("damage", DAMAGES)
def test_who_publishes_has_the_group_trained_first(house: House, damage: Callable[..., None]) -> None:
    before = damaged(house, damage)
    house.add_task(7)
    house.work()
    check_replaced(house, before)
    assert 7 in house.shown()


@pytest.mark.parametrize("damage", DAMAGES)
def test_predict_answers_nothing_and_has_it_trained(house: House, damage: Callable[..., None]) -> None:
    before = damaged(house, damage)
    house.queue.groups.clear()
    asked = [events.TaskData(99, {**house.studio.rows[6]["data"], "frame": 99})]
    assert Predictor(house.services).predict(1, asked) == [None]
    assert serving(house) is None
    assert "its weights are damaged" in (group(house).reason or "")
    assert house.queue.groups == [(1, "clip")]
    house.work()
    check_replaced(house, before)
    [answer] = Predictor(house.services).predict(1, asked)
    assert answer is not None
    assert answer["result"]


def test_train_now_mends_it_too_and_a_pin_does_not_hold_it(house: House) -> None:
    house.registry.versions.pin(1, "clip")
    before = damaged(house, flip)
    house.registry.groups.force(1, "clip")
    house.work()
    check_replaced(house, before)
    assert house.registry.versions.pins(1, "clip") == {}


def test_all_versions_damaged_and_rolled_back_is_no_dead_end(house: House) -> None:
    for version in house.registry.versions.history(1, "clip"):
        if version.artifact:
            flip(house, version.artifact)
    house.registry.versions.rollback(1, "clip", hold=True)
    house.work()
    assert group(house).state(house.now) == "idle"
    now = serving(house)
    assert now is not None
    assert now.artifact is not None
    house.registry.artifacts.read(now.artifact)


class Away:
    """A store that does not answer, in one of many ways."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __call__(self, *_: object, **__: object) -> bytes:
        raise self._error


@pytest.fixture(
    params=[OSError(5, "Input/output error"), PermissionError(13, "no"), TimeoutError("slow"), ConnectionError()]
)
def away(house: House, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    with monkeypatch.context() as patch:
        patch.setattr(house.registry.artifacts._files, "cat_file", Away(request.param))
        yield patch


def test_a_store_that_is_away_demotes_nothing(house: House, away: pytest.MonkeyPatch) -> None:
    before = serving(house)
    assert before is not None
    assert before.artifact is not None
    with pytest.raises(ArtifactError):
        house.registry.artifacts.read(before.artifact)
    house.label(4)
    house.work()
    asked = [events.TaskData(99, house.studio.rows[6]["data"])]
    assert Predictor(house.services).predict(1, asked) == [None]
    assert serving(house) == before
    assert group(house).state(house.now) == "failed"
    assert "cannot be read" in (group(house).reason or "")
    away.undo()
    house.now += 60
    house.work()
    after = serving(house)
    assert after is not None
    assert after.previous == before.id
    assert group(house).state(house.now) == "idle"


def test_a_folder_that_is_not_mounted_demotes_nothing(house: House) -> None:
    before, folder = serving(house), Path(house.settings.artifacts)
    folder.rename(folder.with_name("elsewhere"))
    house.label(4)
    house.work()
    assert serving(house) == before
    assert "mount it" in (group(house).reason or "")
    folder.with_name("elsewhere").rename(folder)
    house.now += 60
    house.work()
    assert group(house).state(house.now) == "idle"


def test_a_disk_that_damages_all_that_is_written_does_not_wear_out_the_worker(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = house.registry.artifacts.write

    def badly(weights: Weights) -> ArtifactRef:
        ref = write(weights)
        flip(house, ref)
        return ref

    monkeypatch.setattr(house.registry.artifacts, "write", badly)
    house.label(4)
    house.work(rounds=30)
    trained = len(house.registry.versions.history(1, "clip"))
    assert trained <= 3 + 2
    assert group(house).due_at is not None
    assert "damaged" in (group(house).reason or "")


def test_a_damaged_start_is_passed_over_and_its_own_group_trained_again(house: House) -> None:
    add_clip(house, "a", 1 + TWIN, label=2)
    version = serving(house, "a")
    assert version is not None
    assert version.artifact is not None
    nonsense(house, version.artifact)
    add_clip(house, "b", 1 + 2 * TWIN, label=2)
    gone, after = house.registry.versions.get(version.id), serving(house, "a")
    assert gone is not None
    assert gone.state == VersionState.DAMAGED
    assert after is not None
    assert after.id != version.id
    assert group(house, "b").state(house.now) == "idle"


def test_a_version_that_lost_its_weights_to_age_meanwhile_is_not_damaged(house: House, quick: Any) -> None:
    version = serving(house)
    assert version is not None
    assert version.artifact is not None
    house.label(4)
    house.work()
    house.registry.retention.forget_artifacts(0)
    house.registry.artifacts.collect(house.registry.retention.artifacts(), -1e12)
    services: Services = house.services
    from backend.loop.data.weights import weights_of

    assert weights_of(services, version) is None
    after = house.registry.versions.get(version.id)
    assert after is not None
    assert after.state == VersionState.SUPERSEDED
