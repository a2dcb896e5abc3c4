"""Process supervisor of the embedded worker: a child process of the server, started again whenever it ends."""

import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import IO

import structlog

from backend.jobs.complaints import Complaints

log = structlog.get_logger(__name__)

STOP_SECONDS = 15
"""How long a worker may take to end by itself before it is killed."""
LAST_LINES = 3
"""Of what a child wrote to stderr: the last one says why, those before it where."""
LONGEST_LINE = 2000
"""Bytes of a line that are kept."""


class Supervisor:
    """Runs `command` until stopped; a child that ends is replaced, at longer and longer pauses while it ends at once.

    `on_death` is told the process id of each child that ended (None: it could not be started), to give back what it
    held, and why it ended in words. What children write to stderr goes to ours.
    """

    def __init__(
        self,
        command: Sequence[str],
        on_death: Callable[[int | None, str], None],
        env: Mapping[str, str] | None = None,
        longest_pause: float = 30.0,
    ) -> None:
        self._command = list(command)
        self._env = env
        self._on_death = on_death
        self._longest_pause = longest_pause
        self._stop = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None
        self._complaints = Complaints()
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def start(self) -> None:
        """Start the child and watch it."""
        self._thread.start()

    def stop(self) -> None:
        """End the child, kindly first, and return when it is gone."""
        self._stop.set()
        child = self._child
        if child and child.poll() is None:
            child.terminate()
            try:
                child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
        self._thread.join(STOP_SECONDS)

    @property
    def pid(self) -> int | None:
        """Process id of the living child."""
        return self._child.pid if self._child and self._child.poll() is None else None

    def _run(self) -> None:
        pause = 0.0
        while not self._stop.wait(pause):
            started = time.monotonic()
            pid, why = self._live()
            if self._stop.is_set():
                return
            lived = time.monotonic() - started
            pause = 0.5 if lived > self._longest_pause else min(self._longest_pause, max(0.5, pause * 2))
            log.error("the worker ended; starting another", why=why, lived=round(lived, 1), pause=pause)
            with self._complaints.about("noting the worker's end"):
                self._on_death(pid, why)

    def _live(self) -> tuple[int | None, str]:
        """One child's life; its process id, and why it ended."""
        try:
            self._child = child = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, process_group=0, env=self._env
            )
        except OSError as error:  # no memory or no process to be had at the moment
            return None, f"it cannot be started: {error}"
        assert child.stderr is not None
        last: deque[str] = deque(maxlen=LAST_LINES)
        reader = threading.Thread(target=_pass_on, args=(child.stderr, last), name="worker-log", daemon=True)
        reader.start()
        code = child.wait()
        reader.join(1)  # not for ever: a child of the child may still hold the other end
        return child.pid, "\n".join([ending(code), *last])


def ending(code: int) -> str:
    """How a process ended, by its return code as `subprocess` gives it."""
    if code == -signal.SIGKILL:
        return "killed by SIGKILL, perhaps since memory ran out"
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


def _pass_on(source: IO[bytes], last: deque[str]) -> None:
    """Read all of a child's stderr, hand it on to ours, and keep its last lines."""
    with source:
        for line in iter(lambda: source.readline(LONGEST_LINE), b""):
            text = line.decode(errors="replace")
            if text.strip():
                last.append(text.strip())
            # Where ours is closed, or on a full disk, the child must be able to go on writing all the same.
            with suppress(OSError, ValueError):
                sys.stderr.write(text)
                sys.stderr.flush()
