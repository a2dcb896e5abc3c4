import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from backend.cancel import CancelSource
from backend.errors import RegistryUnavailable
from backend.jobs.supervisor import Supervisor
from backend.jobs.worker import stop_with_server

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]


def wait(until: Callable[[], object], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def test_a_killed_child_is_replaced_and_reported() -> None:
    dead: list[tuple[int | None, str]] = []
    supervisor = Supervisor(SLEEPER, lambda *death: dead.append(death))
    supervisor.start()
    try:
        wait(lambda: supervisor.pid)
        first = supervisor.pid
        assert first
        os.kill(first, signal.SIGKILL)
        wait(lambda: supervisor.pid not in (None, first))
        assert dead == [(first, "killed by SIGKILL, perhaps since memory ran out")]
    finally:
        supervisor.stop()
    assert supervisor.pid is None


def test_stop_ends_the_child_and_starts_no_other() -> None:
    dead: list[object] = []
    supervisor = Supervisor(SLEEPER, lambda *death: dead.append(death))
    supervisor.start()
    wait(lambda: supervisor.pid)
    supervisor.stop()
    assert supervisor.pid is None
    assert dead == []


def test_a_child_that_ends_at_once_is_not_started_in_a_tight_loop() -> None:
    dead: list[object] = []
    supervisor = Supervisor([sys.executable, "-c", ""], lambda *death: dead.append(death))
    supervisor.start()
    time.sleep(2.0)
    supervisor.stop()
    assert 1 <= len(dead) <= 3


@contextmanager
def supervised(command: list[str]) -> Iterator[list[tuple[int | None, str]]]:
    """The deaths so far of children with this command."""
    dead: list[tuple[int | None, str]] = []
    supervisor = Supervisor(command, lambda *death: dead.append(death))
    supervisor.start()
    try:
        yield dead
    finally:
        supervisor.stop()


def test_why_a_child_ended_is_told_and_its_words_are_passed_on(capfd: pytest.CaptureFixture[str]) -> None:
    code = (
        "import sys; [print(n, file=sys.stderr) for n in range(5000)]; print(file=sys.stderr); sys.exit('no registry')"
    )
    with supervised([sys.executable, "-c", code]) as dead:
        wait(lambda: dead)
    assert dead[0][1].splitlines() == ["ended with exit code 1", "4998", "4999", "no registry"]
    assert "4999\n\nno registry\n" in capfd.readouterr().err


def test_a_signal_is_told_by_its_name() -> None:
    with supervised([sys.executable, "-c", "import os; os.abort()"]) as dead:
        wait(lambda: dead)
    assert dead[0][1].startswith("killed by SIGABRT")


def test_a_child_of_the_child_does_not_hide_its_death() -> None:
    """It inherits the pipe of the log and holds it open."""
    code = (
        "import subprocess, sys; print(subprocess.Popen(['sleep', '20']).pid, file=sys.stderr, flush=True); sys.exit(3)"
    )
    with supervised([sys.executable, "-c", code]) as dead:
        wait(lambda: dead)
    why = dead[0][1].splitlines()
    assert why[0] == "ended with exit code 3"
    for _, told in dead:
        os.kill(int(told.splitlines()[1]), signal.SIGKILL)


def test_a_child_that_cannot_be_started_is_tried_again() -> None:
    with supervised(["/no/such/program"]) as dead:
        wait(lambda: len(dead) >= 2)
    assert dead[0][0] is None
    assert "it cannot be started" in dead[0][1]


def test_a_death_that_cannot_be_noted_does_not_end_the_supervision() -> None:
    noted: list[int | None] = []

    def fail(pid: int | None, why: str) -> None:
        noted.append(pid)
        raise RegistryUnavailable("the registry is away")

    supervisor = Supervisor([sys.executable, "-c", ""], fail)
    supervisor.start()
    try:
        wait(lambda: len(noted) >= 2)
    finally:
        supervisor.stop()


def test_a_worker_stops_when_its_server_is_gone(tmp_path: Path) -> None:
    code = """
import os, subprocess, sys
child = "import os, sys; from backend.cancel import CancelSource; " \\
        "from backend.jobs.worker import stop_with_server; stop = CancelSource(); " \\
        "stop_with_server(stop, int(sys.argv[1]), 0.1); open(sys.argv[2], 'w').write(str(stop.wait(30)))"
subprocess.Popen([sys.executable, "-c", child, str(os.getpid()), sys.argv[1]])
"""
    mark = tmp_path / "mark"
    subprocess.run([sys.executable, "-c", code, str(mark)], check=True, timeout=30)
    wait(lambda: mark.exists() and mark.read_text())
    assert mark.read_text() == "True", "it ended at the end of its patience, not of its server"


def test_the_watch_ends_with_the_worker() -> None:
    stop = CancelSource()
    thread = stop_with_server(stop, os.getppid(), 0.05)
    stop.cancel("it ends")
    thread.join(5)
    assert not thread.is_alive()
