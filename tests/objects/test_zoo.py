"""The registry as a zoo, read only."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.errors import ArtifactDamaged, RegistryError
from backend.objects.zoo import Zoo, card_of, open_zoo
from model_registry import LabelRecord, Lease, Registry, TaskRecord, open_registry
from tests.objects.made import boxes

UNSEEN = {"unseen": {"measure": "F1 at IoU 0.5", "frames": 5, "score": 0.97}}


def train(registry: Registry, group: str, control: str, labels: int, metrics: dict[str, object]) -> None:
    """A version of a group's micro-model, made up."""
    task = registry.groups.get(1, group).wanted + 1 if registry.groups.get(1, group) else 1  # type: ignore[union-attr]
    id_ = 100 * task + len(group)
    registry.record_event(
        1, [TaskRecord(id_, 1, group, {})], [LabelRecord(id_, 1, id_, [{"type": "x"}], updated_at=1.0)],
        rule="field", due_at=None,
    )  # fmt: skip
    lease = Lease(1, group, "me")
    registry.leases.take(lease, 60)
    serving = registry.versions.serving(1, group).get(control)
    version = registry.versions.begin(
        lease, control, "detection", label_revision=task, labels=labels, fingerprint="f", recipe={},
        previous=serving.id if serving else None, start="serving" if serving else "backbone",
    )  # fmt: skip
    artifact = registry.artifacts.write(boxes(["Batman", "Joker"], group=group).weights)
    registry.versions.promote(version.id, "me", artifact, metrics, 1.0)
    registry.leases.release(lease)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with open_registry(f"sqlite:///{tmp_path}/registry.db", f"{tmp_path}/artifacts") as registry:
        train(registry, "scene 12", "label", 5, {})
        train(registry, "scene 12", "label", 7, UNSEEN)
        train(registry, "scene 13", "label", 6, {})
        registry.record_event(1, [TaskRecord(9, 1, "bare", {})], [], rule="field", due_at=None)
    return tmp_path


@pytest.fixture
def zoo(folder: Path) -> Iterator[Zoo]:
    found = open_zoo(folder)
    yield found
    found.close()


def test_the_serving_version_is_a_value_with_a_card(zoo: Zoo) -> None:
    group = zoo.project(1).group("scene 12")
    model = group["label"]
    assert repr(model) == "<MicroModel detection 'scene 12' v2: 2 labels, 7 labelled frames, 0.0 MB>"
    assert model == group["label"]
    assert list(group) == ["label"]
    assert (zoo.projects, zoo.project(1).groups) == ((1,), ("scene 12", "scene 13"))
    assert list(zoo.project(1).group("bare")) == []


def test_its_score_is_what_the_next_training_found(folder: Path) -> None:
    with open_registry(f"sqlite:///{folder}/registry.db", f"{folder}/artifacts") as registry:
        train(registry, "scene 13", "label", 9, UNSEEN)
        [newest, first] = registry.versions.history(1, "scene 13", "label")
        assert card_of(first, [newest, first]).score == 0.97
        assert card_of(newest, [newest, first]).score is None


def test_nothing_is_written(folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.suffix in (".db", ".safetensors")}
    zoo = open_zoo(folder)
    list(zoo.project(1).group("scene 12").values())
    with pytest.raises(RegistryError, match=r"readonly|read-only|written"):
        zoo.reader.projects.seen(2)
    zoo.close()
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_what_is_not_there_is_told(zoo: Zoo, tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="There is no project 2"):
        zoo.project(2)
    with pytest.raises(RegistryError, match="'scene 12', 'scene 13'"):
        zoo.project(1).group("scene 14")
    with pytest.raises(KeyError, match="Those that do: 'label'"):
        zoo.project(1).group("scene 12")["mood"]
    with pytest.raises(RegistryError, match="There is no registry"):
        open_zoo(tmp_path / "elsewhere")
    with pytest.raises(RegistryError, match="artifacts="):
        open_zoo("sqlite:////registry.db")
    with pytest.raises(RegistryError, match="There is no folder"):
        open_zoo(f"sqlite:///{tmp_path}/registry.db", tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere").exists()


def test_a_registry_of_an_older_release_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "registry.db").touch()
    with pytest.raises(RegistryError, match="has schema None"):
        open_zoo(tmp_path)
    assert (tmp_path / "registry.db").stat().st_size == 0


def test_lost_weights_are_told(zoo: Zoo, folder: Path) -> None:
    for path in (folder / "artifacts").rglob("*.safetensors"):
        path.unlink()
    with pytest.raises(ArtifactDamaged):
        zoo.project(1).group("scene 12")["label"]
