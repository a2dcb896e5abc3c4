"""Whether anybody works, in words for people, probes and the command line."""

from pathlib import Path

import pytest

from backend.loop.worker.health import disk_problem, health_problems, no_worker_alive
from backend.loop.worker.heartbeat import BEAT_SECONDS, Heartbeat
from model_registry import WorkerRecord
from tests.loop.house import House

ALIVE = WorkerRecord("a", 900.0, 995.0)
STARTING = WorkerRecord("b", 990.0)
SILENT = WorkerRecord("c", 100.0, 910.0, last_error="the reconciler: locked")
BROKEN = WorkerRecord("d", 800.0, None, 850.0, "ended with exit code 1\nno torch")
STOPPED = WorkerRecord("e", 100.0, 200.0, 210.0)


@pytest.mark.parametrize(
    ("workers", "said"),
    [
        ([], "No worker has run yet."),
        ([ALIVE], None),
        ([STARTING], None),
        ([SILENT, BROKEN, ALIVE], None),
        ([SILENT, BROKEN, STARTING], None),
        ([STOPPED], "No worker runs since 13 min."),
        ([BROKEN, STOPPED], "No worker runs since 3 min: ended with exit code 1\nno torch"),
        ([BROKEN, SILENT], "No worker runs since 90 s: the reconciler: locked"),
    ],
)
def test_that_nobody_works(workers: list[WorkerRecord], said: str | None) -> None:
    assert no_worker_alive(workers, 1000.0) == said


def test_without_the_reason_only_the_time_is_told() -> None:
    assert no_worker_alive([SILENT], 1000.0, details=False) == "No worker runs since 90 s."


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_it_is_ready_once_a_worker_gave_a_sign_of_life(house: House) -> None:
    assert health_problems(house.services) == ["No worker has run yet."]
    house.registry.workers.starting("a")
    assert health_problems(house.services) == ["The worker is starting."]
    house.registry.workers.seen("a", house.now)
    assert health_problems(house.services) == []


def test_a_disk_without_room_is_told(tmp_path: Path) -> None:
    house = House(tmp_path, disk_floor_mb=10**9)
    assert "expected 1000000000 MB" in str(disk_problem(house.services))
    assert health_problems(house.services)[-1] == disk_problem(house.services)


def test_the_heart_beats_seldom_and_tells_what_there_is(house: House) -> None:
    wrong: list[str] = []
    beat = Heartbeat(house.services, "me", lambda: "group clip", lambda: wrong[-1] if wrong else None)
    began = house.now
    beat()
    [first] = house.registry.workers.all()
    assert (first.doing, first.last_error, first.alive(house.now)) == ("group clip", None, True)
    wrong.append("the disk is full")
    house.now += BEAT_SECONDS / 2
    beat()
    assert house.registry.workers.all() == [first]
    house.now += BEAT_SECONDS / 2
    beat()
    [second] = house.registry.workers.all()
    assert second.last_error == "the disk is full"
    assert began <= second.started_at < began + 1
