"""Exported folders run without torch and without this package; their graphs are tested in tests/learning/exporting."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from backend.instances import Instances
from backend.objects.card import Card
from backend.objects.folder import write_folder
from backend.objects.frames import input_frame
from backend.objects.micro_model import MicroModel
from tests.learning.cases import CASES, Case

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

WITHOUT = """
import runpy, sys
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
assert not {"torch", "torchvision", "timm", "backend", "micro_models", "cv2", "scipy"} & set(sys.modules), sorted(sys.modules)
"""
"""Runs the script in its arguments and proves what it did not import."""
GIVEN = {
    "boxes": "takes `image`, one picture of any size",
    "counted points": "`points` (n, 2), x, y in pixels",
    "masks": "`masks` (n, height, width) bool",
    "points": "`keypoint_scores` (n, k)",
    "points in boxes": "and `boxes` (n, 4), x0, y0, x1, y1 in pixels. It gives `keypoints`",
    "classes": "It gives `scores` (n,) in [0, 1]; `labels`",
}
"""Of the card of each case that has a graph."""


def run(folder: Path, *arguments: str) -> dict[str, list[dict[str, object]]]:
    """What `run.py` prints of one picture."""
    command = [sys.executable, "-I", "-c", WITHOUT, str(folder / "run.py"), *arguments]
    found: dict[str, list[dict[str, object]]] = json.loads(subprocess.check_output(command, cwd=folder))
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("name", "case"), [(name, CASES[name]) for name in GIVEN], ids=GIVEN)
def test_a_folder_runs_without_torch_and_says_what_the_model_says(
    name: str, case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict, raising=False)  # in float32, as graphs compute
    weights = case.method.train(case.given(20, 3), case.short.with_effort(0.5)).weights
    model = MicroModel(weights, Card(group="scene 12", version=2))
    files = write_folder(model, tmp_path, "onnx")
    assert [one.name for one in files] == ["model.onnx", "config.json", "README.md", "run.py"]
    card = (tmp_path / "README.md").read_text()
    assert GIVEN[name] in card
    assert "tracks" in card, "what is not in it is said"
    [labeled] = case.clip(1)
    Image.fromarray(labeled.frame.image).save(tmp_path / "frame.png")
    boxes = [list(one.box) for one in labeled.instances]
    (tmp_path / "boxes.json").write_text(json.dumps({"frame.png": boxes}))
    [(picture, rows)] = run(tmp_path, "frame.png", *(["--boxes", "boxes.json"] if case.boxed else [])).items()
    assert picture == "frame.png"
    assert all(0 <= row["score"] <= 1 for row in rows)  # type: ignore[operator]
    for row in rows:
        assert row.get("label", case.labels[0]) in case.labels
        assert set(row.get("points", {})) <= set(case.labels)  # type: ignore[call-overload]
        if name == "masks":
            assert np.array(Image.open(tmp_path / str(row["mask"]))).shape == labeled.frame.image.shape[:2]
    inside = [Instances.of(labeled.instances)] if case.boxed else None
    [own] = model.answers([input_frame(tmp_path / "frame.png")], inside)
    assert [row["score"] for row in rows] == pytest.approx(own.found.score.tolist(), abs=0.01)
    assert rows, "nothing was compared"
