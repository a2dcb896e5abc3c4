"""`make demo` as a new user runs it, and how it ends."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from PIL import Image
from rich.console import Console

from backend.demo.first_round import FirstRound
from backend.demo.label_studio_server import LabelStudioServer
from backend.types import Head, Instance, Keypoint
from tests.end_to_end.clips import SIDE, moving_square
from tests.end_to_end.conftest import ROOT, BackendFactory, label_studio_venv

pytestmark = [pytest.mark.slow, pytest.mark.label_studio]

SECONDS = 900.0
"""Label Studio's first start, the import and a training, on a busy machine."""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """An empty folder to run in, that finds Label Studio where `make install-label-studio` puts it."""
    venv = label_studio_venv()
    if not (venv / "bin" / "label-studio").exists():
        pytest.skip(f"no Label Studio in {venv}: run `make install-label-studio`")
    (tmp_path / ".venv-label-studio").symlink_to(venv)
    return tmp_path


def start_demo(place: Path, *arguments: str) -> subprocess.Popen[str]:
    env = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "COLUMNS": "200"}
    command = [sys.executable, "-m", "backend", "demo", *arguments]
    return subprocess.Popen(
        command, cwd=place, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


def left_over(place: Path) -> list[str]:
    """Command lines of the processes that still work in this place."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes()
            if str(place).encode() in environment and process.name != str(os.getpid()):
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue  # it has just ended, or is not ours
    return found


def write_data_set(folder: Path) -> None:
    """A folder as `--data` takes it."""
    clip = moving_square(folder / "frames")
    frames = []
    for frame in clip.frames:
        objects = [{"label": instance.label, "box": instance.box} for instance in frame.truth or ()]
        frames.append({"file": frame.path.name, "index": frame.number, "objects": objects})
    described = {"task": "detection", "width": clip.width, "height": clip.height, "classes": clip.classes}
    (folder / "labels.json").write_text(json.dumps({**described, "frames": frames}))


def with_corners(boxes: tuple[Instance, ...] | None) -> tuple[Instance, ...]:
    """The squares with two points each, as a pose has them."""
    found = []
    for instance in boxes or ():
        x0, y0, x1, _ = instance.box
        points = Keypoint("left corner", x0 + 3, y0 + 3), Keypoint("right corner", x1 - 3, y0 + 3)
        found.append(Instance("", instance.box, keypoints=points))
    return tuple(found)


def test_the_bunny_is_found_by_five_labels(place: Path) -> None:
    demo = start_demo(place, "--no-wait")
    try:
        out, _ = demo.communicate(timeout=SECONDS)
    finally:
        demo.kill()
    assert demo.returncode == 0, out
    figures = json.loads((place / "demo-data" / "figures.json").read_text())
    assert (figures["labels"], figures["unlabelled"], figures["predicted"], figures["evaluated"]) == (5, 127, 127, 15)
    assert figures["recall"] >= 0.9
    assert figures["precision"] >= 0.9
    assert "recall at IoU 0.5 on 15 frames" in out
    with Image.open(place / "demo-data" / "contact-sheet.png") as sheet:
        assert sheet.width == 5 * 384
    assert left_over(place) == []


def test_a_round_of_pose(label_studio: LabelStudioServer, backend: BackendFactory, tmp_path: Path) -> None:
    clip = moving_square(tmp_path / "frames")
    frames = tuple(replace(frame, truth=with_corners(frame.truth)) for frame in clip.frames)
    group = replace(clip, frames=frames, classes=("left corner", "right corner"), head=Head.POSE)
    figures = FirstRound(group, 5, label_studio, backend(MICRO_MODELS_EFFORT="0.2"), Console()).run(tmp_path)
    scores = {score.name: score.value for score in figures.scores}
    assert (figures.labels, figures.unlabelled, figures.predicted, figures.evaluated) == (5, 19, 19, 19)
    assert scores["mean_error_px"] is not None
    assert scores["mean_error_px"] < SIDE / 4
    assert json.loads((tmp_path / "figures.json").read_text())["pck"] == scores["pck"]
    with Image.open(tmp_path / "contact-sheet.png") as sheet:
        assert sheet.width == 5 * 384


def test_it_stays_until_ctrl_c_and_leaves_nothing_behind(place: Path) -> None:
    write_data_set(place / "clip")
    demo = start_demo(place, "--data", "clip", "--effort", "0.05")
    assert demo.stdout is not None
    lines: list[str] = []
    try:
        for line in demo.stdout:
            lines.append(line)
            if "Ctrl-C stops them" in line:
                break
        said = "".join(lines)
        address = re.search(r"Label Studio: (http://\S+?)/projects", said)
        assert address, said
        assert httpx.get(f"{address[1]}/health").status_code == 200
        demo.send_signal(signal.SIGINT)
        rest, _ = demo.communicate(timeout=60)
    finally:
        demo.kill()
    assert demo.returncode == 0, rest
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{address[1]}/health")
    give_up = time.monotonic() + 5
    while left_over(place) and time.monotonic() < give_up:
        time.sleep(0.1)
    assert left_over(place) == []
