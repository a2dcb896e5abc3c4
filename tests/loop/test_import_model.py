"""A micro-model of another backend as the start of a group here."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.errors import ArtifactDamaged, CompositionError, RegistryError, WeightsUnusable
from backend.learning import methods
from backend.learning.fitting.training_input import TrainingInput
from backend.loop.import_model import import_model
from backend.loop.pages.group_page import group_page
from backend.loop.pages.status import project_status
from backend.objects.card import Card
from backend.objects.folder import write_folder
from backend.objects.micro_model import MicroModel
from backend.objects.zoo import card_of
from backend.types import Control, Start, Weights
from model_registry import VersionState
from tests.learning.cases import CASES
from tests.loop.house import House, teach
from tests.objects.made import classes


@pytest.fixture(scope="session")
def learnt() -> Weights:
    """Of a real detection, trained for no time at all on "disc" and "square"."""
    return CASES["boxes"].trained().weights


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> list[Weights | None]:
    """What the trainings were given to start from, in order."""
    found: list[Weights | None] = []

    def train(control: Control, given: TrainingInput, recipe: object) -> Any:
        if given.unlabeled != ():  # the project model's training has no unlabelled frames
            found.append(given.start)
        return teach(control, given, recipe)

    monkeypatch.setattr(methods, "train", train)
    return found


@pytest.fixture
def house(quick: None, tmp_path: Path, starts: list[Weights | None]) -> House:
    made = House(tmp_path, proposals=False)
    made.add_project()
    for task in range(1, 7):
        made.add_task(task, video="clip")
    return made


@pytest.fixture
def exported(learnt: Weights, tmp_path: Path) -> Path:
    """A folder of `export-model`, of another backend."""
    model = MicroModel(learnt, Card(group="scene 12", control="label", version=4, labelled=5))
    write_folder(model, tmp_path / "given", "safetensors")
    return tmp_path / "given"


def changed(weights: Weights, **blueprint: Any) -> Weights:
    known = json.loads(weights.metadata["blueprint"]) | blueprint
    return replace(weights, metadata={**weights.metadata, "blueprint": json.dumps(known)})


def saved(weights: Weights, folder: Path) -> Path:
    MicroModel(weights).save(folder / "one.safetensors")
    return folder / "one.safetensors"


def test_a_group_starts_from_what_was_imported_and_says_so(
    house: House, exported: Path, learnt: Weights, starts: list[Weights | None]
) -> None:
    version, remarks = import_model(house.services, 1, "clip", exported)
    assert (version.state, version.number, version.labels, remarks) == (VersionState.IMPORTED, 1, 5, [])
    assert house.registry.versions.serving(1, "clip") == {}, "it answers to nothing by itself"
    house.label(1)
    house.work()
    [start] = starts
    assert start is not None
    assert start.metadata["start"] == Start.IMPORTED
    assert all(np.array_equal(start.arrays[name], array) for name, array in learnt.arrays.items())
    trained = house.registry.versions.serving(1, "clip")["label"]
    assert (trained.number, trained.previous) == (2, version.id)
    assert trained.start.startswith("imported: 'scene 12' v4, ")
    [group] = project_status(house.services, 1)["groups"]
    assert group["start"] == trained.start
    page = group_page(house.services, 1, "clip", 1)
    assert page is not None
    assert trained.start in [one.origin for one in page.versions]


def test_its_lineage_goes_on_into_the_next_export(house: House, exported: Path) -> None:
    version, _ = import_model(house.services, 1, "clip", exported)
    house.label(1)
    house.work()
    versions = house.registry.versions
    card = card_of(versions.serving(1, "clip")["label"], versions.history(1, "clip"))
    assert card.lineage == (version.metrics["digest"],)
    assert card.origin == "'scene 12' v4"


def test_it_goes_before_the_serving_version_only_where_it_came_later(
    house: House, exported: Path, starts: list[Weights | None]
) -> None:
    import_model(house.services, 1, "clip", exported)
    for task in (1, 2):
        house.label(task)
        house.work()
    # The recipe in the house's trainings is detection's, which begins anew each time.
    assert [one and one.metadata["start"] for one in starts] == ["imported", "imported"]
    import_model(house.services, 1, "clip", exported)
    kept = [one for one in house.registry.versions.history(1, "clip") if one.state is VersionState.IMPORTED]
    assert [one.artifact is not None for one in kept] == [True, False]
    house.registry.retention.forget_artifacts(0)
    assert house.registry.imports.newest(1, "clip", "label") == kept[0]


def test_damaged_weights_are_no_start(house: House, exported: Path, starts: list[Weights | None]) -> None:
    import_model(house.services, 1, "clip", exported)
    for path in Path(house.settings.artifacts).rglob("*.safetensors"):
        path.write_bytes(b"gone")
    house.label(1)
    house.work()
    assert starts == [None]
    assert house.registry.versions.serving(1, "clip")["label"].start == "backbone"


def test_labels_that_it_does_not_know_are_told(house: House, learnt: Weights, tmp_path: Path) -> None:
    path = saved(changed(learnt, labels=["disc", "cross"]), tmp_path)
    assert import_model(house.services, 1, "clip", path)[1] == [
        "Labels that it does not know, and that begin anew: square."
    ]


def test_what_does_not_fit_is_refused_in_words(house: House, learnt: Weights, tmp_path: Path) -> None:
    refused = {
        "knows the labels cross, and 'label' asks for square, disc": changed(learnt, labels=["cross"]),
        "trained on the backbone 'resnet18', and this backend uses": changed(learnt, backbone="resnet18"),
        "0 control tags that ask for classification": classes("calm").weights,
    }
    for words, weights in refused.items():
        with pytest.raises(CompositionError, match=words):
            import_model(house.services, 1, "clip", saved(weights, tmp_path))
    with pytest.raises(CompositionError, match=r"no control tag 'x'.*'label' \(detection\)"):
        import_model(house.services, 1, "clip", saved(learnt, tmp_path), "x")
    foreign = replace(learnt, metadata={**learnt.metadata, "method": "magic"})
    with pytest.raises(WeightsUnusable, match="by 'magic', expected one of"):
        import_model(house.services, 1, "clip", saved(foreign, tmp_path))
    with pytest.raises(RegistryError, match="There is no group 'film'"):
        import_model(house.services, 1, "film", saved(learnt, tmp_path))
    assert house.registry.versions.history(1, "clip") == []


def test_damaged_and_foreign_files_are_refused_in_words(house: House, learnt: Weights, tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    (tmp_path / "half").write_bytes(saved(learnt, tmp_path).read_bytes()[:2000])
    (tmp_path / "text").write_text("no weights")
    save_file({"a": np.zeros(3, np.float32)}, tmp_path / "foreign")
    for name in ("half", "text", "missing"):
        with pytest.raises(ArtifactDamaged, match="holds no model that can be read"):
            import_model(house.services, 1, "clip", tmp_path / name)
    with pytest.raises(WeightsUnusable, match="The weights are of head None"):
        import_model(house.services, 1, "clip", tmp_path / "foreign")
    both = MicroModel(learnt).only("disc") | MicroModel(learnt).only("square")
    both.save(tmp_path / "two")
    with pytest.raises(CompositionError, match=r"a composition\. Expected one micro-model"):
        import_model(house.services, 1, "clip", tmp_path / "two")


def test_what_the_card_of_a_file_of_others_says_breaks_no_registry(
    house: House, learnt: Weights, tmp_path: Path
) -> None:
    MicroModel(learnt, Card(group="a\0\ud800", labelled=10**30)).save(tmp_path / "odd.safetensors")
    version, _ = import_model(house.services, 1, "clip", tmp_path / "odd.safetensors")
    assert version.labels == 0
    assert version.start.startswith(r"imported: 'a\x00\ud800', ")
