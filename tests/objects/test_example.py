"""Every line of the documentation's examples runs, from an installed package and without a checkout."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from backend.instances import Instances
from backend.objects.data import write
from backend.objects.fitting import fit
from backend.objects.micro_model import MicroModel
from model_registry import LabelRecord, Lease, Registry, TaskRecord, open_registry
from tests.learning.synthetic import clip

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "backend" / "objects" / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
CAST = {"disc": "Batman", "square": "Joker"}
FEW_STEPS = 0.02
"""Share of a training's steps: what is learnt does not matter here."""
PREAMBLE = f"""
import functools, sys
import micro_models as mm
assert mm.__file__.startswith({{installed!r}}), mm.__file__
import backend
assert backend.__file__.startswith({{installed!r}}), backend.__file__
mm.fit = functools.partial(mm.fit, effort={FEW_STEPS})
"""
LAST = """
assert line.parts[0] == boxes and len(line(frame)) == len(boxes(frame))
assert session.get_inputs()[0].shape == ["height", "width", 3]
"""


def installed(folder: Path) -> Path:
    """The package as a wheel holds it, unpacked."""
    source, out = folder / "source", folder / "installed"
    source.mkdir()
    for name in ("backend", "model_registry"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    call = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", folder, source]
    subprocess.run(call, check=True, capture_output=True)
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        names = file.namelist()
        file.extractall(out)
    assert "micro_models/__init__.py" in names
    assert "micro_models/py.typed" in names
    assert not [name for name in names if name.startswith("backend/objects/installed")]
    return out


def scene(folder: Path, seed: int) -> tuple[list[Path], list[Instances]]:
    folder.mkdir()
    paths, labels = [], []
    for n, one in enumerate(clip(8, size=(96, 72), squares=1, seed=seed).frames):
        paths.append(folder / f"{n:04}.png")
        Image.fromarray(one.frame.image).save(paths[-1])
        found = Instances.of(one.instances)
        labels.append(found.with_columns(label=[CAST[name] for name in found.label.tolist()]))
    return paths, labels


def with_points(one: Instances) -> Instances:
    return one.with_columns(
        keypoints=one.xyxy.reshape(-1, 2, 2), keypoint_score=np.ones((len(one), 2)), visibility=np.full((len(one), 2), 2),
        keypoint_names=["ear", "foot"],
    )  # fmt: skip


def kept(registry: Registry, group: str, models: dict[str, MicroModel]) -> None:
    task = len(group) + ord(group[-1])
    label = LabelRecord(task, 1, task, [{"type": "x"}], updated_at=1.0)
    registry.record_event(1, [TaskRecord(task, 1, group, {})], [label], rule="field", due_at=None)
    lease = Lease(1, group, "me")
    registry.leases.take(lease, 600)
    for control, model in models.items():
        version = registry.versions.begin(
            lease, control, str(model.head), label_revision=1, labels=5, fingerprint="f", recipe={},
            previous=None, start="backbone",
        )  # fmt: skip
        registry.versions.promote(version.id, "me", registry.artifacts.write(model.weights), {}, 1.0)


def prepared(folder: Path) -> None:
    """What the page takes for granted: a server's data, a scene, a film."""
    paths, labels = scene(folder / "frames", 0)
    crops = [np.asarray(Image.open(paths[0]).crop(tuple(box))) for box in labels[0].xyxy]
    moods = [Instances([(0, 0, 22, 22)], [name]) for name in ("calm", "wild")]
    with open_registry(
        f"sqlite:///{folder}/micro-models-data/registry.db", f"{folder}/micro-models-data/artifacts"
    ) as data:
        boxes = fit(paths[:2], labels[:2], effort=FEW_STEPS)
        points = fit(paths[:2], [with_points(one) for one in labels[:2]], effort=FEW_STEPS)
        kept(data, "scene 12", {"label": boxes, "points": points, "mood": fit(crops, moods)})
        kept(data, "scene 13", {"label": boxes})
    write("coco", folder / "coco", paths, labels)
    shutil.copytree(folder / "frames", folder / "scene 12")
    shutil.copytree(folder / "coco" / "images", folder / "scene 12", dirs_exist_ok=True)
    shutil.copy(folder / "coco" / "annotations.json", folder / "scene 12")
    with av.open(str(folder / "scene12.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 96, 72, "yuv420p"
        for path in paths[:6]:
            container.mux(stream.encode(av.VideoFrame.from_image(Image.open(path).convert("RGB"))))
        container.mux(stream.encode())


@pytest.mark.slow
def test_the_page_runs_from_an_installed_package(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    prepared(tmp_path)
    wheel = tmp_path / "wheel"
    wheel.mkdir()
    path = installed(wheel)
    code = "\n".join([PREAMBLE.format(installed=str(path)), *BLOCKS, LAST])
    others = [
        one for one in os.environ.get("PYTHONPATH", "").split(os.pathsep) if one and not one.startswith(str(ROOT))
    ]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(path), *others]), "PYTHONSAFEPATH": "1"}
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert "MicroModel detection 'scene 12' v1" in run.stdout


def test_the_page_has_the_lines_of_the_api() -> None:
    text = "".join(BLOCKS)
    for name in ("open", "by_group", "by_time", "track", "read", "fit", "compare", "suggest", "load", "write"):
        assert f"mm.{name}(" in text
