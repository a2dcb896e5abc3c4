"""What is slow costs its own request: the one slot in which micro-models compute is never held by whoever waits."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from backend.cancel import CancelToken
from backend.loop.predict import on_demand
from backend.loop.predict.on_demand import Predictor
from backend.studio.events import TaskData
from backend.studio.media import MediaCache
from tests.loop.house import House

Answers = list[Any]


@pytest.fixture
def house(quick: None, tmp_path: Path) -> House:
    """Two groups with a micro-model each, and a task in each that nobody has predicted yet."""
    made = House(tmp_path)
    made.add_project()
    for task in (1, 2, 11, 12):
        made.add_task(task, video="slow" if task < 10 else "quick")
        made.label(task)
    made.work()
    return made


@pytest.fixture
def go() -> Iterator[threading.Event]:
    made = threading.Event()
    yield made
    made.set()


def fresh(house: House, task: int, video: str) -> TaskData:
    """A task that is not in the ledger."""
    return TaskData(task, {**house.studio.rows[11]["data"], "video": video})


def meanwhile(
    slow: Callable[[], Answers], begun: threading.Event, quick: Callable[[], Answers], go: threading.Event
) -> Answers:
    """What the quick one is answered while the slow one waits for `go`."""
    with ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(slow)
        try:
            assert begun.wait(20), "nothing slow ever began"
            found = pool.submit(quick).result(20)
            assert not waiting.done()
        finally:
            go.set()
        return found


@pytest.mark.parametrize("place", ["images", "weights"])
def test_whoever_waits_for_a_store_keeps_no_other_group_waiting(
    house: House, monkeypatch: pytest.MonkeyPatch, go: threading.Event, place: str
) -> None:
    begun, predictor = threading.Event(), Predictor(house.services)
    image, read = MediaCache.image, on_demand.read_and_load

    def hang() -> None:
        begun.set()
        go.wait(30)

    def slow_image(self: MediaCache, url: str, task: int, *rest: Any) -> Any:
        if task == 3:
            hang()
        return image(self, url, task, *rest)

    def slow_weights(services: Any, version: Any) -> Any:
        if version.group == "slow":
            hang()
        return read(services, version)

    if place == "images":
        monkeypatch.setattr(MediaCache, "image", slow_image)
    else:
        monkeypatch.setattr(on_demand, "read_and_load", slow_weights)

    def ask(task: int, video: str) -> Answers:
        return predictor.predict(1, [fresh(house, task, video)])

    [answer] = meanwhile(lambda: ask(3, "slow"), begun, lambda: ask(13, "quick"), go)
    assert answer is not None


def test_images_that_do_not_come_in_time_cost_their_own_task_and_the_log_says_so(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]

    def never(self: MediaCache, url: str, task: int, side: int, cancel: CancelToken, *rest: Any) -> Any:
        while now[0] < 1e6:
            now[0] += 1
            cancel.check()
        pytest.fail("waited for ever")

    monkeypatch.setattr(MediaCache, "image", never)
    predictor = Predictor(house.services, lambda: now[0])
    with capture_logs() as log:
        assert predictor.predict(1, [fresh(house, 3, "slow"), fresh(house, 13, "quick")]) == [None, None]
    assert now[0] == pytest.approx(61)
    [why] = [entry["why"] for entry in log if entry["event"] == "no prediction"]
    assert why == "its images were not all looked at within 60 s"


def test_an_image_is_decoded_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    image, decoded = MediaCache.image, list[int]()

    def counted(self: MediaCache, url: str, task: int, *rest: Any) -> Any:
        decoded.append(task)
        return image(self, url, task, *rest)

    monkeypatch.setattr(MediaCache, "image", counted)
    [answer] = Predictor(house.services).predict(1, [fresh(house, 13, "quick")])
    assert answer is not None
    assert decoded == [13]
