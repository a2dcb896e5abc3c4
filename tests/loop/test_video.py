"""Tasks that hold a whole video: a few keyframes become tracks of all of it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.learning import methods
from backend.learning.fitting.training_input import TrainingInput
from backend.loop.data import video_frames
from backend.loop.pages.group_page import group_page
from backend.loop.pages.status import project_status
from backend.loop.predict.on_demand import Predictor
from backend.studio import tags
from backend.studio.events import TaskData
from backend.studio.labeling_config import parse
from backend.tracks import Keyframe, Track, VideoSize
from backend.types import Box, Control, Frame, Image, Instance, LabeledFrame, Prediction, Weights
from tests.loop.house import House
from tests.studio.clips import write_video

WIDTH, HEIGHT, FRAMES, SIDE = 160, 120, 40, 24
SIZE = VideoSize(WIDTH, HEIGHT, FRAMES, 10.0)
KEYFRAMES = (8, 20, 32)


def config(framerate: str = 'framerate="10"') -> str:
    return f"""<View><Labels name="label" toName="video"><Label value="square"/></Labels>
        <Video name="video" value="$video" {framerate}/><VideoRectangle name="box" toName="video"/></View>"""


TIMELINE = """<View><Video name="video" value="$video" framerate="10"/><TimelineLabels name="light" toName="video">
    <Label value="on"/><Label value="off"/></TimelineLabels></View>"""


def true_box(frame: int) -> Box:
    """Along an arch: a straight line between keyframes misses it."""
    x = 4.0 + 3 * frame
    y = float(round(HEIGHT - SIDE - 8 - 80 * np.sin(np.pi * frame / FRAMES)))
    return x, y, x + SIDE, y + SIDE


def picture(frame: int) -> Image:
    image = np.full((HEIGHT, WIDTH, 3), 30, np.uint8)
    x0, y0, x1, y1 = map(int, true_box(frame))
    image[y0:y1, x0:x1] = (250, 220, 200)
    return image


def at(frame: int, enabled: bool = True) -> dict[str, Any]:
    x0, y0, x1, y1 = true_box(frame)
    place = {"x": x0 / 1.6, "y": y0 / 1.2, "width": (x1 - x0) / 1.6, "height": (y1 - y0) / 1.2, "rotation": 0}
    return {"frame": frame, "enabled": enabled, "time": frame / 10, **place}


def drawn(*keyframes: dict[str, Any], region: str = "r1") -> list[dict[str, Any]]:
    value = {"framesCount": FRAMES, "duration": FRAMES / 10, "sequence": list(keyframes), "labels": ["square"]}
    return [{"id": region, "from_name": "box", "to_name": "video", "type": "videorectangle", "value": value}]


def add_video(house: House, task: int, frames: int = FRAMES, times: Sequence[int] | None = None, **data: Any) -> None:
    path = house.media / f"{task}.mp4"
    write_video(path, [picture(n) for n in range(1, frames + 1)], times=times)
    fields = {"video": f"/data/local-files/?d={path.name}", **data}
    house.studio.rows[task] = {"id": task, "project": 1, "data": fields, "annotations": []}
    house.send("TASKS_CREATED", 1, tasks=[{"id": task, "data": fields}])


@pytest.fixture
def house(tmp_path: Path, quick: None) -> Iterator[House]:
    house = House(tmp_path)
    house.add_project(config=config())
    yield house
    house.registry.close()


def group(house: House, name: str = "task 1") -> dict[str, Any]:
    return {g["group"]: g for g in project_status(house.services, 1)["groups"]}[name]


def tracks(house: House, task: int = 1) -> tuple[Track, ...]:
    [prediction] = house.shown()[task]
    control = parse(config()).require()[0]
    read = tags.for_video(control).read(prediction["result"], control, SIZE)
    assert read.problems == ()
    return read.tracks


def test_a_few_keyframes_become_the_track_of_the_whole_video(house: House) -> None:
    add_video(house, 1)
    house.label(1, drawn(*map(at, KEYFRAMES)))
    house.work()
    state = group(house)
    assert (state["state"], state["trained_labels"], state["version"]) == ("idle", 1, "v1")
    assert state["reason"] is None
    [track] = tracks(house)
    for frame in range(1, FRAMES + 1):
        assert track.box_at(frame) == pytest.approx(true_box(frame), abs=2.5)
    assert track.region_id == "r1"
    for frame in KEYFRAMES:
        assert track.box_at(frame) == pytest.approx(true_box(frame), abs=1e-3)
    assert len(track.keyframes) < FRAMES / 2
    [prediction] = house.shown()[1]
    value = prediction["result"][0]["value"]
    assert (value["framesCount"], value["duration"]) == (FRAMES, 4.0)
    assert all(row["time"] == row["frame"] / 10 for row in value["sequence"])
    assert prediction["score"] == pytest.approx(0.9, abs=0.01)


def test_only_keyframes_are_learnt_from(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, list[Any]] = {}
    train = methods.train

    def watching(control: Control, given: TrainingInput, recipe: Any) -> Any:
        seen["labeled"] = [(one.frame.task, one.frame.order, [i.box for i in one.instances]) for one in given.labeled]
        seen["unlabeled"] = [frame.task for frame in given.unlabeled]
        return train(control, given, recipe)

    monkeypatch.setattr(methods, "train", watching)
    add_video(house, 1)
    house.label(1, drawn(*map(at, KEYFRAMES)))
    house.work()
    assert [(key, order) for key, order, _ in seen["labeled"]] == [(n, float(n)) for n in KEYFRAMES]
    assert [boxes[0] for _, _, boxes in seen["labeled"]] == [pytest.approx(true_box(n)) for n in KEYFRAMES]
    assert seen["unlabeled"] == [n for n in range(1, FRAMES + 1) if n not in KEYFRAMES]


def test_what_a_person_ended_stays_ended_and_the_correction_renews_in_place(house: House) -> None:
    add_video(house, 1)
    house.label(1, drawn(*map(at, KEYFRAMES)))
    house.work()
    before = set(house.studio.predictions)
    house.label(1, drawn(*map(at, (8, 20)), at(30, enabled=False)), action="ANNOTATION_UPDATED")
    house.work()
    assert set(house.studio.predictions) == before
    assert group(house)["trained_labels"] == 1
    assert [track.lifespans(FRAMES)[-1][1] for track in tracks(house)] == [30]


def test_each_video_is_a_group_of_its_own(house: House) -> None:
    add_video(house, 1)
    add_video(house, 2)
    house.label(1, drawn(at(8)))
    house.work()
    assert set(house.shown()) == {1}
    assert group(house, "task 2")["labelled"] == 0


def test_videos_of_a_named_group_are_learnt_together_and_all_predicted(house: House) -> None:
    house.studio.projects[1]["label_config"] = config().replace('name="box"', 'name="box" model_group_by="camera"')
    add_video(house, 1, camera="north")
    add_video(house, 2, camera="north")
    house.label(2, drawn(*map(at, KEYFRAMES)))
    house.work()
    assert group(house, "north")["trained_labels"] == 1
    assert set(house.shown()) == {1, 2}
    assert tracks(house, 1)[0].box_at(25) == pytest.approx(true_box(25), abs=2.5)
    assert tracks(house, 1)[0].region_id != "r1"


@pytest.mark.parametrize(
    ("framerate", "times", "words"),
    [
        ("", None, 'Write framerate="10" in the Video tag'),
        ('framerate="25"', None, "10 frames a second"),
        ('framerate="10"', [*range(20), *range(40, 60)], "variable frame rate"),
    ],
)
def test_a_video_that_is_counted_otherwise_is_refused_with_words(
    house: House, framerate: str, times: list[int] | None, words: str
) -> None:
    house.studio.projects[1]["label_config"] = config(framerate)
    add_video(house, 1, times=times)
    house.label(1, drawn(at(8)))
    house.work()
    state = group(house)
    assert (state["state"], state["trained_labels"], state["version"]) == ("idle", 0, None)
    assert "task 1: 1.mp4" in state["reason"]
    assert words in state["reason"]
    assert house.shown() == {}


def test_a_missing_video_costs_its_group_only(house: House) -> None:
    add_video(house, 1)
    add_video(house, 2)
    (house.media / "1.mp4").write_bytes(b"broken")
    house.label(1, drawn(at(8)))
    house.label(2, drawn(at(8)))
    house.work()
    assert "cannot be decoded" in group(house, "task 1")["reason"]
    assert set(house.shown()) == {2}


def test_an_annotation_without_anything_in_it_teaches_nothing_and_says_so(house: House) -> None:
    add_video(house, 1)
    house.label(1, [])
    house.work()
    assert group(house)["trained_labels"] == 0
    assert "nothing of 'box' is drawn in it yet" in group(house)["reason"]
    assert house.shown() == {}


def test_a_long_video_is_looked_at_now_and_then(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video_frames, "LOOKED_AT", 10)
    add_video(house, 1)
    house.label(1, drawn(at(7), at(22)))
    house.work()
    [track] = tracks(house)
    looked_at = {*range(1, FRAMES + 1, 4), FRAMES, 7, 22}
    assert {one.frame for one in track.keyframes} <= looked_at
    for frame in range(1, FRAMES + 1):
        assert track.box_at(frame) == pytest.approx(true_box(frame), abs=5)


def test_label_studio_gets_what_was_published_and_nothing_else(house: House) -> None:
    add_video(house, 1)
    add_video(house, 2)
    house.label(1, drawn(*map(at, KEYFRAMES)))
    predictor = Predictor(house.services)
    asked = [TaskData(n, house.studio.rows[n]["data"]) for n in (1, 2)]
    assert predictor.predict(1, asked) == [None, None]
    house.work()
    first, second = predictor.predict(1, asked)
    assert first is not None
    assert first["result"] == house.shown()[1][0]["result"]
    assert second is None


@dataclass(frozen=True)
class EyeForAngles:
    """Sees the square turned by 20 degrees in all frames."""

    weights: Weights
    nbytes: int = 1

    def predict(
        self, frames: Iterable[Frame], labeled: Sequence[LabeledFrame] = (), enclosing_boxes: object = None
    ) -> list[Prediction]:
        return [Prediction(f.task, (self._seen(f),), 0.9) for f in frames]

    def _seen(self, frame: Frame) -> Instance:
        return Instance("square", true_box(frame.task), 0.9, track=0, angle=20.0)


@pytest.mark.parametrize(("rotation", "angle"), [(20.0, 20.0), (0.0, 0.0)])
def test_turned_keyframes_are_learnt_turned_and_come_back_so(
    house: House, monkeypatch: pytest.MonkeyPatch, rotation: float, angle: float
) -> None:
    taught: list[float] = []
    train = methods.train

    def watching(control: Control, given: TrainingInput, recipe: Any) -> Any:
        taught.extend(i.angle for one in given.labeled for i in one.instances)
        return train(control, given, recipe)

    monkeypatch.setattr(methods, "train", watching)
    if rotation:
        monkeypatch.setattr(methods, "load", lambda weights, device="auto": EyeForAngles(weights))
    add_video(house, 1)
    control = parse(config()).require()[0]
    own = Track("square", tuple(Keyframe(n, true_box(n), angle=rotation) for n in KEYFRAMES), region_id="r1")
    house.label(1, tags.for_video(control).write([own], control, SIZE))
    house.work()
    assert taught == pytest.approx([angle] * len(KEYFRAMES), abs=0.01)
    [track] = tracks(house)
    assert [one.angle for one in track.keyframes] == pytest.approx([angle] * len(track.keyframes), abs=0.01)
    for frame in range(1, FRAMES + 1):
        assert track.box_at(frame) == pytest.approx(true_box(frame), abs=2.5)


@dataclass(frozen=True)
class EyeForLight:
    """Tells frames whose square is in the left half from the others."""

    weights: Weights
    nbytes: int = 1

    def predict(
        self, frames: Iterable[Frame], labeled: Sequence[LabeledFrame] = (), enclosing_boxes: object = None
    ) -> list[Prediction]:
        return [Prediction(f.task, (Instance(self._label(f), (0, 0, WIDTH, HEIGHT), 0.8),), 0.8) for f in frames]

    def _label(self, frame: Frame) -> str:
        return "on" if frame.image[:, : WIDTH // 2].max() > 128 else "off"


def test_ranges_of_frames(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(methods, "load", lambda weights, device="auto": EyeForLight(weights))
    taught: list[tuple[int, list[str]]] = []
    train = methods.train

    def watching(control: Control, given: TrainingInput, recipe: Any) -> Any:
        taught.extend((one.frame.task, [i.label for i in one.instances]) for one in given.labeled)
        return train(control, given, recipe)

    monkeypatch.setattr(methods, "train", watching)
    house.studio.projects[1]["label_config"] = TIMELINE
    add_video(house, 1)
    ranges = {"on": (3, 12), "off": (30, 31)}
    result = [
        {"id": label, "from_name": "light", "to_name": "video", "type": "timelinelabels",
         "value": {"ranges": [{"start": start, "end": end}], "timelinelabels": [label]}}
        for label, (start, end) in ranges.items()
    ]  # fmt: skip
    house.label(1, result)
    house.work()
    assert len(taught) == video_frames_of(ranges)
    assert all(ranges[labels[0]][0] <= number <= ranges[labels[0]][1] for number, labels in taught)
    [prediction] = house.shown()[1]
    shown = [(r["value"]["timelinelabels"], r["value"]["ranges"], r["id"]) for r in prediction["result"]]
    last = max(n for n in range(1, FRAMES + 1) if true_box(n)[0] < WIDTH // 2)
    assert shown == [
        (["on"], [{"start": 1, "end": last}], "on"),
        (["off"], [{"start": last + 1, "end": FRAMES}], "off"),
    ]
    assert group(house)["trained_labels"] == 1


def video_frames_of(ranges: dict[str, tuple[int, int]]) -> int:
    """Frames that are learnt from in these ranges."""
    return sum(min(8, end - start + 1) for start, end in ranges.values())


def test_what_is_said_of_a_whole_video(house: House) -> None:
    add_video(house, 1)
    house.label(1, drawn(*map(at, KEYFRAMES)))
    waiting = group(house)
    assert waiting["next"] == "3 keyframes; first prediction to come"
    assert waiting["title"] == "1.mp4 (task 1)"
    house.work()
    done = group(house)
    assert done["next"] is None
    assert done["advice"] == "Open the task, take the prediction over, mend where it is wrong, and submit."
    page = group_page(house.services, 1, "task 1", 1)
    assert page is not None
    assert page.gallery is not None
    frames = [picture.frame for picture in page.gallery.pictures]
    assert page.headline == done["advice"]
    assert len(frames) > 2, "pictures of the prediction, although the task is labelled"
    assert not page.efficiency.reviewed
