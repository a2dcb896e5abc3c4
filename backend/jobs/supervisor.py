"""Keeps the embedded worker alive: a child process of the server, started again whenever it ends."""

import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence

import structlog

log = structlog.get_logger(__name__)

STOP_SECONDS = 15
"""How long a worker may take to end by itself before it is killed."""


class Supervisor:
    """Runs `command` until stopped; a child that ends is replaced, at longer and longer pauses while it ends at once.

    `on_death` is told the process id of each child that ended, to give back what it held.
    """

    def __init__(
        self,
        command: Sequence[str],
        on_death: Callable[[int], None],
        env: Mapping[str, str] | None = None,
        longest_pause: float = 30.0,
    ) -> None:
        self._command = list(command)
        self._env = env
        self._on_death = on_death
        self._longest_pause = longest_pause
        self._stop = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None
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
            self._child = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, process_group=0, env=self._env)
            code = self._child.wait()
            if self._stop.is_set():
                return
            lived = time.monotonic() - started
            pause = 0.5 if lived > self._longest_pause else min(self._longest_pause, max(0.5, pause * 2))
            log.error("the worker ended; starting another", code=code, lived=round(lived, 1), pause=pause)
            self._on_death(self._child.pid)
