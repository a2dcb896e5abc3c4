"""A video as a group of frames: where it belongs, and that nothing is doubled or overwritten."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from backend.errors import ImportRefused, LabelingConfigError, MediaError, StudioMissing
from backend.loop.import_video import SOURCE, Imported, import_video
from tests.loop.house import CONFIG, House

ON_VIDEO = (
    '<View><Labels name="label" toName="v"><Label value="x"/></Labels><Video name="v" value="$video"/>'
    '<VideoRectangle name="box" toName="v"/></View>'
)


@dataclass
class Importing:
    """As much of a Label Studio as an import needs."""

    config: str = CONFIG
    tasks: list[dict[str, Any]] = field(default_factory=list)

    def project(self, project: int) -> dict[str, Any]:
        if project != 1:
            raise StudioMissing(f"project {project}")
        return {"id": 1, "label_config": self.config}

    def metas(self, project: int, field: str, value: str) -> list[dict[str, Any]]:
        return [task["meta"] for task in self.tasks if task["data"].get(field) == value]

    def upload(self, project: int, files: Sequence[Path], told: Callable[[int, int], None]) -> list[str]:
        told(0, len(files))
        return [f"/data/upload/{path.name}" for path in files]

    def create_tasks(self, project: int, data: Sequence[Mapping[str, Any]], meta: Mapping[str, Any]) -> list[int]:
        self.tasks += [{"data": dict(row), "meta": dict(meta)} for row in data]
        return list(range(len(data)))


@pytest.fixture
def studio() -> Importing:
    return Importing()


@pytest.fixture
def house(tmp_path: Path, studio: Importing) -> Iterator[House]:
    house = House(tmp_path)
    house.services = replace(house.services, connect_studio=lambda url, key: studio)  # type: ignore[arg-type,return-value]
    yield house
    house.registry.close()


@pytest.fixture
def clip(tmp_path: Path) -> Callable[..., Path]:
    """Makes `folder/name` with so many frames of a shade."""

    def make(folder: str = "a", name: str = "clip.mp4", frames: int = 6, shade: int = 10) -> Path:
        path = tmp_path / folder / name
        path.parent.mkdir(exist_ok=True)
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=10)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            for number in range(frames):
                image = np.full((48, 64, 3), shade + number, np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            container.mux(stream.encode(None))
        return path

    return make


def bring(house: House, video: Path, name: str | None = None, every: int = 1, again: bool = False) -> Imported:
    return import_video(house.services, 1, video, name, every, again)


def groups(studio: Importing) -> set[str]:
    return {task["data"]["video"] for task in studio.tasks}


def test_frames_become_tasks_of_one_group(house: House, studio: Importing, clip: Callable[..., Path]) -> None:
    assert bring(house, clip(), every=2) == Imported("clip.mp4", 3)
    assert [task["data"] for task in studio.tasks] == [
        {"image": f"/data/upload/{n:06d}.jpg", "video": "clip.mp4", "frame": n} for n in (0, 2, 4)
    ]
    assert house.registry.projects.all() == [], "an import connects nothing"


def test_a_project_of_whole_videos_is_left_alone(house: House, studio: Importing, clip: Callable[..., Path]) -> None:
    studio.config = ON_VIDEO
    with pytest.raises(ImportRefused, match="one task"):
        bring(house, clip())
    assert studio.tasks == []


def test_a_config_with_nothing_for_us(house: House, studio: Importing, clip: Callable[..., Path]) -> None:
    studio.config = "<View/>"
    with pytest.raises(LabelingConfigError):
        bring(house, clip())


def test_an_unknown_project_leaves_no_trace(house: House, clip: Callable[..., Path]) -> None:
    with pytest.raises(StudioMissing):
        import_video(house.services, 99, clip(), None, 1)
    assert house.registry.projects.all() == []


@pytest.mark.parametrize(
    ("value", "data"),
    [
        ("$img", {"img": "URL", "video": "clip.mp4"}),
        ("$video", {"video": "URL", "video_id": "clip.mp4"}),
        ("$pic.url", {"pic": {"url": "URL"}, "video": "clip.mp4"}),
    ],
)
def test_the_configs_own_field_gets_the_picture_and_another_the_group(
    house: House, studio: Importing, clip: Callable[..., Path], value: str, data: dict[str, Any]
) -> None:
    studio.config = CONFIG.replace("$image", value)
    bring(house, clip(frames=1))
    found = str(studio.tasks[0]["data"]).replace("/data/upload/000000.jpg", "URL")
    assert found == str({**data, "frame": 0})


def test_the_field_that_groups_the_project_names_the_group(
    house: House, studio: Importing, clip: Callable[..., Path]
) -> None:
    studio.config = CONFIG.replace("<RectangleLabels", '<RectangleLabels model_group_by="camera"')
    bring(house, clip())
    assert studio.tasks[0]["data"]["camera"] == "clip.mp4"
    studio.config = CONFIG.replace("<RectangleLabels", '<RectangleLabels model_group_by="image"')
    with pytest.raises(ImportRefused, match="group of its own"):
        bring(house, clip(folder="b"))


def test_the_same_video_twice_is_refused_unless_asked_for(
    house: House, studio: Importing, clip: Callable[..., Path]
) -> None:
    bring(house, clip())
    for name in (None, "clip.mp4"):
        with pytest.raises(ImportRefused, match="--again"):
            bring(house, clip(), name)
    assert len(studio.tasks) == 6
    bring(house, clip(), "another name")
    bring(house, clip(), again=True)
    assert len(studio.tasks) == 18


def test_two_videos_of_one_name_are_two_groups(house: House, studio: Importing, clip: Callable[..., Path]) -> None:
    bring(house, clip())
    second = bring(house, clip(folder="b", shade=90))
    assert second.group == "clip.mp4 (2)"
    assert "Another video" in second.remarks[0]
    assert bring(house, clip(folder="c", shade=150)).group == "clip.mp4 (3)"
    assert groups(studio) == {"clip.mp4", "clip.mp4 (2)", "clip.mp4 (3)"}
    with pytest.raises(ImportRefused, match=r"as group 'clip\.mp4 \(2\)'"):
        bring(house, clip(folder="b", shade=90))
    with pytest.raises(ImportRefused, match="--name"):
        bring(house, clip(folder="d", shade=200), "clip.mp4")


def test_a_group_that_nobody_knows_the_source_of_counts_as_the_same(
    house: House, studio: Importing, clip: Callable[..., Path]
) -> None:
    studio.tasks.append({"data": {"video": "clip.mp4"}, "meta": {}})
    with pytest.raises(ImportRefused):
        bring(house, clip())
    assert SOURCE not in studio.tasks[0]["meta"]


def test_a_single_frame_is_told(house: House, clip: Callable[..., Path]) -> None:
    made = bring(house, clip(), every=100)
    assert made.tasks == 1
    assert "single frame" in made.remarks[0]


def test_what_is_no_video(house: House, studio: Importing, tmp_path: Path) -> None:
    sound, text = tmp_path / "sound.mp4", tmp_path / "text.mp4"
    text.write_text("hello")
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(MediaError, match="only sound"):
        bring(house, sound)
    with pytest.raises(MediaError, match="cannot be read"):
        bring(house, text)
    assert studio.tasks == []


def test_who_waits_hears_how_far_it_is(house: House, clip: Callable[..., Path]) -> None:
    told: list[tuple[str, int, int | None]] = []
    import_video(house.services, 1, clip(), None, 1, told=lambda *now: told.append(now))
    assert told == [*(("Cutting clip.mp4", done, 6) for done in range(6)), ("Uploading frames", 0, 6)]


def two_shots(path: Path) -> Path:
    """20 dark frames, and 20 bright ones."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(40):
            image = np.full((48, 64, 3), 20 if number < 20 else 220, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def test_each_shot_is_a_group_where_the_settings_say_so(house: House, studio: Importing, tmp_path: Path) -> None:
    video = two_shots(tmp_path / "film.mp4")
    assert bring(house, video, every=4) == Imported("film.mp4", 10), "else it is one"
    assert groups(studio) == {"film.mp4"}
    studio.tasks.clear()
    house.services = replace(house.services, settings=house.settings.model_copy(update={"shots": True}))
    made = bring(house, video, every=4)
    assert (made.group, made.tasks) == ("film.mp4", 10)
    assert made.remarks == ("It has 2 shots, each a group of its own: 'film.mp4' is 'film.mp4, shot 1' and so on.",)
    assert [(task["data"]["video"], task["data"]["frame"]) for task in studio.tasks] == [
        (f"film.mp4, shot {1 + (n >= 20)}", n) for n in range(0, 40, 4)
    ]
    with pytest.raises(ImportRefused, match="already"):
        bring(house, video, every=4)


def test_a_video_of_one_shot_is_one_group(house: House, studio: Importing, clip: Callable[..., Path]) -> None:
    house.services = replace(house.services, settings=house.settings.model_copy(update={"shots": True}))
    assert bring(house, clip(frames=40)) == Imported("clip.mp4", 40)
    assert groups(studio) == {"clip.mp4"}
