"""Files that are damaged, foreign, or of the server."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from backend.errors import ArtifactDamaged, StorageError, WeightsUnusable
from backend.objects.files import KEY, load
from backend.objects.micro_model import MicroModel
from backend.objects.track import track
from tests.objects.made import boxes, classes, micro_model, points

LINE = boxes(["cat", "dog"]).only("cat") >> points("nose").inside() >> classes("calm").crops() >> track()


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    LINE.save(tmp_path / "a.mm")
    assert [one.name for one in tmp_path.iterdir()] == ["a.mm"]
    with pytest.raises(StorageError, match="cannot be written"):
        LINE.save(tmp_path / "missing" / "a.mm")


def test_a_model_that_is_there_twice_is_kept_once(tmp_path: Path) -> None:
    cat = boxes(["cat", "dog"], np.zeros((1000, 4)))
    (cat.only("cat") | cat.above(0.5)).save(tmp_path / "a.mm")
    assert (tmp_path / "a.mm").stat().st_size < 1.5 * cat.nbytes


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_cut_file_is_refused(tmp_path: Path, share: float) -> None:
    LINE.save(tmp_path / "a.mm")
    content = (tmp_path / "a.mm").read_bytes()
    (tmp_path / "a.mm").write_bytes(content[: int(share * len(content))])
    with pytest.raises(ArtifactDamaged, match="Expected a file that"):
        load(tmp_path / "a.mm")


TREE = {"kind": "abstain", "settings": {}, "parts": []}


@pytest.mark.parametrize(
    "head",
    [
        "{", "[]", "{}", {"format": "2"}, {"format": "1", "tree": TREE}, {"format": "1", "models": [], "tree": {}},
        {"format": "1", "models": [], "tree": {**TREE, "kind": "evil"}},
        {"format": "1", "models": [], "tree": {"kind": "track", "settings": {}, "parts": []}},
        {"format": "1", "models": [], "tree": {"kind": "only", "settings": {}, "parts": []}},
        {"format": "1", "models": [], "tree": {"kind": "micro_model", "settings": {}, "weights": 0}},
    ],
)  # fmt: skip
def test_what_is_no_composition_is_refused(tmp_path: Path, head: object) -> None:
    text = head if isinstance(head, str) else json.dumps(head)
    save_file({"0/a": np.zeros(1)}, tmp_path / "a.mm", {KEY: text})
    with pytest.raises(ArtifactDamaged, match="Expected"):
        load(tmp_path / "a.mm")


def test_deep_nesting_ends_in_words(tmp_path: Path) -> None:
    tree = '{"kind":"above","settings":{"score":0},"parts":[' * 5000 + json.dumps(TREE) + "]}" * 5000
    save_file({}, tmp_path / "a.mm", {KEY: f'{{"format":"1","models":[],"tree":{tree}}}'})
    with pytest.raises(ArtifactDamaged, match="RecursionError"):
        load(tmp_path / "a.mm")


def test_an_artifact_of_the_server_is_a_micro_model(tmp_path: Path) -> None:
    cat = boxes(["cat"])
    save_file(dict(cat.weights.arrays), tmp_path / "a.safetensors", dict(cat.weights.metadata))
    found = load(tmp_path / "a.safetensors")
    assert found.labels == ("cat",)
    save_file({"a": np.zeros(1)}, tmp_path / "b.safetensors")
    with pytest.raises(WeightsUnusable):
        load(tmp_path / "b.safetensors")
    with pytest.raises(ArtifactDamaged, match="missing"):
        load(tmp_path / "missing")


def test_parts_of_one_model_share_its_arrays_however_often_a_file_names_it(tmp_path: Path) -> None:
    cat = boxes(["cat", "dog"], np.zeros((1000, 4)))
    (cat.only("cat") | cat.above(0.5)).save(tmp_path / "a.mm")
    one, other = (leaf for leaf in load(tmp_path / "a.mm").leaves() if isinstance(leaf, MicroModel))
    assert np.shares_memory(one.weights.arrays["boxes"], other.weights.arrays["boxes"])
    with pytest.raises(ValueError, match="read-only"):
        one.weights.arrays["boxes"][0] = 1


@pytest.mark.parametrize("place", ["hf-hub:somebody/model", "local-dir:/tmp/model", "somebody/model"])
def test_a_file_has_nothing_fetched_from_a_place_that_it_names(tmp_path: Path, place: str) -> None:
    model = micro_model("detection", ["cat"], backbone=place)
    for name, one in (("a.mm", model), ("b.mm", model.only("cat") | boxes(["dog"]))):
        one.save(tmp_path / name)
        with pytest.raises(ArtifactDamaged, match=r"an address\. Expected the plain name"):
            load(tmp_path / name)
    save_file(dict(model.weights.arrays), tmp_path / "c.safetensors", dict(model.weights.metadata))
    with pytest.raises(ArtifactDamaged, match="an address"):
        load(tmp_path / "c.safetensors")
