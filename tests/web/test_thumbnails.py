import io
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageColor

from backend.cancel import CancelToken
from backend.errors import MicroModelsError
from backend.loop.pages.thumbnail import DRAWN_AT_ONCE, Thumbnails, classes_of, finished, view_of
from backend.studio.drawing import PALETTE
from backend.studio.labeling_config import parse
from backend.studio.media import MediaCache
from backend.studio.tags import for_control, for_video
from backend.tracks import Keyframe, Track, VideoSize
from model_registry import LedgerEntry
from tests.loop.house import CONFIG, House, box_of, square_of
from tests.studio.clips import number_of, numbered, write_video


def picture(client: TestClient, task: int, stamp: str = "") -> Image.Image:
    answer = client.get(f"/projects/1/tasks/{task}/thumbnail", params={"v": stamp} if stamp else {})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/jpeg"
    return Image.open(io.BytesIO(answer.content)).convert("RGB")


def near(pixel: object, colour: str) -> bool:
    assert isinstance(pixel, tuple)
    return sum(abs(a - b) for a, b in zip(pixel, ImageColor.getrgb(colour), strict=False)) < 160


@pytest.mark.usefixtures("quick")
def test_the_prediction_is_drawn_where_it_is(client: TestClient, house: House) -> None:
    house.label(1)
    house.work()
    x0, y0, _, y1 = square_of(5)
    plain = client.get("/projects/1/tasks/1/thumbnail").content
    drawn = picture(client, 5)
    assert drawn.size == (64, 48)
    assert near(drawn.getpixel((x0, (y0 + y1) // 2)), PALETTE[0])
    assert plain


def test_the_class_of_a_region_is_written_beside_it() -> None:
    side = {"id": "r1", "from_name": "side", "type": "choices", "value": {"choices": ["left", "far"]}}
    entry = LedgerEntry(1, 1, None, [*box_of(1), side], 0.5, {}, "", 0.0, 0.5)
    assert classes_of(entry) == {"r1": "left, far"}
    assert classes_of(None) == {}
    bare, written = (Image.new("RGB", (200, 100)) for _ in range(2))
    [control] = parse(CONFIG).controls
    said = [(control, for_control(control).read(box_of(1), control, (64, 48)).instances)]
    finished(bare, (64, 48), said, None, (0, 0, 64, 48))
    finished(written, (64, 48), said, entry, (0, 0, 64, 48))
    assert np.asarray(written).any(2).sum() > np.asarray(bare).any(2).sum(), "the plate is longer"


def test_without_a_prediction_it_is_the_image(client: TestClient) -> None:
    assert picture(client, 2).size == (64, 48)


@pytest.mark.usefixtures("quick")
def test_a_new_prediction_is_a_new_picture(client: TestClient, house: House) -> None:
    before = client.get("/projects/1/tasks/5/thumbnail").content
    house.label(1)
    house.work()
    assert client.get("/projects/1/tasks/5/thumbnail").content != before


def test_a_picture_with_a_stamp_is_kept_by_the_browser(client: TestClient) -> None:
    assert "immutable" in client.get("/projects/1/tasks/2/thumbnail?v=1").headers["cache-control"]
    assert client.get("/projects/1/tasks/2/thumbnail").headers["cache-control"] == "no-cache"


def test_what_has_no_picture_gets_a_placeholder(client: TestClient, house: House) -> None:
    house.add_task(50, image=b"no image")
    house.registry.projects.configure(1, config=CONFIG.replace("$image", "$photo"))
    for task in (50, 2):
        answer = client.get(f"/projects/1/tasks/{task}/thumbnail?v=1")
        assert answer.headers["content-type"].startswith("image/svg+xml")
        assert answer.headers["cache-control"] == "no-store"
        assert "<title>" in answer.text
    house.registry.projects.configure(1, config=CONFIG)
    assert "50.png" in client.get("/projects/1/tasks/50/thumbnail").text


def test_pictures_that_do_not_come_keep_none_waiting_that_are_here(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawer, path, go = Thumbnails(house.services), MediaCache.path, threading.Event()
    begun = threading.Semaphore(0)
    slow = range(1, DRAWN_AT_ONCE + 2)

    def fetched(self: MediaCache, url: str, task: int, *rest: Any) -> Path:
        if task in slow:
            begun.release()
            go.wait(30)
        return path(self, url, task, *rest)

    monkeypatch.setattr(MediaCache, "path", fetched)
    project = house.registry.projects.require(1)
    tasks = {task.id: task for task in house.registry.tasks.of_group(1, "clip")}
    with ThreadPoolExecutor(len(tasks)) as pool:
        waiting = [pool.submit(drawer.jpeg, project, tasks[task]) for task in slow]
        try:
            assert all(begun.acquire(timeout=20) for _ in slow)
            assert pool.submit(drawer.jpeg, project, tasks[max(tasks)]).result(20)[:2] == b"\xff\xd8"
            assert not any(one.done() for one in waiting)
        finally:
            go.set()


def test_a_picture_is_not_waited_for_for_ever(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]

    def fetched(self: MediaCache, url: str, task: int, cancel: CancelToken) -> Path:
        while now[0] < 1e6:
            now[0] += 1
            cancel.check()
        pytest.fail("waited for ever")

    monkeypatch.setattr(MediaCache, "path", fetched)
    task = house.registry.tasks.of_group(1, "clip")[0]
    with pytest.raises(MicroModelsError, match="did not come within 60 s"):
        Thumbnails(house.services, lambda: now[0]).jpeg(house.registry.projects.require(1), task)


def test_a_task_of_another_project_is_not_shown(client: TestClient, house: House) -> None:
    house.add_project(2)
    house.add_task(50, project=2)
    assert client.get("/projects/1/tasks/50/thumbnail").status_code == 404
    assert client.get("/projects/2/tasks/50/thumbnail").status_code == 200


def test_a_video_shows_the_first_frame_with_something_in_it(client: TestClient, house: House) -> None:
    config = (
        '<View><Labels name="l" toName="v"><Label value="A"/></Labels><Video name="v" value="$clip"/>'
        '<VideoRectangle name="box" toName="v"/></View>'
    )
    house.add_project(1, config)
    write_video(house.media / "clip.mp4", [numbered(n) for n in range(1, 13)])
    house.add_task(50, clip="/data/local-files/?d=clip.mp4")
    record = house.registry.projects.get(1)
    assert record is not None
    [control] = house.services.config(record).controls
    assert number_of(np.asarray(picture(client, 50))) == 1
    track = Track("A", (Keyframe(5, (20, 10, 60, 40)),), 0.8, "r")
    result = for_video(control).write([track], control, VideoSize(96, 48, 12, 10.0))
    house.registry.ledger.record(1, [LedgerEntry(50, 1, None, result, 0.8, {}, "m", 5.0)])
    drawn = picture(client, 50)
    assert near(drawn.getpixel((20, 38)), PALETTE[0])
    assert number_of(np.asarray(drawn.crop((0, 42, 96, 48)))) == 5


def test_a_small_object_is_shown_close_with_some_ground_around_it() -> None:
    left, top, right, bottom = view_of([(900.0, 500.0, 1000.0, 560.0)], (1920, 1080))
    assert (left < 900, top < 500, right > 1000, bottom > 560) == (True,) * 4
    assert (right - left) / (bottom - top) == pytest.approx(1920 / 1080)
    assert right - left < 1920 / 2


def test_a_large_object_several_apart_or_none_are_shown_whole() -> None:
    whole = (0.0, 0.0, 1920.0, 1080.0)
    for boxes in ([], [(100.0, 100.0, 1200.0, 900.0)], [(0.0, 0.0, 40.0, 40.0), (1800.0, 900.0, 1900.0, 1000.0)]):
        assert view_of(boxes, (1920, 1080)) == whole


@given(st.lists(st.tuples(*[st.floats(-50, 3000)] * 4), max_size=3), st.integers(1, 3000), st.integers(1, 3000))
def test_a_view_lies_in_its_picture(corners: list[tuple[float, ...]], width: int, height: int) -> None:
    boxes = [(min(a, c), min(b, d), max(a, c), max(b, d)) for a, b, c, d in corners]
    left, top, right, bottom = view_of(boxes, (width, height))
    assert -1e-6 <= left < right <= width + 1e-6
    assert -1e-6 <= top < bottom <= height + 1e-6
