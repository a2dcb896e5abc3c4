import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from backend.cancel import CancelSource
from backend.errors import SettingsError
from backend.jobs.complaints import Complaints
from backend.jobs.queue import Handlers, HueyQueue, Storage, open_storage, redis_storage
from backend.jobs.worker import work
from tests.engines import RedisServer, redis_at_hand


@pytest.fixture(params=["sqlite", "redis"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    """An empty storage of each kind."""
    if request.param == "sqlite":
        yield open_storage("", tmp_path)
        return
    with redis_at_hand() as url:
        yield open_storage(url, tmp_path)


def consume(queue: HueyQueue, until: threading.Event, seconds: float = 20) -> None:
    stop = CancelSource()
    thread = threading.Thread(target=work, args=(queue, stop, lambda: None, 0.1, Complaints()))
    thread.start()
    try:
        assert until.wait(seconds), "the job never ran"
    finally:
        stop.cancel("it is done")
        thread.join(15)


def words(queue: HueyQueue) -> tuple[list[bytes], list[bytes]]:
    return [bytes(w) for w in queue.groups.enqueued_items()], [bytes(w) for w in queue.projects.enqueued_items()]


def test_word_left_by_one_process_reaches_the_handlers_of_another(storage: Storage) -> None:
    looked, swept = threading.Event(), list[int]()
    client = HueyQueue(storage)
    client.enqueue_sweep(7)
    client.enqueue_group(1, "video 'ä' \U0001f407")
    done = threading.Event()

    def sweep(project: int) -> None:
        swept.append(project)
        if looked.wait(10):
            done.set()

    consume(HueyQueue(storage, Handlers(looked.set, sweep)), done)
    assert swept == [7]


def test_a_word_that_waits_is_not_left_again(storage: Storage) -> None:
    queue = HueyQueue(storage)
    for number in range(50):
        queue.enqueue_group(1 + number % 3, f"clip {number}")
        queue.enqueue_sweep(1 + number % 3)
    assert words(queue) == ([b"look"], [b"1", b"2", b"3"])
    assert queue.waiting() == 4


def test_a_word_that_was_heard_is_left_again(storage: Storage) -> None:
    """Else what comes while a worker is busy would be forgotten."""
    looks: list[int] = []
    done = threading.Event()

    def look() -> None:
        looks.append(1)
        if len(looks) == 1:
            queue.enqueue_group(1, "a")  # comes while the worker is busy
        else:
            done.set()

    queue = HueyQueue(storage, Handlers(look, print))
    queue.enqueue_group(1, "a")
    consume(queue, done)
    assert len(looks) == 2


def test_a_failing_job_does_not_end_the_worker(storage: Storage) -> None:
    done, failed = threading.Event(), list[int]()

    def look() -> None:
        if not failed:
            failed.append(1)
            queue.enqueue_group(1, "again")
            raise ValueError("boom")
        done.set()

    queue = HueyQueue(storage, Handlers(look, print))
    queue.enqueue_group(1, "bad")
    consume(queue, done)
    assert failed


def test_a_sweep_does_not_wait_behind_a_training(storage: Storage) -> None:
    swept, may_end = threading.Event(), threading.Event()
    queue = HueyQueue(storage, Handlers(lambda: may_end.wait(20) and None, lambda _: swept.set()))
    queue.enqueue_group(1, "long")
    queue.enqueue_sweep(1)
    try:
        consume(queue, swept)
    finally:
        may_end.set()


def test_words_that_are_none_cost_themselves_alone(storage: Storage) -> None:
    swept, done = list[int](), threading.Event()

    def sweep(project: int) -> None:
        swept.append(project)
        done.set()

    queue = HueyQueue(storage, Handlers(lambda: None, sweep))
    for garbage in (b"\x80\x04 a pickle", b'{"id": "an older release"}', b"-1", b"", "²".encode()):
        queue.projects.enqueue(garbage)
    queue.groups.enqueue(b"\xff\x00")
    queue.enqueue_sweep(5)
    consume(queue, done)
    assert swept == [5]


def test_a_queue_without_handlers_cannot_be_answered(storage: Storage) -> None:
    with pytest.raises(ValueError, match="handlers"):
        work(HueyQueue(storage), CancelSource(), lambda: None, 1, Complaints())


@pytest.mark.parametrize("url", ["amqp://localhost", "localhost:6379", "http://redis"])
def test_a_url_of_something_else_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="redis://"):
        open_storage(url, tmp_path)


DAMAGE = [b"something else entirely " * 400, b"SQLite format 3\0" + bytes(range(256)) * 40]


@pytest.mark.parametrize("content", DAMAGE)
def test_a_damaged_file_is_set_aside_and_a_new_one_begun(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "queue.db").write_bytes(content)
    queue = HueyQueue(open_storage("", tmp_path))
    queue.enqueue_sweep(3)
    assert words(queue) == ([], [b"3"])
    [aside] = tmp_path.glob("queue.db.damaged-*")
    assert aside.read_bytes() == content


@pytest.mark.parametrize("content", [*DAMAGE, b""])
def test_a_file_that_is_damaged_while_it_is_used_is_set_aside_too(tmp_path: Path, content: bytes) -> None:
    queue = HueyQueue(open_storage("", tmp_path))
    queue.enqueue_sweep(3)
    queue.projects.close()  # its connection may go on with what it has read
    queue.groups.close()
    for file in tmp_path.glob("queue.db-*"):
        file.unlink()
    (tmp_path / "queue.db").write_bytes(content)
    with pytest.raises(sqlite3.DatabaseError), closing(sqlite3.connect(tmp_path / "queue.db")) as connection:
        connection.execute("SELECT 1 FROM task")
    queue.enqueue_sweep(4)
    queue.enqueue_group(1, "a")
    assert words(queue) == ([b"look"], [b"4"])


def test_an_old_queue_file_is_taken_over(tmp_path: Path) -> None:
    """Earlier releases kept other words in it, under other names; those are left alone."""
    from huey import SqliteHuey

    before = SqliteHuey("training", filename=str(tmp_path / "queue.db"))
    before.storage.enqueue(b'{"name": "backend.jobs.queue.look_at_group"}')
    queue = HueyQueue(open_storage("", tmp_path))
    assert words(queue) == ([], [])
    queue.enqueue_group(1, "a")
    assert words(queue) == ([b"look"], [])


def test_a_locked_file_is_no_damage(tmp_path: Path) -> None:
    queue = HueyQueue(open_storage("", tmp_path))
    with closing(sqlite3.connect(tmp_path / "queue.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        queue.enqueue_group(1, "a")  # said in the log; the reconciler does without
    assert list(tmp_path.glob("*.damaged-*")) == []
    queue.enqueue_group(1, "a")
    assert words(queue)[0] == [b"look"]


def test_leaving_word_survives_a_redis_that_is_away() -> None:
    with RedisServer() as server:
        queue = HueyQueue(redis_storage(server.url))
        queue.enqueue_group(1, "a")
        server.stop()
        started = time.monotonic()
        queue.enqueue_group(1, "a")
        queue.enqueue_sweep(1)
        assert time.monotonic() - started < 5
        server.start()
        assert words(queue) == ([], [])  # it came back empty
        queue.enqueue_group(1, "a")
        assert words(queue) == ([b"look"], [])
