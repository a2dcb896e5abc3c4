"""Micro-models for others: a folder with a card, and the command that writes it."""

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from backend.__main__ import app
from backend.commands.export_model import _folder_of
from backend.errors import StorageError, WeightsUnusable
from backend.objects.card import Card
from backend.objects.files import load
from backend.objects.folder import write_folder
from backend.objects.micro_model import MicroModel
from tests.objects.made import boxes, classes
from tests.objects.test_zoo import folder  # noqa: F401

CARD = Card(
    group="a|b\nc", control="label", version=3, labelled=5, measure="F1 at IoU 0.5", score=0.9, lineage=("d", "e")
)


def test_the_folder_holds_weights_config_and_card(tmp_path: Path) -> None:
    model = MicroModel(boxes(["cat", "dog"]).weights, CARD)
    files = write_folder(model, tmp_path / "out", "safetensors")
    assert [one.name for one in files] == ["model.safetensors", "config.json", "README.md"]
    assert load(files[0]) == model
    assert json.loads(files[1].read_text())["id2label"] == {"0": "cat", "1": "dog"}
    text = files[2].read_text()
    front = yaml.safe_load(text.split("---")[1])
    assert front == {"library_name": "micro-models", "pipeline_tag": "object-detection", "tags": ["micro-model"]}
    assert "| group | a\\|b c |" in text
    assert "| on labels that it had never seen | 0.900 (F1 at IoU 0.5) |" in text
    assert "| lineage | d, e |" in text


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    with pytest.raises(WeightsUnusable, match="by 'made up', expected one of"):
        write_folder(classes("calm"), tmp_path, "onnx")
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot be written"):
        write_folder(boxes(["cat"]), tmp_path / "file", "safetensors")


def test_the_command_writes_a_folder_for_each_control(
    folder: Path,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MICRO_MODELS_DATA_DIR", str(folder))
    call = ["export-model", "--project", "1", "--out", str(tmp_path / "out"), "--group"]
    answer = CliRunner().invoke(app, [*call, "scene 12"])
    assert answer.exit_code == 0, answer.output
    assert load(tmp_path / "out" / "label" / "model.safetensors").labels == ("Batman", "Joker")
    assert CliRunner().invoke(app, [*call, "bare"]).exit_code == 1
    assert "No version of control 'x'" in str(CliRunner().invoke(app, [*call, "scene 12", "--control", "x"]).exception)


@pytest.mark.parametrize(("control", "name"), [("label", "label"), ("../a/b", "_a_b"), ("..", "_"), ("", "_")])
def test_a_control_of_any_name_has_a_folder_below(control: str, name: str) -> None:
    assert _folder_of(control) == name
