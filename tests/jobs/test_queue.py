import json
import threading
import time
from datetime import datetime
from pathlib import Path

from backend.jobs.queue import Handlers, HueyQueue, JsonSerializer, sqlite_storage
from backend.jobs.worker import work


def consume(queue: HueyQueue, until: threading.Event, seconds: float = 20) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=work, args=(queue, stop, lambda: None, 0.1))
    thread.start()
    try:
        assert until.wait(seconds), "the job never ran"
    finally:
        stop.set()
        thread.join(15)


def test_word_left_by_one_process_reaches_the_handlers_of_another(tmp_path: Path) -> None:
    seen: list[tuple[int, str]] = []
    swept: list[int] = []
    done = threading.Event()

    def look_at(project: int, group: str) -> None:
        seen.append((project, group))
        if len(seen) == 2:
            done.set()

    client = HueyQueue(sqlite_storage(tmp_path))
    client.sweep(7)
    client.look_at(1, "video 'ä' \U0001f407")
    client.look_at(2, "", delay=0.5)
    consume(HueyQueue(sqlite_storage(tmp_path), Handlers(look_at, swept.append)), done)
    assert sorted(seen) == [(1, "video 'ä' \U0001f407"), (2, "")]
    assert swept == [7]


def test_a_delayed_word_is_not_heard_early(tmp_path: Path) -> None:
    heard: list[float] = []
    done = threading.Event()
    queue = HueyQueue(sqlite_storage(tmp_path), Handlers(lambda *_: (heard.append(time.time()), done.set())[0], print))
    asked = time.time()
    queue.look_at(1, "a", delay=1.5)
    consume(queue, done)
    assert heard[0] >= asked + 1.4


def test_a_failing_job_does_not_end_the_worker(tmp_path: Path) -> None:
    done = threading.Event()

    def look_at(project: int, group: str) -> None:
        if group == "bad":
            raise ValueError("boom")
        done.set()

    queue = HueyQueue(sqlite_storage(tmp_path), Handlers(look_at, print))
    queue.look_at(1, "bad")
    queue.look_at(1, "good")
    consume(queue, done)


def test_a_sweep_does_not_wait_behind_a_training(tmp_path: Path) -> None:
    swept, may_end = threading.Event(), threading.Event()
    queue = HueyQueue(sqlite_storage(tmp_path), Handlers(lambda *_: may_end.wait(20) and None, lambda _: swept.set()))
    queue.look_at(1, "long")
    queue.sweep(1)
    try:
        consume(queue, swept)
    finally:
        may_end.set()


def test_messages_are_json_and_keep_everything(tmp_path: Path) -> None:
    queue = HueyQueue(sqlite_storage(tmp_path))
    serializer = JsonSerializer()
    for task in (queue._look_at.s(1, "g"), queue._look_at.s(2, "h", eta=datetime(2026, 1, 2, 3, 4, 5, 6))):
        message = queue.training._registry.create_message(task)
        data = serializer.serialize(message)
        json.loads(data)
        assert serializer.deserialize(data) == message
