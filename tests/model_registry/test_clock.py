"""Machines whose clocks differ agree on the time, where they share a database server."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from model_registry import Lease, open_registry
from model_registry.clock import ASK_AGAIN_SECONDS, ServerClock, shared_clock
from model_registry.database import open_database
from tests.model_registry.conftest import task

HOUR = 3600.0


@dataclass
class Monotonic:
    """A machine's counter; each starts somewhere else."""

    start: float
    real: Callable[[], float] = time.monotonic

    def __call__(self) -> float:
        return self.start + self.real()


@pytest.fixture
def server(url: str) -> str:
    """URL of a registry on a database server."""
    if url.startswith("sqlite"):
        pytest.skip("SQLite is on one machine")
    return url


def test_a_file_has_this_machines_clock(url: str) -> None:
    database = open_database(url)
    clock = shared_clock(database)
    assert (clock is time.time) == url.startswith("sqlite")
    assert clock() == pytest.approx(time.time(), abs=5)
    database.close()


def test_two_machines_agree_whatever_their_own_counters_say(server: str) -> None:
    database = open_database(server)
    one, other = ServerClock(database, Monotonic(0)), ServerClock(database, Monotonic(HOUR))
    assert one() == pytest.approx(other(), abs=0.5)
    database.close()


def test_a_counter_that_drifts_is_set_right_again(server: str) -> None:
    database = open_database(server)
    counter = Monotonic(0)
    clock = ServerClock(database, counter)
    counter.start += ASK_AGAIN_SECONDS + 1  # the machine slept through, or its counter is fast
    assert clock() == pytest.approx(time.time(), abs=5)
    database.close()


def test_it_goes_on_while_the_server_is_away(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    database = open_database(server)
    counter = Monotonic(0)
    clock = ServerClock(database, counter)
    before = clock()

    asked = []

    def away() -> None:
        asked.append(counter())
        raise ConnectionError("gone")

    monkeypatch.setattr(database, "reading", away)
    counter.start += 2 * ASK_AGAIN_SECONDS
    assert clock() - before == pytest.approx(2 * ASK_AGAIN_SECONDS, abs=5)
    assert asked, "nobody looked at the server's clock"
    database.close()


@pytest.mark.parametrize("skew", [-HOUR, HOUR])
def test_a_lease_holds_against_a_machine_whose_wall_clock_is_wrong(
    server: str, tmp_path: Path, skew: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_registry(server, str(tmp_path)) as right:
        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() + skew)
        with open_registry(server, str(tmp_path)) as wrong:
            right.tasks.upsert(1, [task(1)], "r")
            assert right.leases.take(Lease(1, "a", "right"), 60)
            assert not wrong.leases.take(Lease(1, "a", "wrong"), 60)
            right.leases.release(Lease(1, "a", "right"))
            assert wrong.leases.take(Lease(1, "a", "wrong"), 0.05)
            time.sleep(0.1)
            assert right.leases.take(Lease(1, "a", "right"), 60)
