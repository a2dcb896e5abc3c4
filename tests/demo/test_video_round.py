"""The demo of a whole video, with Label Studio and the backend played by lists."""

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image
from rich.console import Console

from backend.demo.data_set import DataSet, DemoFrame
from backend.demo.video_round import RATE, VideoRound
from backend.types import Instance


class FakeStudio:
    """Remembers what is asked of it."""

    def __init__(self) -> None:
        self.config = ""
        self.uploaded: list[str] = []
        self.rows: list[dict[str, Any]] = []
        self.submitted: list[dict[str, Any]] = []

    def create_project(self, title: str, config: str) -> int:
        self.config = config
        return 3

    @property
    def studio(self) -> "FakeStudio":
        return self

    def upload(self, project: int, files: list[Path]) -> list[str]:
        self.uploaded += [file.name for file in files]
        assert all(file.stat().st_size for file in files)
        return ["/data/upload/3/clip.mp4"]

    def create_tasks(self, project: int, rows: list[dict[str, Any]]) -> list[int]:
        self.rows += rows
        return [11]

    def submit(self, task: int, result: list[dict[str, Any]]) -> None:
        self.submitted += result


def box(number: int) -> tuple[float, float, float, float]:
    return (2.0 * number, 4.0, 2.0 * number + 20, 30.0)


@pytest.fixture
def made(tmp_path: Path) -> tuple[VideoRound, FakeStudio]:
    frames = []
    for number in range(12):
        Image.new("RGB", (64, 48)).save(tmp_path / f"{number}.png")
        frames.append(DemoFrame(tmp_path / f"{number}.png", number, (Instance("bunny", box(number)),)))
    servers: Any = SimpleNamespace(url="http://127.0.0.1:1", token="t", connect=lambda project: None)
    one = VideoRound(
        DataSet("clip", 64, 48, ("bunny",), tuple(frames)), 3, servers, servers, Console(file=io.StringIO())
    )
    one.person.studio.close()
    fake = FakeStudio()
    one.person = fake  # type: ignore[assignment]
    return one, fake


def test_the_clip_is_one_task_and_the_labels_are_keyframes_of_one_annotation(
    made: tuple[VideoRound, FakeStudio],
) -> None:
    one, fake = made
    one.create()
    assert (fake.uploaded, fake.rows) == (["clip.mp4"], [{"video": "/data/upload/3/clip.mp4"}])
    assert f'framerate="{RATE}"' in fake.config
    assert one.awaited() == {11}
    one.submit()
    [region] = fake.submitted
    assert [row["frame"] for row in region["value"]["sequence"]] == [position + 1 for position in one.labelled]
    assert region["value"]["labels"] == ["bunny"]
    assert "score" not in region


def test_a_prediction_is_read_frame_by_frame(made: tuple[VideoRound, FakeStudio]) -> None:
    one, fake = made
    one.create()
    one.submit()
    [region] = fake.submitted
    shown = one.predicted({11: {"result": [region | {"score": 0.75}]}})
    assert list(shown) == list(range(12))
    assert shown[one.labelled[0] - 1] == ()
    middle = (one.labelled[0] + one.labelled[1]) // 2
    [instance] = shown[middle]
    assert (instance.label, instance.score) == ("bunny", 0.75)
    assert instance.box == pytest.approx(box(middle), abs=0.01)
