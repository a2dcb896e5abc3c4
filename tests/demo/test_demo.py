import os
import signal
import threading
from pathlib import Path

import pytest
from rich.console import Console

from backend.datasets import Item
from backend.demo import demo
from backend.demo.label_studio_server import LabelStudioServer
from backend.demo.stopping import ignore_signals, interrupted_by_signals
from backend.errors import DemoError
from backend.instances import Instances
from backend.types import Head
from tests.datasets.made import picture, written


def test_a_fresh_folder_is_empty_and_marked(tmp_path: Path) -> None:
    folder = demo.fresh_folder(tmp_path / "demo-data")
    (folder / "old").mkdir()
    again = demo.fresh_folder(tmp_path / "demo-data")
    assert [path.name for path in again.iterdir()] == [demo.MARKER]


def test_a_folder_of_somebody_else_is_not_emptied(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(DemoError, match="not the demo's"):
        demo.fresh_folder(tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def test_it_says_where_to_look_and_where_commands_find_its_data(tmp_path: Path) -> None:
    studio = LabelStudioServer(tmp_path / "studio", Path("python"))
    backend = demo.backend_for(studio, tmp_path / "backend", 0, 1.0)
    console = Console(record=True, width=40)
    demo.show_places(studio, backend, 7, console)
    said = console.export_text()
    assert f"{studio.url}/projects/7/data" in said
    assert f"{backend.url}/projects/7" in said
    assert f"MICRO_MODELS_DATA_DIR={tmp_path / 'backend'} micro-models status" in said


def test_an_unknown_head_is_refused_before_anything_is_touched(tmp_path: Path) -> None:
    folder = tmp_path / "demo-data"
    with pytest.raises(DemoError, match=r"no demo of the head 'smell'.*detection, segmentation, pose, classification"):
        demo.run(head="smell", folder=folder)
    assert not folder.exists()


def test_a_folder_is_shown_as_what_it_is_unless_another_head_is_named(tmp_path: Path) -> None:
    objects = Instances([(1, 1, 8, 8)], ["a"], keypoints=[[(2, 3)]], keypoint_names=("nose",))
    frames = [Item("clip", f"{n}", 9, 9, objects, number=n, picture=picture(9, 9)) for n in range(3)]
    written("yolo-pose", tmp_path / "data", frames)
    console = Console(quiet=True)
    assert demo.load(tmp_path / "data", tmp_path, console, Head.DETECTION).head is Head.POSE
    for head, is_open in ((Head.SEGMENTATION, True), (Head.DETECTION, False)):
        with pytest.raises(DemoError, match="holds pose, which this demo cannot show"):
            demo.load(tmp_path / "data", tmp_path, console, head, is_open)


def test_a_missing_label_studio_says_what_to_do_and_leaves_the_signals_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "load", lambda *_: None)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(DemoError, match="make install-label-studio"):
        demo.run(folder=tmp_path / "demo-data", label_studio_venv=tmp_path / "nowhere", label_studio_port=0)
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_signal_interrupts_once_and_not_while_stopping(number: signal.Signals) -> None:
    assert threading.current_thread() is threading.main_thread()
    former = signal.getsignal(number)
    stopped = False
    with pytest.raises(KeyboardInterrupt), interrupted_by_signals():  # noqa: PT012
        try:
            os.kill(os.getpid(), number)
        finally:
            ignore_signals()
            os.kill(os.getpid(), number)
            stopped = True
    assert stopped
    assert signal.getsignal(number) is former
