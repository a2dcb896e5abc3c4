import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from backend.jobs.supervisor import Supervisor
from backend.jobs.worker import stop_with_parent

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]


def wait(until: Callable[[], object], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def test_a_killed_child_is_replaced_and_reported() -> None:
    dead: list[int] = []
    supervisor = Supervisor(SLEEPER, dead.append)
    supervisor.start()
    try:
        wait(lambda: supervisor.pid)
        first = supervisor.pid
        assert first
        os.kill(first, signal.SIGKILL)
        wait(lambda: supervisor.pid not in (None, first))
        assert dead == [first]
    finally:
        supervisor.stop()
    assert supervisor.pid is None


def test_stop_ends_the_child_and_starts_no_other() -> None:
    dead: list[int] = []
    supervisor = Supervisor(SLEEPER, dead.append)
    supervisor.start()
    wait(lambda: supervisor.pid)
    supervisor.stop()
    assert supervisor.pid is None
    assert dead == []


def test_a_child_that_ends_at_once_is_not_started_in_a_tight_loop() -> None:
    dead: list[int] = []
    supervisor = Supervisor([sys.executable, "-c", ""], dead.append)
    supervisor.start()
    time.sleep(2.0)
    supervisor.stop()
    assert 1 <= len(dead) <= 3


def test_a_worker_stops_when_its_server_is_gone(tmp_path: Path) -> None:
    code = """
import os, subprocess, sys
child = "import os, sys, threading; from backend.jobs.worker import stop_with_parent; stop = threading.Event(); " \\
        "stop_with_parent(stop, int(sys.argv[1]), 0.1); open(sys.argv[2], 'w').write(str(stop.wait(30)))"
subprocess.Popen([sys.executable, "-c", child, str(os.getpid()), sys.argv[1]])
"""
    mark = tmp_path / "mark"
    subprocess.run([sys.executable, "-c", code, str(mark)], check=True, timeout=30)
    wait(lambda: mark.exists() and mark.read_text())
    assert mark.read_text() == "True", "it ended at the end of its patience, not of its server"


def test_the_watch_ends_with_the_worker() -> None:
    stop = threading.Event()
    thread = stop_with_parent(stop, os.getppid(), 0.05)
    stop.set()
    thread.join(5)
    assert not thread.is_alive()
