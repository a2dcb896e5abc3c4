"""Trainings that end their worker, with real processes; and trainings that are known to be too large."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from backend.jobs.supervisor import Supervisor
from backend.process import new_worker_name, note_death, worker_name
from model_registry.leases import UNWATCHED
from tests.end_to_end.work import until
from tests.loop.house import House

WORKER = """
import os, signal, sys
from backend.process import worker_name
from model_registry import Lease, open_registry
registry = open_registry(sys.argv[1], sys.argv[2])
lease = Lease(1, "clip", worker_name(os.getpid()))
if registry.leases.take(lease, 60):
    registry.groups.progress(lease, "training", 0.0, None, "its training (frames: 9)")
    os.kill(os.getpid(), signal.SIGKILL)  # as the kernel does when memory is out
sys.exit(0)
"""


@pytest.fixture
def house(tmp_path: Path) -> House:
    made = House(tmp_path)
    made.add_project()
    made.add_task(1)
    made.label(1)
    return made


def test_a_worker_that_its_server_finds_dead_twice_has_the_group_set_aside(house: House) -> None:
    ends: list[tuple[int, bool]] = []

    def on_death(pid: int | None, why: str) -> None:
        assert pid is not None
        ends.append((pid, Path(f"/proc/{pid}").exists()))
        note_death(house.services, "here", pid, why)

    command = [sys.executable, "-c", WORKER, house.settings.database, house.settings.artifacts]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    supervisor = Supervisor(command, on_death, env)
    supervisor.start()
    try:
        until(lambda: len(ends) >= 2, "two deaths", 120)
    finally:
        supervisor.stop()
    assert not any(alive for _, alive in ends)
    group = house.registry.groups.get(1, "clip")
    assert group is not None
    assert group.deaths == 2
    assert group.state(house.now) == "failed"
    assert group.reason is not None
    assert "its training (frames: 9) ended the worker 2 times" in group.reason
    assert house.registry.groups.pending(house.now) == []


def test_it_was_killed(house: House) -> None:
    command = [sys.executable, "-c", WORKER, house.settings.database, house.settings.artifacts]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL


def test_names_tell_who_is_watched() -> None:
    colons = UNWATCHED.count(":")
    assert worker_name(7).count(":") == colons - 1
    assert new_worker_name().count(":") == colons


def test_a_training_that_needs_more_than_it_may_take_is_refused_with_the_reason(quick: None, tmp_path: Path) -> None:
    house = House(tmp_path, training_mb=1, proposals=False)
    house.add_project()
    house.add_task(1)
    house.label(1)
    house.work()
    group = house.registry.groups.get(1, "clip")
    assert group is not None
    assert group.state(house.now) == "failed"
    assert "Too little memory: 1 labelled frames" in (group.reason or "")
    assert house.registry.versions.history(1, "clip") == []
