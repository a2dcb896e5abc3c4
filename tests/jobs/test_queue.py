import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from huey.api import Huey

from backend.errors import SettingsError
from backend.jobs.queue import Handlers, HueyQueue, JsonSerializer, open_storage, redis_storage
from backend.jobs.worker import work
from tests.engines import RedisServer, redis_at_hand

Storage = Callable[[str], Huey]


@pytest.fixture(params=["sqlite", "redis"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    """An empty storage of each kind."""
    if request.param == "sqlite":
        yield open_storage("", tmp_path)
        return
    with redis_at_hand() as url:
        yield open_storage(url, tmp_path)


def consume(queue: HueyQueue, until: threading.Event, seconds: float = 20) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=work, args=(queue, stop, lambda: None, 0.1))
    thread.start()
    try:
        assert until.wait(seconds), "the job never ran"
    finally:
        stop.set()
        thread.join(15)


def test_word_left_by_one_process_reaches_the_handlers_of_another(storage: Storage) -> None:
    seen: list[tuple[int, str]] = []
    swept: list[int] = []
    done = threading.Event()

    def look_at(project: int, group: str) -> None:
        seen.append((project, group))
        if len(seen) == 2:
            done.set()

    client = HueyQueue(storage)
    client.sweep(7)
    client.look_at(1, "video 'ä' \U0001f407")
    client.look_at(2, "", delay=0.5)
    consume(HueyQueue(storage, Handlers(look_at, swept.append)), done)
    assert sorted(seen) == [(1, "video 'ä' \U0001f407"), (2, "")]
    assert swept == [7]


def test_a_delayed_word_is_not_heard_early(storage: Storage) -> None:
    heard: list[float] = []
    done = threading.Event()
    queue = HueyQueue(storage, Handlers(lambda *_: (heard.append(time.time()), done.set())[0], print))
    asked = time.time()
    queue.look_at(1, "a", delay=1.5)
    consume(queue, done)
    assert heard[0] >= asked + 1.4


def test_a_failing_job_does_not_end_the_worker(storage: Storage) -> None:
    done = threading.Event()

    def look_at(project: int, group: str) -> None:
        if group == "bad":
            raise ValueError("boom")
        done.set()

    queue = HueyQueue(storage, Handlers(look_at, print))
    queue.look_at(1, "bad")
    queue.look_at(1, "good")
    consume(queue, done)


def test_a_sweep_does_not_wait_behind_a_training(storage: Storage) -> None:
    swept, may_end = threading.Event(), threading.Event()
    queue = HueyQueue(storage, Handlers(lambda *_: may_end.wait(20) and None, lambda _: swept.set()))
    queue.look_at(1, "long")
    queue.sweep(1)
    try:
        consume(queue, swept)
    finally:
        may_end.set()


def test_messages_are_json_and_keep_everything(storage: Storage) -> None:
    queue = HueyQueue(storage)
    serializer = JsonSerializer()
    for task in (queue._look_at.s(1, "g"), queue._look_at.s(2, "h", eta=datetime(2026, 1, 2, 3, 4, 5, 6))):
        message = queue.training._registry.create_message(task)
        data = serializer.serialize(message)
        json.loads(data)
        assert serializer.deserialize(data) == message


def test_it_tells_how_many_words_wait(storage: Storage) -> None:
    queue = HueyQueue(storage)
    assert queue.waiting() == 0
    queue.look_at(1, "a")
    queue.look_at(1, "a")
    queue.sweep(1)
    assert queue.waiting() == 2


@pytest.mark.parametrize("url", ["amqp://localhost", "localhost:6379", "http://redis"])
def test_a_url_of_something_else_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="redis://"):
        open_storage(url, tmp_path)


def test_leaving_word_survives_a_redis_that_is_away() -> None:
    with RedisServer() as server:
        queue = HueyQueue(redis_storage(server.url))
        queue.look_at(1, "a")
        server.stop()
        started = time.monotonic()
        queue.look_at(1, "a")
        queue.look_at(1, "a", delay=5)
        queue.sweep(1)
        assert time.monotonic() - started < 5
        server.start()
        assert queue.waiting() == 0  # it came back empty
        queue.look_at(1, "a")
        assert queue.waiting() == 1
