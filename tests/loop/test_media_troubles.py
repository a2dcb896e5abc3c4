"""Media that are damaged, slow, replaced, or inside the task: what becomes of labels and predictions."""

import base64
import io
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from backend.cancel import NEVER, CancelSource, CancelToken
from backend.errors import MediaError, RegistryError, TrainingInterrupted
from backend.learning.network import features
from backend.loop.data.features import embed_frames
from backend.loop.data.frames import FETCHERS, FrameStore
from backend.loop.data.readable import nearest, readable
from backend.loop.pages.status import project_status
from backend.loop.pages.thumbnail import Thumbnails
from backend.loop.predict.on_demand import Predictor
from backend.loop.refresh import refresh
from backend.studio.events import TaskData
from backend.studio.media import MediaCache
from backend.types import Frame
from tests.loop.house import House, glance, square_of
from tests.loop.test_video import KEYFRAMES, at, config, drawn, picture, tracks
from tests.studio.clips import write_video
from tests.studio.zoo.videos import damaged


@pytest.fixture
def house(tmp_path: Path, quick: None) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.registry.close()


def group(house: House, name: str = "clip") -> dict[str, Any]:
    return {g["group"]: g for g in project_status(house.services, 1)["groups"]}[name]


def png_of(task: int, colour: tuple[int, int, int] = (250, 200, 60)) -> bytes:
    array = np.full((48, 64, 3), 40, np.uint8)
    x0, y0, x1, y1 = square_of(task)
    array[y0:y1, x0:x1] = colour
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    return buffer.getvalue()


def add(house: House, task: int, data: dict[str, Any]) -> None:
    """A task with just this data."""
    house.studio.rows[task] = {"id": task, "project": 1, "data": data, "annotations": []}
    house.send("TASKS_CREATED", 1, tasks=[{"id": task, "data": data}])


def inline(task: int) -> str:
    return "data:image/png;base64," + base64.b64encode(png_of(task)).decode()


def test_pictures_inside_the_tasks_are_learnt_predicted_and_shown(house: House) -> None:
    house.add_project()
    for task in range(1, 5):
        add(house, task, {"image": inline(task), "video": "clip"})
    house.label(1)
    house.work()
    assert (group(house)["trained_labels"], group(house)["reason"]) == (1, None)
    assert set(house.shown()) == {2, 3, 4}
    task = house.registry.tasks.of_group(1, "clip")[1]
    assert Thumbnails(house.services).jpeg(house.registry.projects.seen(1), task)[:2] == b"\xff\xd8"
    [answer] = Predictor(house.services).predict(1, [TaskData(9, {"image": inline(9), "video": "clip"})])
    assert answer is not None
    assert len(answer["result"]) == 1
    assert all(len(source) < 2000 for source in house.registry.features.sources(1, range(10)).values())


def test_a_video_inside_a_task_is_learnt(house: House, tmp_path: Path) -> None:
    house.add_project(config=config())
    video = write_video(tmp_path / "v.mp4", [picture(n) for n in range(1, 41)]).read_bytes()
    data = {"video": "data:video/mp4;base64," + base64.b64encode(video).decode()}
    add(house, 1, data)
    house.label(1, drawn(*map(at, KEYFRAMES)))
    house.work()
    assert (group(house, "task 1")["trained_labels"], group(house, "task 1")["reason"]) == (1, None)
    assert len(tracks(house)) == 1


def test_damaged_frames_of_a_video_cost_themselves_and_are_named(house: House, tmp_path: Path) -> None:
    house.add_project(config=config())
    source = write_video(tmp_path / "v.mp4", [picture(n) for n in range(1, 41)])
    damaged(source, house.media / "1.mp4", 26)
    data = {"video": "/data/local-files/?d=1.mp4"}
    add(house, 1, data)
    house.label(1, drawn(*map(at, (2, 8, 14, 38))))
    house.work()
    state = group(house, "task 1")
    assert (state["state"], state["trained_labels"]) == ("idle", 1)
    assert len(tracks(house)) == 1
    [task] = house.registry.tasks.of_group(1, "task 1")
    assert "of its video cannot be decoded; the others are used" in (task.problem or "")


def test_a_labelled_frame_that_is_damaged_is_left_out_with_words(house: House, tmp_path: Path) -> None:
    house.add_project(config=config())
    source = write_video(tmp_path / "v.mp4", [picture(n) for n in range(1, 41)])
    damaged(source, house.media / "1.mp4", *range(21, 41))
    data = {"video": "/data/local-files/?d=1.mp4"}
    add(house, 1, data)
    house.label(1, drawn(*map(at, (2, 8, 14, *range(25, 40)))))
    house.work()
    state = group(house, "task 1")
    assert (state["state"], state["trained_labels"]) == ("idle", 1)
    assert "cannot be decoded; the others are used" in (state["reason"] or "")


def test_a_truncated_picture_is_learnt_with_a_remark(house: House) -> None:
    house.add_project()
    noise = np.random.default_rng(0).integers(0, 100, (48, 64, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "PNG")
    house.add_task(1, image=buffer.getvalue()[:-2500])
    house.add_task(2, image=buffer.getvalue()[:-2500])
    house.label(1)
    house.work()
    assert group(house)["trained_labels"] == 1
    assert "task 1: the picture's file is damaged" in group(house)["reason"]
    assert set(house.shown()) == {2}
    assert "damaged" in (house.registry.tasks.of_group(1, "clip")[1].problem or "")


class Tap:
    """Stands in for a media cache: some pictures come at once, others when they may."""

    def __init__(self, slow: set[int], error: Exception | None = None) -> None:
        self.slow, self.error, self.open, self.asked = slow, error, threading.Event(), list[int]()

    def image(self, url: str, task: int, side: int, cancel: CancelToken, remark: object) -> tuple[Any, Any]:
        self.asked.append(task)
        while task in self.slow and not self.open.wait(0.01):
            cancel.check()
        if task in self.slow and self.error:
            raise self.error
        return np.zeros((4, 4, 3), np.uint8), (4, 4)


def store_of(tap: Tap, cancel: CancelToken = NEVER) -> FrameStore:
    return FrameStore(tap, 100, cancel)  # type: ignore[arg-type]


def test_one_slow_picture_holds_up_no_other(house: House) -> None:
    house.add_project()
    for task in range(1, 30):
        house.add_task(task)
    tasks, tap = house.registry.tasks.of_group(1, "clip"), Tap({1}, MediaError("3 bytes in 20 s"))
    store = store_of(tap)
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(store.select(tasks, "image")))
    thread.start()
    _until(lambda: len(set(tap.asked)) == len(tasks))
    assert not found
    tap.open.set()
    thread.join()
    frames, problems = found[0]
    assert (len(frames), problems) == (len(tasks) - 1, {1: "3 bytes in 20 s"})
    store.select(tasks, "image")
    assert tap.asked.count(1) == 1  # a training that asks again does not wait again


def test_waiting_for_pictures_ends_when_the_worker_stops(house: House) -> None:
    house.add_project()
    for task in range(1, 30):
        house.add_task(task)
    tasks, tap, stop = house.registry.tasks.of_group(1, "clip"), Tap(set(range(1, 30))), CancelSource()
    threading.Timer(0.1, stop.cancel, ["the worker stops"]).start()
    with pytest.raises(TrainingInterrupted):
        store_of(tap, stop).select(tasks, "image")
    assert len(tap.asked) == FETCHERS


def test_a_worker_that_stops_gives_up_a_training_that_waits_for_a_picture(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.add_project()
    house.add_task(1)

    def waits(media: MediaCache, url: str, task: int, side: int, cancel: CancelToken, remark: object) -> None:
        house.stop.cancel("the worker stops")
        cancel.check()
        raise AssertionError("it goes on waiting")

    monkeypatch.setattr(MediaCache, "image", waits)
    house.label(1)
    house.worker.run_group(1, "clip")
    state = group(house)
    assert (state["state"], state["trained_labels"]) == ("queued", 0)


def test_a_replaced_picture_has_other_features_and_another_thumbnail(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[list[int]] = []

    def vectors(frames: Any, backbone: str) -> list[Any]:
        seen = list(frames)
        made.append([frame.task for frame in seen])
        return [glance(frame) for frame in seen]

    monkeypatch.setattr(features, "vectors", vectors)
    house.add_project()
    for task in (1, 2, 3):
        house.add_task(task)
    project, tasks = house.registry.projects.seen(1), house.registry.tasks.of_group(1, "clip")
    thumbnails = Thumbnails(house.services)

    def looked() -> None:
        embed_frames(house.services, project, tasks, FrameStore(house.services.media(project), 10))

    looked()
    looked()
    before = thumbnails.jpeg(project, tasks[1])
    (house.media / "2.png").write_bytes(png_of(2, (0, 0, 255)) + b"replaced")
    looked()
    looked()
    assert made == [[1, 2, 3], [2]]
    assert thumbnails.jpeg(project, tasks[1]) != before


def test_refresh_forgets_what_was_seen_and_asks_for_a_training(house: House) -> None:
    house.add_project()
    for task in (1, 2, 3):
        house.add_task(task)
    house.label(1)
    house.work()
    assert len(house.registry.features.sources(1, [1, 2, 3])) == 3
    house.queue.groups.clear()
    assert refresh(house.services, 1, "clip") == 3
    assert house.registry.features.sources(1, [1, 2, 3]) == {}
    assert house.queue.groups == [(1, "clip")]
    assert (house.media / "2.png").exists()
    house.work()
    assert group(house)["version"] == "v2"
    with pytest.raises(RegistryError, match="no group 'other'"):
        refresh(house.services, 1, "other")


def test_one_client_and_one_cache_for_each_label_studio(house: House) -> None:
    house.add_project(1)
    house.add_project(2)
    for project in (1, 2):
        house.add_task(project, project=project)
    one, two = (house.services.media(house.registry.projects.seen(project)) for project in (1, 2))
    assert one is two
    other = house.registry.projects.configure(2, settings={"url": "http://other.test"})
    assert house.services.media(other) is not one


def frame(number: int) -> Frame:
    if number in (2, 3):
        raise MediaError(f"frame {number} is damaged")
    return Frame(number, np.zeros((1, 1, 3), np.uint8), 1, 1)


def test_readable_frames_and_the_nearest_one() -> None:
    assert [f.task for f in readable(lambda n=n: frame(n) for n in range(6))] == [0, 1, 4, 5]  # type: ignore[misc]
    assert [nearest(frame, n, 6).task for n in range(6)] == [0, 1, 1, 4, 4, 5]
    with pytest.raises(MediaError, match="frame 2 is damaged"):
        nearest(lambda n: frame(n + 2), 0, 2)


def _until(condition: Callable[[], bool]) -> None:
    waiting = threading.Event()
    for _ in range(3000):
        if condition():
            return
        waiting.wait(0.01)
    raise AssertionError("waited half a minute")
