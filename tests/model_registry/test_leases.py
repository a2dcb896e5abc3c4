import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from model_registry import Lease, Registry, VersionState, open_registry
from tests.model_registry.conftest import Clock, label, task
from tests.model_registry.workers import begin, in_processes, race_for_leases


def test_no_group(registry: Registry) -> None:
    assert not registry.leases.take(Lease(1, "a", "me"), 60)
    assert not registry.leases.renew(Lease(1, "a", "me"), 60)
    registry.leases.release(Lease(1, "a", "me"))
    assert registry.leases.release_owner("me") == 0


def test_one_at_a_time(registry: Registry, clock: Clock) -> None:
    registry.tasks.upsert(1, [task(1), task(2, "b")], "r")
    assert registry.leases.take(Lease(1, "a", "me"), 60)
    assert not registry.leases.take(Lease(1, "a", "me"), 60)
    assert not registry.leases.take(Lease(1, "a", "other"), 60)
    assert registry.leases.take(Lease(1, "b", "other"), 60)
    registry.leases.release(Lease(1, "a", "other"))
    assert not registry.leases.take(Lease(1, "a", "other"), 60)
    registry.leases.release(Lease(1, "a", "me"))
    assert registry.leases.take(Lease(1, "a", "other"), 60)
    assert not registry.leases.renew(Lease(1, "a", "me"), 60)


def test_it_runs_out_unless_renewed(registry: Registry, clock: Clock) -> None:
    registry.tasks.upsert(1, [task(1)], "r")
    registry.leases.take(Lease(1, "a", "me"), 60)
    clock.now += 59.5
    assert registry.leases.renew(Lease(1, "a", "me"), 60)
    clock.now += 59.5
    assert not registry.leases.take(Lease(1, "a", "other"), 60)
    clock.now += 1
    assert registry.leases.renew(Lease(1, "a", "me"), 60)  # ran out, but nobody noticed
    clock.now += 60
    assert registry.leases.take(Lease(1, "a", "other"), 60)
    assert not registry.leases.renew(Lease(1, "a", "me"), 60)


def test_release_owner_gives_back_all_of_a_dead_worker(registry: Registry, clock: Clock) -> None:
    for project in (1, 2):
        registry.tasks.upsert(project, [task(project, project=project)], "r")
        registry.leases.take(Lease(project, "a", "dead"), 60)
    registry.tasks.upsert(1, [task(3, "b")], "r")
    registry.leases.take(Lease(1, "b", "other"), 60)
    registry.groups.progress(Lease(1, "a", "dead"), "training", 0.5, 1)
    assert registry.leases.release_owner("dead") == 2
    assert [group.lease_owner for group in registry.groups.all()] == [None, "other", None]
    assert registry.groups.all()[0].phase is None


def test_a_taken_group_starts_without_the_other_workers_phase(registry: Registry, clock: Clock) -> None:
    registry.tasks.upsert(1, [task(1)], "r")
    registry.leases.take(Lease(1, "a", "dead"), 60)
    registry.groups.progress(Lease(1, "a", "dead"), "training", 0.5, 1)
    clock.now += 60
    registry.leases.take(Lease(1, "a", "me"), 60)
    assert [(group.phase, group.progress) for group in registry.groups.all()] == [(None, None)]


@pytest.mark.slow
def test_processes_never_share_a_lease(url: str, tmp_path: Path) -> None:
    artifacts = str(tmp_path / "artifacts")
    names = [f"g{number}" for number in range(40)]
    with open_registry(url, artifacts) as registry:
        registry.tasks.upsert(1, [task(number, name) for number, name in enumerate(names)], "r")
    got = in_processes(race_for_leases, *((url, artifacts, owner, names) for owner in ("one", "two", "three")))
    assert Counter(name for taken in got for name in taken) == Counter(names)


def test_a_killed_worker_leaves_no_half_version(url: str, tmp_path: Path) -> None:
    artifacts = str(tmp_path / "artifacts")
    with open_registry(url, artifacts) as registry:
        registry.record_event(1, [task(1)], [label(1, 1)], "r", None)
        call = f"from tests.model_registry.workers import *; begin_and_hang({url!r}, {artifacts!r})"
        with subprocess.Popen([sys.executable, "-c", call], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as worker:
            assert worker.stdout is not None
            assert worker.stdout.readline() == b"training\n"
            worker.kill()
        assert worker.returncode == -signal.SIGKILL
        while not registry.leases.take(Lease(1, "a", "me"), 60):
            time.sleep(0.01)
        [left] = registry.versions.history(1, "a")
        assert (left.state, left.reason) == (VersionState.INTERRUPTED, "the worker ended before it finished")
        assert begin(registry).number == 2
